import sqlite3

import numpy as np
import pandas as pd
import pytest

from privacy import Budget, Ledger, cap
from privacy import release as release_module
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.release import ReleaseGate
from privacy.statistics.answers import Answers
from privacy.statistics.bounds import Bounds
from privacy.statistics.query_file import parse_query
from retail.errors import ConfigError, PolicyError, PrivacyError


def histogram(**others):
    return parse_query({"kind": "histogram", "column": "department", "epsilon": 0.5} | others)


def count(**others):
    return parse_query({"kind": "count", "epsilon": 0.5} | others)


def kinds(gate) -> list[str]:
    return [entry.kind for entry in gate.log.entries()]


HEAT_MAP = {
    "kind": "heat_map",
    "x": {"column": "x_m", "start": 0, "stop": 40, "step": 1},
    "y": {"column": "y_m", "start": 0, "stop": 30, "step": 1},
    "epsilon": 1,
}


MEDIAN = {"kind": "quantile", "column": "price", "alpha": 0.5, "candidates": {"start": 0, "stop": 20, "step": 0.25}}


@pytest.mark.parametrize(
    ("document", "columns", "rows"),
    [
        ({"kind": "count"}, ("count",), 1),
        ({"kind": "histogram", "column": "department"}, ("department", "count"), 20),
        (
            {"kind": "group_by", "columns": ["department", {"column": "day", "values": [1, 2]}]},
            ("day", "department", "count"),
            40,
        ),
        (HEAT_MAP, ("x_m", "y_m", "count"), 1200),
        ({"kind": "top_k", "column": "department", "k": 3}, ("department", "count"), 3),
        (MEDIAN, ("value",), 1),
    ],
)
def test_every_kind_of_query_is_answered_charged_stored_and_logged(make_gate, make_visits, document, columns, rows):
    gate = make_gate(make_visits(3000))
    query = parse_query({"epsilon": 1.0} | document)
    told = gate.preview(query)
    answer = gate.release("shop", query)
    assert (answer.columns, len(answer.rows)) == (columns, rows)
    assert gate.ledger.spent == told.cost == answer.cost <= cap(epsilon=1.0, delta=1e-5)
    assert kinds(gate) == ["access", "release"]
    logged = gate.log.entries("release")[0].body
    assert (logged["answer"], logged["cost"]) == (answer.digest, answer.cost)
    assert (told.error_95, told.threshold) == (answer.error_95, answer.threshold)
    assert gate.release("shop", query).rows == answer.rows


def test_a_count_is_within_its_error_nearly_always(make_gate, make_visits):
    gate = make_gate(make_visits(1000), epsilon=60.0)
    inside = 0
    for _ in range(40):
        answer = gate.release("shop", count(refresh=True))
        inside += abs(answer.rows[0][0] - 1000) <= answer.error_95
    assert inside >= 28  # 38 expected; fewer than 28 has a chance below 1 in 10 million


def test_a_median_is_near_the_true_one(make_gate, make_visits):
    rows = make_visits(2000)
    document = {
        "kind": "quantile",
        "column": "price",
        "alpha": 0.5,
        "candidates": {"start": 0, "stop": 40, "step": 0.25},
    }
    answer = make_gate(rows).release("shop", parse_query({"epsilon": 2.0} | document))  # fmt: skip
    assert answer.rows[0][0] == pytest.approx(rows["price"].median(), abs=1.0)


def test_a_preview_reads_no_row_and_spends_nothing(make_gate):
    def unreadable(columns):
        raise AssertionError("a preview read the rows")

    gate = make_gate(pd.DataFrame())
    gate.rows = unreadable
    told = gate.preview(histogram())
    assert gate.ledger.spent == 0
    assert kinds(gate) == []
    assert told.statement.startswith(f"plus or minus {told.error_95} persons at 95%, for {told.cost:,} nano-rho")
    assert told.remaining_releases == gate.ledger.remaining // told.cost


def test_a_preview_says_when_the_answer_is_stored_and_how_many_releases_are_left(make_gate, make_visits):
    gate = make_gate(make_visits(50))
    before = gate.preview(histogram())
    gate.release("shop", histogram())
    after = gate.preview(histogram())
    assert (before.stored, after.stored, gate.preview(histogram(refresh=True)).stored) == (False, True, False)
    assert after.remaining_releases == before.remaining_releases - 1
    assert "free" in after.statement


@pytest.mark.parametrize("error", [3, 12, 40.5])
def test_an_answer_may_be_asked_for_by_its_error(make_gate, error):
    gate = make_gate(pd.DataFrame(), epsilon=50.0)
    told = gate.preview(parse_query({"kind": "histogram", "column": "department", "error_95": error}))
    assert told.error_95 == int(error)
    same_price = gate.preview(histogram(epsilon=told.epsilon))
    cheaper = gate.preview(histogram(epsilon=told.epsilon * 0.97))
    assert same_price.error_95 in (int(error), int(error) + 1)
    assert cheaper.error_95 > error - 0.5


def test_an_exactness_beyond_the_budget_is_refused_before_rows_are_read(make_gate):
    gate = make_gate(pd.DataFrame(), epsilon=1.0)
    with pytest.raises(PrivacyError, match="nano-rho left"):
        gate.release("shop", parse_query({"kind": "count", "error_95": 0}))
    assert gate.ledger.spent == 0


def test_a_repeated_query_costs_nothing_and_says_how_old_it_is(make_gate, make_visits):
    gate = make_gate(make_visits(100))
    first = gate.release("shop", histogram())
    spent = gate.ledger.spent
    for number in range(20):
        again = gate.release("shop", histogram(title=f"asked for the {number}th time", counting="Persons"))
        assert (again.rows, again.made_at, again.stored) == (first.rows, first.made_at, True)
    assert gate.ledger.spent == spent
    assert kinds(gate) == ["access", "release"] + ["access", "answer"] * 20


def test_a_question_reworded_1000_times_is_paid_once(make_gate, make_visits):
    gate = make_gate(make_visits(30))
    rng = np.random.default_rng(0)
    names = list(gate.catalogue["department"])
    found = set()
    for number in range(1000):
        values = rng.permutation(names + names[: number % 3]).tolist()
        document = {
            "epsilon": 0.5,
            "title": str(number),
            "values": values,
            "column": " department",
            "kind": "histogram",
        }
        if number % 2:
            document = {"kind": "group-by", "columns": [{"column": "department", "values": values}], "epsilon": 0.5}
        found.add(gate.release("shop", parse_query(document)).rows)
    assert len(found) == 1
    assert gate.ledger.entries().shape[0] == 1


def test_added_rows_do_not_change_a_stored_answer_and_a_refresh_is_paid(make_gate, make_visits):
    gate = make_gate(make_visits(100))
    first = gate.release("shop", histogram())
    grown = make_visits(2000)
    gate.rows = lambda columns: grown[list(columns)]
    assert gate.release("shop", histogram()).rows == first.rows
    fresh = gate.release("shop", histogram(refresh=True))
    assert fresh.rows != first.rows
    assert gate.ledger.spent == first.cost + fresh.cost
    assert gate.release("shop", histogram()).rows == fresh.rows


def test_a_less_exact_wording_gets_the_stored_answer_and_a_more_exact_one_pays(make_gate, make_visits):
    gate = make_gate(make_visits(100))
    first = gate.release("shop", histogram(epsilon=0.5))
    assert gate.release("shop", histogram(epsilon=0.4999)).rows == first.rows
    assert gate.ledger.spent == first.cost
    assert gate.release("shop", histogram(epsilon=0.5001)).cost > first.cost
    assert gate.ledger.spent > 2 * first.cost


def test_other_bounds_are_another_answer(make_gate, make_visits):
    gate = make_gate(make_visits(100))
    first = gate.release("shop", histogram())
    gate.bounds = Bounds(3, 2, 4)
    assert not gate.release("shop", histogram()).stored
    assert gate.ledger.spent > first.cost


def test_a_denied_release_is_logged_and_reads_and_spends_nothing(make_gate):
    gate = make_gate(pd.DataFrame())
    for actor in ("rival", "arm", "nobody"):
        with pytest.raises(PolicyError, match="may not have this release"):
            gate.release(actor, histogram())
    assert [entry.body["decision"] for entry in gate.log.entries("access")] == ["deny"] * 3
    assert gate.ledger.spent == 0


def test_a_stored_answer_is_denied_to_whom_the_policy_denies_it(make_gate, make_visits):
    gate = make_gate(make_visits(30))
    gate.release("shop", histogram())
    with pytest.raises(PolicyError):
        gate.release("rival", histogram())


def test_a_party_that_changes_its_role_is_seen_at_the_next_release_and_during_one(make_gate, make_visits):
    gate = make_gate(make_visits(30))
    gate.release("shop", histogram())
    rows = gate.rows

    def moves_meanwhile(columns):
        gate.engine.register.add(Party("shop", "researcher"))
        return rows(columns)

    gate.rows = moves_meanwhile
    with pytest.raises(PolicyError):
        gate.release("shop", histogram(refresh=True))
    assert len(gate.ledger.entries()) == 1
    with pytest.raises(PolicyError):
        gate.release("shop", histogram())


def test_an_unknown_data_set_purpose_or_key_releases_nothing(make_gate, make_visits):
    gate = make_gate(make_visits(30))
    with pytest.raises(PrivacyError, match="names orders"):
        gate.release("shop", histogram(dataset="orders"))
    with pytest.raises(PolicyError, match="purpose"):
        gate.release("shop", histogram(purpose="curiosity"))
    with pytest.raises(PrivacyError, match="nobody declared"):
        gate.release("shop", parse_query({"kind": "histogram", "column": "street", "epsilon": 1}))
    assert gate.ledger.spent == 0


@pytest.mark.parametrize("broken", ["access", "release"])
def test_a_log_that_cannot_be_written_lets_nothing_out_and_the_cost_stays_spent(
    make_gate, make_visits, monkeypatch, broken
):
    gate = make_gate(make_visits(30))
    append = Log.append_within

    def fails(self, connection, kind, body):
        if kind == broken:
            raise sqlite3.OperationalError("disk full")
        return append(self, connection, kind, body)

    monkeypatch.setattr(Log, "append_within", fails)
    with pytest.raises(PrivacyError, match="disk full"):
        gate.release("shop", histogram())
    cost = gate.ledger.spent
    assert cost > 0
    assert gate.ledger.entries()["committed_at"].isna().all()
    monkeypatch.undo()
    assert kinds(gate) == []
    fresh = gate.release("shop", histogram())
    assert not fresh.stored
    assert gate.ledger.spent == 2 * cost


def test_an_answer_that_cannot_be_stored_is_not_returned(make_gate, make_visits, monkeypatch):
    gate = make_gate(make_visits(30))
    monkeypatch.setattr(
        Answers, "store_within", lambda *a, **k: (_ for _ in ()).throw(sqlite3.OperationalError("full"))
    )
    with pytest.raises(PrivacyError, match="full"):
        gate.release("shop", histogram())
    assert kinds(gate) == []
    assert gate.ledger.spent > 0


def test_a_stored_answer_is_not_returned_when_its_access_cannot_be_logged(make_gate, make_visits, monkeypatch):
    gate = make_gate(make_visits(30))
    gate.release("shop", histogram())
    monkeypatch.setattr(Log, "append_within", lambda *a: (_ for _ in ()).throw(sqlite3.OperationalError("full")))
    with pytest.raises(PrivacyError, match="full"):
        gate.release("shop", histogram())


def test_a_mechanism_that_fails_leaves_the_cost_spent(make_gate, make_visits, monkeypatch):
    gate = make_gate(make_visits(30))
    monkeypatch.setattr(
        release_module.statistics, "draw_counts", lambda *a: (_ for _ in ()).throw(PrivacyError("OpenDP is gone"))
    )
    with pytest.raises(PrivacyError, match="gone"):
        gate.release("shop", histogram())
    assert gate.ledger.spent > 0
    assert kinds(gate) == []


def test_a_spent_budget_refuses_new_questions_and_still_gives_stored_answers(make_gate, make_visits):
    gate = make_gate(make_visits(30), epsilon=0.6)
    first = gate.release("shop", histogram())
    with pytest.raises(PrivacyError, match="nano-rho left"):
        gate.release("shop", count())
    assert gate.release("shop", histogram()).rows == first.rows
    assert gate.preview(count()).remaining_releases == 0


def test_a_log_in_other_books_is_refused(make_gate, make_visits, tmp_path):
    gate = make_gate(make_visits(5))
    with pytest.raises(PrivacyError, match="same books"):
        ReleaseGate(
            dataset="transactions",
            ledger=gate.ledger,
            engine=gate.engine,
            log=Log.open(tmp_path / "other.sqlite", origin="test", key=None),
            rows=gate.rows,
            bounds=Bounds(),
        )


def test_the_log_names_no_person_and_holds_no_count(make_gate, make_visits):
    rows = make_visits(30)
    rows["person_id"] = "shopper number " + rows["person_id"].astype(str)
    gate = make_gate(rows)
    gate.release("shop", histogram())
    text = b"".join(entry.leaf for entry in gate.log.entries())
    assert b"shopper number" not in text
    assert not {"rows", "count", "counts", "exact"} & set(gate.log.entries("release")[0].body)


@pytest.mark.parametrize("size", [0, 1, 128, 129])
def test_what_is_not_noise_does_not_depend_on_the_number_of_rows(make_gate, make_visits, size):
    gate = make_gate(make_visits(size, lines=1) if size else make_visits(1).iloc[:0])
    answer = gate.release("shop", histogram())
    assert len(answer.rows) == 20
    told = make_gate(pd.DataFrame()).preview(histogram())
    assert (answer.cost, answer.threshold, answer.error_95, answer.scale) == (
        told.cost, told.threshold, told.error_95, told.exactness.scale,
    )  # fmt: skip


def test_two_data_sets_that_differ_by_one_person_differ_by_the_bound_before_noise(make_gate, make_visits, monkeypatch):
    rows = make_visits(40)
    seen = []
    draw = release_module.statistics.draw_counts
    monkeypatch.setattr(
        release_module.statistics, "draw_counts", lambda exact, plan: seen.append(exact) or draw(exact, plan)
    )
    for without in (None, 7):
        gate = make_gate(rows[rows["person_id"] != without])
        gate.release("shop", histogram())
    change = seen[0] - seen[1]
    assert 1 <= np.abs(change).sum() <= 5
    assert change.min() >= 0


def test_groups_of_49_50_and_51_are_shown_or_not_by_their_noisy_count(make_gate):
    rows = pd.concat(
        [
            pd.DataFrame({"person_id": np.arange(size) + 1000 * number, "department": f"d{number:02d}"})
            for number, size in enumerate((49, 50, 51))
        ]
    ).assign(merchant_id=1, basket_id=1)
    gate = make_gate(rows, epsilon=200.0, bounds=Bounds(1, 1, 1))
    query = parse_query({"kind": "histogram", "column": "department", "error_95": 22, "refresh": True})
    assert gate.preview(query).threshold == 51
    shown = np.zeros(3)
    for _ in range(60):
        answer = gate.release("shop", query)
        numbers = [number for _, number in answer.rows]
        assert all(number is None or number >= 51 for number in numbers)
        shown += [number is not None for number in numbers[:3]]
    # Each is shown about every second time (.45 to .52): 8 and 52 have a chance below 1 in a million.
    assert ((shown > 8) & (shown < 52)).all()


def test_a_person_alone_in_a_cell_is_not_shown(make_gate):
    rows = pd.DataFrame({"person_id": [1], "merchant_id": [1], "basket_id": [1], "department": ["d07"]})
    gate = make_gate(rows, epsilon=30.0)
    answers = [gate.release("shop", histogram(epsilon=epsilon)) for epsilon in (0.1, 1.0, 20.0)]
    shown = [name for answer in answers for name, number in answer.rows if number is not None]
    assert len(shown) <= 1  # each answer may show the person with a chance of delta, 1e-5


def test_a_threshold_follows_noise_bounds_and_delta_and_not_the_caller(make_gate):
    gate = make_gate(pd.DataFrame())
    noisier, exacter = gate.preview(histogram(epsilon=0.1)), gate.preview(histogram(epsilon=1.0))
    assert noisier.threshold > exacter.threshold > 1
    with pytest.raises(ConfigError, match="unknown 'threshold'"):
        histogram(threshold=1)
    assert gate.preview(count()).threshold is None


def test_a_map_may_ask_for_small_numbers_too_which_are_as_noisy_and_cost_as_much(make_gate):
    rows = {"person_id": [1], "merchant_id": [1], "basket_id": [1], "department": ["d07"], "x_m": [3.5], "y_m": [1.5]}
    gate = make_gate(pd.DataFrame(rows))
    steps = {"start": 0, "stop": 8, "step": 1}
    asked = {"kind": "heat_map", "epsilon": 1, "x": {"column": "x_m", **steps}, "y": {"column": "y_m", **steps}}
    hidden, every = parse_query(asked), parse_query({**asked, "hide_small": False})
    assert gate.preview(every).threshold is None
    assert gate.preview(every).cost == gate.preview(hidden).cost
    numbers = [row[-1] for row in gate.release("shop", every).rows]
    assert all(isinstance(number, int) for number in numbers)
    assert min(numbers) < 0
    assert not gate.preview(hidden).stored  # another question
    (entry,) = [one for one in gate.log.entries() if one.kind == "release"]
    assert entry.body["hide_small"] is False


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "heat_map", "x": "department", "y": "brand", "hide_small": False},
        {"kind": "heat_map", "x": "department", "y": "brand", "hide_small": "no"},
        {"kind": "histogram", "column": "department", "hide_small": False},
        {"kind": "group_by", "columns": ["department"], "hide_small": False},
        {"kind": "top_k", "column": "department", "k": 2, "hide_small": False},
        {"kind": "count", "hide_small": False},
    ],
)
def test_what_has_names_cannot_be_shown_below_the_threshold(asked):
    with pytest.raises(ConfigError, match="hide_small"):
        parse_query({"epsilon": 1, **asked})


def test_a_gate_works_with_a_ledger_that_a_federated_run_shares(make_gate, make_visits, tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path, scope="persistent", budget=Budget("people", 8.0, 1e-5, 2500), run="training").reserve("t", "1", 7)
    gate = make_gate(make_visits(30), path=path)
    answer = gate.release("shop", histogram())
    assert gate.ledger.spent == answer.cost + 7


def test_two_releases_of_the_register_do_not_share_answers_over_data_sets(make_visits, tmp_path, make_gate):
    one = make_gate(make_visits(30), path=tmp_path / "ledger.sqlite")
    one.release("shop", histogram())
    ledger = Ledger.open(
        tmp_path / "ledger.sqlite", scope="persistent", budget=Budget("others", 8.0, 1e-5, 2500), run="release"
    )
    register = Register([Party("shop", "aggregator")], [Dataset("transactions", "shop", "transactions", "dp", True)])
    other = ReleaseGate(
        dataset="transactions",
        ledger=ledger,
        engine=PolicyEngine.load(["base"], register=register),
        log=Log.open(ledger.books, origin="test", key=None),
        rows=one.rows,
        bounds=one.bounds,
        catalogue=one.catalogue,
    )
    assert not other.release("shop", histogram()).stored
