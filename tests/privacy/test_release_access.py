"""Who may have a release and whose rows it counts: real policies, a real register of consents, a real log."""

import datetime as dt
import hashlib
import threading
import time

import numpy as np
import pandas as pd
import pytest

from privacy import Budget, Ledger
from privacy import release as release_module
from privacy.access.schema import EVENT_COLUMNS
from privacy.consent import ConsentRegister, Notice, Receipt
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.release import ReleaseGate
from privacy.statistics.bounds import Bounds
from privacy.statistics.query_file import parse_query
from privacy.turn import spending_turn
from retail.errors import ConsentError, PolicyError, PrivacyError

RULES = """\
id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence
agreed,aggregator,may,release,any,transactions,raw,research; evaluation,consent,,any,house rule,Those who agreed count.
all,aggregator,may,release,own,orders,raw,any,,,any,house rule,Own orders are counted.
grown,aggregator,may not,release,any,orders,raw,any,minor,guardian,CN,PIPL 31,Not children without a guardian.
noisy,aggregator,may,release,any,movement,dp,any,,,any,house rule,Noisy counts go out.
"""
NOTICE = hashlib.sha256(b"notice").hexdigest()
NOW = dt.datetime.now(dt.UTC)


class World:
    """A gate for one data set of 40 persons, person 0 to 39, each with one row."""

    def __init__(self, folder, *, dataset="tx", consents=True, epsilon=8.0, path=None, **others):
        (folder / "rules").mkdir(exist_ok=True)
        (folder / "rules" / "rules.csv").write_text(RULES)
        parties = [Party("A", "aggregator"), Party("B", "aggregator"), Party("m", "merchant"), Party("R", "merchant")]
        sets = [
            Dataset("tx", "m", "transactions", "raw", True),
            Dataset("orders", "A", "orders", "raw", True),
            Dataset("noisy", "m", "movement", "dp", True),
        ]
        self.register = Register(parties, sets)
        budget = Budget("people", epsilon, 1e-5, 2500)
        self.ledger = Ledger.open(path or ":memory:", scope="persistent" if path else "run", budget=budget, run="r")
        self.log = Log.open(self.ledger.books, origin="test", key=None)
        self.consents = None
        if consents:
            self.consents = ConsentRegister.open(":memory:", log=None, commitments=None)
            for controller in ("A", "B"):
                self.consents.notices.add(Notice(controller, "n1", "en", NOTICE, NOW - dt.timedelta(days=9)))
        self.rows = pd.DataFrame({"person_id": range(40), "merchant_id": 1, "basket_id": range(40)})
        self.gate = ReleaseGate(
            dataset=dataset,
            ledger=self.ledger,
            engine=PolicyEngine.load([folder / "rules"], register=self.register),
            log=self.log,
            rows=lambda columns: self.rows[list(columns)],
            bounds=Bounds(),
            consents=self.consents,
            wait_s=20.0,
            **others,
        )

    def agree(self, person, controller="A", purpose="research", **changed):
        given_at = NOW - dt.timedelta(days=2)
        fields = dict(
            record_id=f"{person}-{controller}-{purpose}",
            principal=self.consents.token(person),
            controllers=(controller,),
            notice="n1",
            notice_sha256=NOTICE,
            language="en",
            purposes=(purpose,),
            data=("transactions", "orders"),
            processing=("use",),
            storage=("EU",),
            retention_days=30,
            recipients=(),
            jurisdiction="EU",
            lawful_basis="consent",
            level="general",
            explicit=False,
            issued_at=given_at,
            valid_from=given_at,
            expires_at=NOW + dt.timedelta(days=100),
            method="app",
            withdrawal="in the app",
        )
        self.consents.record(Receipt(**{**fields, **changed}))

    def events(self, kind="access"):
        return [entry.body for entry in self.log.entries(kind)]

    def kinds(self):
        return [entry.kind for entry in self.log.entries()]


@pytest.fixture
def world(tmp_path):
    def make(**settings) -> World:
        return World(tmp_path, **settings)

    return make


@pytest.fixture
def exact(monkeypatch):
    """The counts that entered the mechanism, in order."""
    seen = []
    draw = release_module.statistics.draw_counts

    def watched(counts, plan):
        seen.append(counts.tolist())
        return draw(counts, plan)

    monkeypatch.setattr(release_module.statistics, "draw_counts", watched)
    return seen


def count(dataset="tx", **others):
    return parse_query({"kind": "count", "epsilon": 0.5, "dataset": dataset} | others)


# --- the gate's own data set ----------------------------------------------------------------------------------------


def test_a_query_that_names_another_data_set_is_refused_and_logged_whatever_the_policy_says_of_it(world):
    w = world(dataset="tx")
    with pytest.raises(PrivacyError, match="holds the rows of tx, and the query names noisy"):
        w.gate.release("A", count("noisy"))  # which the policy would permit to A
    (event,) = w.events()
    assert (event["dataset"], event["decision"], event["actor"]) == ("noisy", "deny", "A")
    assert set(event) == set(EVENT_COLUMNS)
    assert w.ledger.spent == 0


def test_a_preview_of_another_data_set_is_refused_and_logged_too(world):
    w = world(dataset="tx")
    with pytest.raises(PrivacyError, match="ask the gate of that data set"):
        w.gate.preview(count("noisy"))
    (refusal,) = w.events("refusal")
    assert (refusal["dataset"], refusal["reason"], refusal["step"]) == ("noisy", "data set", "preview")


def test_an_unknown_purpose_or_actor_is_a_logged_denial(world):
    w = world(dataset="orders")
    for actor, purpose in (("A", "curiosity"), ("nobody", "research")):
        with pytest.raises(PolicyError, match="there is no"):
            w.gate.release(actor, count("orders", purpose=purpose))
    assert [(one["decision"], one["purpose"]) for one in w.events()] == [("deny", ""), ("deny", "research")]


# --- whose rows count -----------------------------------------------------------------------------------------------


def test_only_those_who_agreed_are_counted_where_the_policy_wants_consent(world, exact):
    w = world()
    for person in range(7):
        w.agree(person)
    w.gate.release("A", count())
    assert exact == [[7]]
    assert [(one["consent"], one["decision"]) for one in w.events()] == [("general", "allow")]


def test_without_a_register_of_consents_what_needs_consent_is_denied(world):
    w = world(consents=False)
    with pytest.raises(PolicyError):
        w.gate.release("A", count())
    assert w.ledger.spent == 0


def test_a_stored_answer_never_crosses_from_one_actor_or_purpose_to_another(world, exact):
    w = world()
    for person in range(7):
        w.agree(person)
    first = w.gate.release("A", count())
    others = [w.gate.release("B", count()), w.gate.release("A", count(purpose="evaluation"))]
    assert exact == [[7], [0], [0]]
    assert not any(one.stored for one in others)
    assert w.ledger.spent == 3 * first.cost
    again = w.gate.release("A", count(title="the same"))
    assert (again.stored, again.rows) == (True, first.rows)
    assert [w.gate.release("B", count()).rows, w.gate.release("A", count(purpose="evaluation")).rows] == [
        one.rows for one in others
    ]
    assert w.ledger.spent == 3 * first.cost


def test_a_stored_answer_never_crosses_from_one_jurisdiction_to_another(world, exact):
    w = world()
    w.agree(3)
    w.gate.release("A", count())
    w.gate.jurisdiction = "CN"
    assert not w.gate.release("A", count()).stored
    assert exact == [[1], [0]]


def test_a_stored_answer_of_which_nobody_is_left_out_is_shared_by_all_who_may_have_it(world):
    w = world(dataset="noisy")
    first = w.gate.release("A", count("noisy"))
    assert w.gate.release("B", count("noisy", purpose="audit")).rows == first.rows
    assert w.ledger.spent == first.cost


def test_a_preview_calls_an_answer_stored_only_for_whom_it_is(world):
    w = world()
    w.agree(3)
    w.gate.release("A", count())
    told = [w.gate.preview(count(), actor).stored for actor in ("A", "B", "R", None)]
    assert told == [True, False, False, False]
    assert w.kinds() == ["access", "release"]


def test_those_who_objected_do_not_count_where_nobody_is_asked(world, exact):
    w = world(dataset="orders")
    w.consents.withdraw(3, controller="A", purpose="research")
    w.gate.release("A", count("orders"))
    w.gate.release("A", count("orders", purpose="evaluation"))
    assert exact == [[39], [40]]


@pytest.mark.parametrize("spell", [float, str, lambda one: f" {one}", lambda one: f"{one}.0"])
def test_an_objection_counts_however_a_file_spells_the_person(world, exact, spell):
    w = world(dataset="orders")
    w.rows = w.rows.assign(person_id=[spell(one) for one in w.rows["person_id"]])
    w.consents.withdraw(3, controller="A", purpose="research")
    w.gate.release("A", count("orders"))
    assert exact == [[39]]


def test_who_was_erased_does_not_count_though_rows_are_left(world, exact):
    w = world(dataset="orders")
    w.consents.tombstones.add(3)
    w.consents.forget(3)
    w.gate.release("A", count("orders"))
    assert exact == [[39]]


def test_true_and_1_are_not_one_person_to_the_register(world, exact):
    w = world()
    w.rows = pd.DataFrame({"person_id": np.array([True, 1], dtype=object), "merchant_id": 1, "basket_id": [1, 2]})
    w.agree(1)
    w.gate.release("A", count())
    assert exact == [[1]]


def test_children_are_asked_about_also_where_grown_people_need_not_be(world, exact):
    w = world(dataset="orders", jurisdiction="CN")
    w.gate.release("A", count("orders"))  # not at the level "none", which forgets children: nobody has a receipt
    assert exact == [[0]]
    assert [(one["consent"], one["rule"]) for one in w.events()] == [("general", "all")]
    w.gate.consents = None
    with pytest.raises(PolicyError, match="PIPL 31"):
        w.gate.release("A", count("orders", refresh=True))
    assert (w.events()[-1]["minor"], w.events()[-1]["guardian"]) == (True, False)


def test_a_law_about_children_that_comes_while_rows_are_read_stops_the_release(world):
    w = world(dataset="orders", consents=False)
    rows, strict = w.gate.rows, w.gate.engine

    class Grown(PolicyEngine):
        late = False

        def decide_many(self, requests):
            answers = strict.decide_many(requests)
            return [
                type(one)(False, "late", "", "not children") if self.late and request.context.minor else one
                for one, request in zip(answers, requests, strict=True)
            ]

    w.gate.engine = Grown(strict.policies, strict.register)

    def passed_meanwhile(columns):
        w.gate.engine.late = True
        return rows(columns)

    w.gate.rows = passed_meanwhile
    with pytest.raises(PolicyError, match="not children"):
        w.gate.release("A", count("orders"))
    assert (w.ledger.spent, w.kinds(), w.events()[0]["minor"]) == (0, ["access"], True)


def test_a_withdrawal_while_rows_are_read_stops_the_release_costs_nothing_and_is_logged(world):
    w = world()
    w.agree(3)
    rows = w.gate.rows

    def withdrawn_meanwhile(columns):
        w.consents.withdraw(3, controller="A", purpose="research")
        return rows(columns)

    w.gate.rows = withdrawn_meanwhile
    with pytest.raises(ConsentError, match="ask again"):
        w.gate.release("A", count())
    assert w.ledger.spent == 0
    assert (w.kinds(), w.events("refusal")[0]["reason"]) == (["access", "refusal"], "consent")


# --- stale decisions, and what the log says -------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [True, False])
def test_a_party_that_changes_its_role_while_it_waits_for_its_turn_gets_nothing(world, tmp_path, stored):
    path = tmp_path / "books.sqlite"
    w = world(dataset="noisy", path=path)
    if stored:
        w.gate.release("A", count("noisy"))
    before, found = w.ledger.spent, []

    def ask():
        try:
            found.append(w.gate.release("A", count("noisy")))
        except PolicyError as error:
            found.append(error)

    asking = threading.Thread(target=ask)
    with spending_turn(path, wait_s=1):
        asking.start()
        time.sleep(0.5)  # it has been let in, and waits
        w.register.add(Party("A", "shopper"))
    asking.join()
    assert isinstance(found[0], PolicyError)
    assert w.ledger.spent == before
    assert [one["decision"] for one in w.events()] == (["allow"] if stored else []) + ["deny"]


def test_a_role_that_changes_while_the_stored_answer_is_looked_up_lets_nothing_out(world, monkeypatch):
    w = world(dataset="noisy")
    w.gate.release("A", count("noisy"))
    find = release_module.Answers.find

    def moves(self, *arguments, **others):
        w.register.add(Party("A", "shopper"))
        return find(self, *arguments, **others)

    monkeypatch.setattr(release_module.Answers, "find", moves)
    with pytest.raises(PolicyError):
        w.gate.release("A", count("noisy"))
    assert [one["decision"] for one in w.events()] == ["allow", "deny"]
    assert w.kinds().count("answer") == 0


def test_the_log_says_which_stored_answer_left(world):
    w = world(dataset="noisy")
    first = w.gate.release("A", count("noisy"))
    w.gate.release("B", count("noisy"))
    assert w.kinds() == ["access", "release", "access", "answer"]
    (left,), (released,) = w.events("answer"), w.events("release")
    assert (left["actor"], left["answer"], left["question"]) == ("B", first.digest, released["question"])
    assert left["question"] == count("noisy").question


def test_a_stored_answer_whose_line_cannot_be_logged_is_not_returned(world, monkeypatch):
    w = world(dataset="noisy")
    w.gate.release("A", count("noisy"))
    append = Log.append_within

    def fails(self, connection, kind, body):
        if kind == "answer":
            raise PrivacyError("disk full")
        return append(self, connection, kind, body)

    monkeypatch.setattr(Log, "append_within", fails)
    with pytest.raises(PrivacyError, match="disk full"):
        w.gate.release("A", count("noisy"))
    assert w.kinds() == ["access", "release"]


def test_a_release_that_the_budget_refuses_leaves_its_decision_and_the_refusal_in_the_log(world):
    w = world(dataset="noisy", epsilon=0.1)
    with pytest.raises(PrivacyError, match="nano-rho left"):
        w.gate.release("A", count("noisy"))
    assert w.kinds() == ["access", "refusal"]
    (refusal,) = w.events("refusal")
    assert (refusal["reason"], refusal["question"]) == ("budget", count("noisy").question)
    assert refusal["cost"] > refusal["remaining"] == w.ledger.remaining
    assert w.events()[0]["decision"] == "allow"


def test_rows_that_cannot_be_read_leave_a_refusal_in_the_log(world):
    w = world(dataset="noisy")
    w.rows = w.rows.drop(columns="merchant_id")
    w.gate.rows = lambda columns: w.rows
    with pytest.raises(PrivacyError, match="lack merchant_id"):
        w.gate.release("A", count("noisy"))
    assert (w.kinds(), w.events("refusal")[0]["reason"], w.ledger.spent) == (["access", "refusal"], "rows", 0)
