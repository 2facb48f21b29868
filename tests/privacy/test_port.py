import datetime as dt
import hashlib
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy.access.consented import consented
from privacy.access.file import read_events
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister, Notice, Receipt
from privacy.log import Log, SigningKey, verify_log
from privacy.policy import Context, Dataset, Party, PolicyEngine, Register, Request
from privacy.port import DataPort
from retail.errors import ConfigError, ConsentError, DataError, PolicyError, PrivacyError

RULES = """\
id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence
own,merchant,may,read,own,any,any,any,,,any,house rule,A merchant reads its own data.
agreed,aggregator,may,read,merchant's,transactions,raw,recommendation,consent,,any,GDPR 6(1)(a),Who agreed is counted.
apart,aggregator,may,read,merchant's,face_templates,raw,in_store_recognition,separate consent,,any,PIPL 29,Asked apart.
sums,auditor,may,read,any,any,aggregate,audit,,,any,house rule,Auditors read sums.
sums-agreed,researcher,may,read,any,any,aggregate,research,consent,,any,house rule,Sums of those who agreed.
wall,platform,may not,any,merchant's,any,any,any,,public,any,DMA 6(2),The platform keeps away from its rivals' data.
"""
NOTICE = hashlib.sha256(b"notice").hexdigest()
NOW = dt.datetime.now(dt.UTC)
COLUMNS = ("product_id", "day")


def lines(persons=(1, 2, 3, 1, None)):
    return pd.DataFrame(
        {
            "person_id": pd.array(persons, dtype="Int64"),
            "product_id": np.arange(len(persons)) + 100,
            "day": np.arange(len(persons), dtype=np.int32),
            "secret": ["not asked for"] * len(persons),
        }
    )


class World:
    """A port over real parts: Cedar policies, a log on disk, a register of consents."""

    def __init__(self, folder, *, consents=True):
        (folder / "rules").mkdir()
        (folder / "rules" / "rules.csv").write_text(RULES)
        self.register = Register(
            [
                Party("m1", "merchant"),
                Party("m2", "merchant"),
                Party("learner", "aggregator"),
                Party("shop", "platform_retail", "platform"),
                Party("inspector", "auditor"),
                Party("lab", "researcher"),
            ],
            [
                Dataset("tills", "m1", "transactions", "raw", True),
                Dataset("faces", "m1", "face_templates", "raw", True),
                Dataset("sums", "m1", "transactions", "aggregate", True),
            ],
        )
        engine = PolicyEngine.load([folder / "rules"], register=self.register)
        self.log = Log.open(folder / "books.sqlite", origin="test/port", key=SigningKey.generate())
        self.consents = None
        if consents:
            commitments = Commitments.open(folder / "salts.sqlite")
            self.consents = ConsentRegister.open(folder / "consent.sqlite", log=self.log, commitments=commitments)
            self.consents.notices.add(Notice("learner", "n1", "en", NOTICE, NOW - dt.timedelta(days=9)))
        self.asked = []
        self.frame = lines()
        sources = {name: self.source for name in ("tills", "faces", "sums")}
        self.port = DataPort(engine, sources=sources, log=self.log, consents=self.consents)
        self.during = lambda: None

    def source(self, columns):
        self.asked.append(columns)
        self.during()
        return self.frame

    def agree(self, person, *, level="general", purpose="recommendation", kind="transactions", **changed):
        given_at = NOW - dt.timedelta(days=2)
        fields = dict(
            record_id=f"{person}-{purpose}-{level}-{kind}-{len(changed)}",
            principal=self.consents.token(person),
            controllers=("learner",),
            notice="n1",
            notice_sha256=NOTICE,
            language="en",
            purposes=(purpose,),
            data=(kind,),
            processing=("use",),
            storage=("EU",),
            retention_days=30,
            recipients=(),
            jurisdiction="EU",
            lawful_basis="explicit_consent",
            level=level,
            explicit=True,
            issued_at=given_at,
            valid_from=given_at,
            expires_at=NOW + dt.timedelta(days=100),
            method="app",
            withdrawal="in the app",
        )
        self.consents.record(Receipt(**{**fields, **changed}))

    def read(self, actor="learner", dataset="tills", columns=COLUMNS, purpose="recommendation", **more):
        return self.port.read(actor, dataset, columns=columns, purpose=purpose, **more)

    def events(self):
        return [entry.body for entry in self.log.entries("access")]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_an_owner_reads_all_rows_and_only_the_columns_it_named(world):
    rows = world.read("m1", purpose="own_business")
    pd.testing.assert_frame_equal(rows, world.frame[list(COLUMNS)])
    assert [columns[:2] for columns in world.asked] == [COLUMNS]
    (event,) = world.events()
    assert (event["decision"], event["rule"], event["consent"], event["columns"]) == (
        "allow",
        "own",
        "none",
        [*COLUMNS],
    )


def test_rows_of_people_without_a_receipt_are_left_behind(world):
    world.agree(1)
    rows = world.read()
    assert rows.to_dict("list") == {"product_id": [100, 103], "day": [0, 3]}
    assert world.asked == [(*COLUMNS, "person_id")]
    assert world.events()[-1]["consent"] == "general"


def test_the_person_column_comes_only_when_it_was_asked_for(world):
    world.agree(2)
    assert list(world.read(columns=("day", "person_id"))) == ["day", "person_id"]
    assert list(world.read()) == [*COLUMNS]


def test_nobody_agreed_gives_an_empty_table_with_its_columns(world):
    rows = world.read()
    assert (len(rows), list(rows)) == (0, [*COLUMNS])


def test_an_empty_source_gives_an_empty_table(world):
    world.frame = lines(())
    assert len(world.read("m1", purpose="own_business")) == len(world.read()) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "marketing"},
        {"kind": "orders"},
        {"expires_at": NOW + dt.timedelta(seconds=1e6), "valid_from": NOW + dt.timedelta(days=1)},
    ],
)
def test_a_receipt_for_something_else_opens_nothing(world, changed):
    world.agree(1, **changed)
    assert len(world.read()) == 0


def test_a_receipt_under_another_law_does_not_count_where_a_law_is_named(world):
    world.agree(1)
    assert len(world.read(jurisdiction="EU")) == 2
    assert len(world.read(jurisdiction="CN")) == 0


def test_separate_consent_is_asked_where_the_policy_wants_it(world):
    world.agree(1, purpose="in_store_recognition", kind="face_templates", record_id="bundled")
    world.agree(2, purpose="in_store_recognition", kind="face_templates", level="separate")
    rows = world.read(dataset="faces", purpose="in_store_recognition", columns=("person_id",))
    assert list(rows["person_id"]) == [2]
    assert world.events()[-1]["consent"] == "separate"


def test_children_are_read_only_with_a_guardian(world):
    with pytest.raises(ConsentError, match="guardian"):
        world.agree(1, minor=True)
    world.agree(2, minor=True, guardian=True, guardian_token=world.consents.token("parent"))
    assert list(world.read(columns=("person_id",))["person_id"]) == [2]


def test_a_policy_against_children_even_with_a_guardian_closes_rows_that_may_be_theirs(tmp_path):
    world = World(tmp_path)
    forbid = "children,any,may not,any,any,any,any,recommendation,minor,,any,DSA 28(2),Nothing for children.\n"
    (tmp_path / "rules" / "rules.csv").write_text(RULES + forbid)
    engine = PolicyEngine.load([tmp_path / "rules"], register=world.register)
    world.port = DataPort(engine, sources={"tills": world.source}, log=world.log, consents=world.consents)
    world.agree(1)
    with pytest.raises(PolicyError, match="DSA 28"):
        world.read()
    event = world.events()[-1]
    assert (event["decision"], event["minor"], event["guardian"]) == ("deny", True, True)
    assert not world.asked


def test_a_refusal_names_rule_article_and_sentence_and_is_logged_and_reads_nothing(world):
    with pytest.raises(PolicyError, match=r"wall.*DMA 6\(2\)") as refused:
        world.read("shop")
    assert "merchant" in str(refused.value)
    (event,) = world.events()
    assert (event["decision"], event["rule"], event["article"]) == ("deny", "wall", "DMA 6(2)")
    assert (event["actor"], event["role"], event["unit"], event["owner"]) == (
        "shop",
        "platform_retail",
        "platform",
        "m1",
    )
    assert not world.asked


@pytest.mark.parametrize("strange", ["no-such", "tills'--", "a\x00b", "\u202etills", "x" * 5000, "half \ud800", ""])
def test_unknown_and_hostile_ids_are_refused_and_logged(world, tmp_path, strange):
    for actor, dataset in ((strange, "tills"), ("m1", strange)):
        with pytest.raises(PolicyError):
            world.read(actor, dataset)
    assert [event["decision"] for event in world.events()] == ["deny", "deny"]
    assert not world.asked
    assert verify_log(tmp_path / "books.sqlite").ok


@pytest.mark.parametrize("word", [{"purpose": "because"}, {"action": "copy"}, {"jurisdiction": "Mars"}])
def test_words_that_no_rule_knows_are_refused_and_the_log_stays_readable(world, tmp_path, word):
    with pytest.raises(PolicyError):
        world.read("m1", **{"purpose": "own_business", **word})
    assert read_events(tmp_path / "books.sqlite")["decision"].tolist() == ["deny"]


def test_without_a_register_of_consents_nothing_that_needs_consent_is_read(tmp_path):
    world = World(tmp_path, consents=False)
    with pytest.raises(PolicyError):
        world.read()
    assert world.events()[-1]["consent"] == "none"
    assert len(world.read("m1", purpose="own_business")) == 5


def test_aggregates_are_never_opened_by_receipts_that_cannot_be_checked(world):
    assert len(world.read("inspector", "sums", purpose="audit")) == 5
    with pytest.raises(PolicyError):
        world.read("lab", "sums", purpose="research")


def test_the_decision_is_on_record_before_the_source_is_touched(world):
    seen = []
    world.during = lambda: seen.append(len(world.events()))
    world.read("m1", purpose="own_business")
    assert seen == [1]


def test_a_log_that_cannot_be_written_means_no_data(world, tmp_path):
    (tmp_path / "books.sqlite").write_bytes(b"not a log any more, " * 500)
    with pytest.raises(PrivacyError):
        world.read("m1", purpose="own_business")
    assert not world.asked


def test_who_withdraws_while_the_rows_are_on_their_way_is_left_out(world):
    world.agree(1)
    world.agree(2)
    world.during = lambda: world.consents.withdraw(1, controller="learner", purpose="recommendation")
    assert list(world.read(columns=("person_id",))["person_id"]) == [2]


def test_who_withdraws_between_the_mask_and_the_return_is_left_out(world, monkeypatch):
    world.agree(1)
    world.agree(2)
    real, calls = world.consents.mask, []

    def mask(*arguments, **named):
        found = real(*arguments, **named)
        if not calls:
            world.consents.withdraw(1, controller="learner", purpose="recommendation")
        calls.append(found)
        return found

    monkeypatch.setattr(world.consents, "mask", mask)
    assert list(world.read(columns=("person_id",))["person_id"]) == [2]
    assert len(calls) == 2


def test_receipts_that_never_stop_changing_stop_the_read(world, monkeypatch):
    real = world.consents.mask
    count = iter(range(100))

    def mask(*arguments, **named):
        found = real(*arguments, **named)
        world.consents.withdraw(next(count), controller="learner", purpose="marketing")
        return found

    monkeypatch.setattr(world.consents, "mask", mask)
    with pytest.raises(ConsentError, match="changed 5 times"):
        world.read()


def test_a_party_that_moves_to_the_retail_arm_while_reading_gets_nothing(world):
    world.agree(1)
    world.during = lambda: world.register.add(Party("learner", "platform_retail", "platform"))
    with pytest.raises(PolicyError, match="DMA"):
        world.read()
    assert [(event["decision"], event["role"]) for event in world.events()] == [
        ("allow", "aggregator"),
        ("deny", "platform_retail"),
    ]


def test_an_open_use_notices_a_withdrawal_and_a_move_at_its_next_read(world):
    world.agree(1)
    world.agree(2)
    use = world.port.open("learner", "tills", columns=("person_id",), purpose="recommendation")
    assert list(use.read()["person_id"]) == [1, 2, 1]
    world.consents.withdraw(1, controller="learner", purpose="recommendation")
    assert list(use.read()["person_id"]) == [2]
    world.register.add(Party("learner", "platform_retail", "platform"))
    with pytest.raises(PolicyError, match="DMA"):
        use.read()
    assert [event["decision"] for event in world.events()] == ["allow", "allow", "allow", "deny"]


def test_a_use_that_is_not_permitted_fails_when_it_is_opened(world):
    with pytest.raises(PolicyError, match="DMA"):
        world.port.open("shop", "tills", columns=COLUMNS, purpose="ranking")
    assert [event["decision"] for event in world.events()] == ["deny"]


@pytest.mark.parametrize("columns", [(), "", ("day", "day"), ("day", ""), (7,)])
def test_columns_must_be_named_once_each(world, columns):
    with pytest.raises(ConfigError, match="columns"):
        world.read("m1", purpose="own_business", columns=columns)


def test_one_column_may_be_given_as_text(world):
    assert list(world.read("m1", purpose="own_business", columns="day")) == ["day"]


def test_an_unknown_column_is_refused(world):
    with pytest.raises(DataError, match="no column shoe_size"):
        world.read("m1", purpose="own_business", columns=("day", "shoe_size"))


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (None, "NoneType"),
        (lines().rename(columns={"secret": "day"}), "more than one column"),
        (lines()[["day"]], "no column"),
    ],
)
def test_a_source_that_breaks_its_word_gives_nothing(world, frame, says):
    world.frame = frame
    with pytest.raises(DataError, match=says):
        world.read("m1", purpose="own_business")


def test_rows_about_nobody_are_no_persons_rows_where_consent_counts(world):
    world.frame = lines().drop(columns="person_id")
    with pytest.raises(DataError, match="person_id"):
        world.read()


def test_a_data_set_without_a_source_is_said_so(world):
    world.register.add(Dataset("elsewhere", "m1", "transactions", "raw", True))
    with pytest.raises(ConfigError, match="no source"):
        world.read("m1", "elsewhere", purpose="own_business")


def test_nothing_of_other_people_comes_along_with_the_rows(world):
    frame = lines()
    frame["name"] = pd.Categorical(["Ann", "Bob", "Cy", "Ann", "Dee"])
    frame.index = frame["name"]
    frame.attrs["everybody"] = ["Ann", "Bob", "Cy", "Dee"]
    world.frame = frame
    world.agree(1)
    rows = world.read(columns=("name",))
    assert list(rows["name"]) == ["Ann", "Ann"]
    assert list(rows["name"].cat.categories) == ["Ann"]
    assert isinstance(rows.index, pd.RangeIndex)
    assert not rows.attrs


@pytest.mark.parametrize("actor", ["m1", "learner"])
def test_what_the_reader_changes_never_reaches_the_source(world, actor):
    world.frame["list"] = [[1], [2], [3], [4], [5]]
    for person in (1, 2, 3):
        world.agree(person)
    before = world.frame.copy(deep=True)
    before["list"] = [list(cell) for cell in before["list"]]
    rows = world.read(actor, columns=("product_id", "day", "list"), purpose="recommendation")
    for name in ("product_id", "day"):
        values = rows[name].to_numpy()
        assert not np.shares_memory(values, world.frame[name].to_numpy())
    rows["day"] = -1
    rows.loc[0, "product_id"] = -1
    rows["list"].iloc[0].append(9)
    pd.testing.assert_frame_equal(world.frame, before)


@pytest.mark.parametrize("actor", ["m1", "learner"])
def test_the_rows_are_copied_once(world, actor):
    count = 400_000
    world.frame = pd.DataFrame(
        {"person_id": np.ones(count, dtype=np.int64), **{f"c{i}": np.zeros(count) for i in range(6)}}
    )
    world.agree(1)
    wanted = tuple(f"c{i}" for i in range(6))
    world.read(actor, columns=wanted, purpose="recommendation")
    tracemalloc.start()
    rows = world.read(actor, columns=wanted, purpose="recommendation")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = rows.memory_usage(index=False).sum()
    assert size == 6 * 8 * count
    assert peak < 1.75 * size  # the copy, and what telling persons apart takes


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(persons=st.lists(st.one_of(st.integers(1, 6), st.none()), max_size=20))
def test_what_is_returned_is_exactly_the_rows_of_those_who_agreed(world, persons):
    if not world.consents.status(1):
        for person in (1, 3, 5):
            world.agree(person)
    world.frame = lines(persons)
    rows = world.read(columns=("person_id", "day"))
    assert list(zip(rows["person_id"], rows["day"], strict=True)) == [
        (person, at) for at, person in enumerate(persons) if person in (1, 3, 5)
    ]


def test_the_log_of_a_port_is_an_access_file(world, tmp_path):
    world.read("m1", purpose="own_business")
    with pytest.raises(PolicyError):
        world.read("shop")
    events = read_events(tmp_path / "books.sqlite")
    assert events["decision"].tolist() == ["allow", "deny"]
    assert events["columns"].tolist() == [COLUMNS, COLUMNS]


def test_a_row_that_names_true_does_not_take_the_consent_of_person_one():
    frame = pd.DataFrame({"person_id": pd.Series([1, True, "1", None], dtype=object), "x": [10, 20, 30, 40]})

    class OneAgreed:
        version = 0

        def mask(self, persons, **use):
            return np.array([type(one) is int and one == 1 for one in persons])

    request = Request("m1", "read", "tills", "recommendation", ("x",), Context(consent="general"))
    rows = consented(frame, request, OneAgreed(), kind="transactions", person_column="person_id")
    assert rows["x"].tolist() == [10]
