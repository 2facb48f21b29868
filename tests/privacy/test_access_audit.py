import csv
import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.access import schema as a
from privacy.access.audit import CLAIM, FINDING, FORBIDDEN, NO_RULE, OTHER_RULE, OVER_DENIED, replay
from privacy.access.cells import LINE
from privacy.access.file import check_events, read_events
from privacy.access.parties import read_parties
from privacy.log import Log, SigningKey
from privacy.policy import Context, Dataset, Party, PolicyEngine, Register, Request
from retail.errors import DataError, PolicyError


@pytest.fixture(scope="module")
def world():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield importlib.import_module("access_events")


@pytest.fixture(scope="module")
def engines(world):
    return lambda regime: PolicyEngine.load(world.POLICIES, register=Register(), regime=regime)


@pytest.fixture(scope="module")
def register(world, tmp_path_factory):
    return read_parties(world.write_parties(tmp_path_factory.mktemp("parties") / "parties.csv"))


def write_log(events, path):
    log = Log.open(path, origin="test/audit", key=SigningKey.generate())
    log.append("policy", {"fingerprint": "00"})  # other kinds of entries lie between
    log.append_many([("access", one) for one in events])
    log.sign_head()
    return path


def write_parquet(events, path):
    table = pd.DataFrame(events)
    table[a.TIME] = pd.to_datetime(table[a.TIME], utc=True)
    table.to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("source", "believed", "size"),
    [("log", False, 10_000), ("csv", False, 1_000), ("csv", True, 1_000), ("parquet", True, 1_000)],
)
def test_each_planted_read_among_thousands_is_found_and_nothing_else(
    world, engines, register, tmp_path, source, believed, size
):
    events, planted = world.make(size)
    writers = {"log": write_log, "csv": world.write_csv, "parquet": write_parquet}
    file = check_events(writers[source](events, tmp_path / f"access.{source}"))
    assert (file.bad, file.log_problems, len(file.events)) == ((), (), size)
    found = replay(file.events, engines, register=None if believed else register)
    before = {"log": 1, "csv": 2, "parquet": 1}[source]  # the header, or the entry of another kind
    assert dict(zip(found.findings[LINE] - before, found.findings[FINDING], strict=True)) == {
        line: NO_RULE if kind == "no rule" else FORBIDDEN for line, kind in planted.items()
    }
    assert len(found.breaches) == len(planted) == 24
    assert found.distinct < min(500, size / 2)  # asked once each, not thousands of times


@pytest.mark.parametrize("seed", range(1, 4))
def test_what_is_planted_in_other_places_is_found_there(world, engines, seed):
    events, planted = world.make(1_000, each=2, seed=seed)
    frame = pd.DataFrame(events).assign(**{LINE: range(1_000)})
    assert set(replay(frame, engines).findings[LINE]) == set(planted)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("retail arm", "dma-6-2-retail"),
        ("purpose swapped", ""),
        ("consent missing", "gdpr-25"),
        ("minor without guardian", "pipl-31"),
        ("another law's alternative", "face-2025-10"),
        ("noise as an excuse", "dma-6-2-retail"),
        ("unknown data set", ""),
    ],
)
def test_a_finding_names_the_rule_that_forbids(world, engines, register, kind, rule):
    *asked, logged = world.forbidden("m3")[kind]
    found = replay(frame_of(world.event(0, *asked, a.ALLOW, logged)), engines, register=register)
    (row,) = found.findings.to_dict("records")
    assert (row["finding"], row["policy_rule"], row["breach"]) == (FORBIDDEN, rule, True)
    assert row["why"].startswith("Denied")


def frame_of(*events):
    return pd.DataFrame(events).assign(**{LINE: range(1, len(events) + 1)})


def test_a_denial_that_the_policy_would_allow_is_for_information_only(world, engines, register):
    event = world.event(0, "m1", "read", "tills-m1", "own_business", {}, a.DENY, ("", ""))
    (row,) = replay(frame_of(event), engines, register=register).findings.to_dict("records")
    assert (row["finding"], row["breach"], row["policy_rule"]) == (OVER_DENIED, False, "base-own")


@pytest.mark.parametrize("named", [("base-public", "house rule"), ("base-own", "GDPR Art. 99")])
def test_another_rule_or_article_is_for_information_only(world, engines, named):
    event = world.event(0, "m1", "read", "tills-m1", "own_business", {}, a.ALLOW, named)
    (row,) = replay(frame_of(event), engines).findings.to_dict("records")
    assert (row["finding"], row["breach"]) == (OTHER_RULE, False)


def test_a_lie_about_role_or_owner_is_found_with_a_register_and_not_without(world, engines, register):
    honest = world.event(0, "shop", "read", "tills-m1", "own_business", {}, a.ALLOW, world.OWN)
    lies = frame_of({**honest, a.ROLE: "merchant", a.UNIT: "", a.OWNER: "shop"})
    assert replay(lies, engines).findings.empty
    found = replay(lies, engines, register=register)
    assert list(found.findings[FINDING]) == [CLAIM, FORBIDDEN]
    assert found.findings["breach"].all()
    said = found.findings["why"].iloc[0]
    assert "role is 'merchant', the register says 'platform_retail'" in said
    assert "owner is 'shop', the register says 'm1'" in said


@pytest.mark.parametrize(
    "lie",
    [{a.ROLE: "auditor"}, {a.UNIT: "m2"}, {a.OWNER: "m2"}, {a.KIND: "catalogue"}, {a.FORM: "dp"}, {a.PUBLIC: True},
     {a.ABOUT_PERSONS: False}],
)  # fmt: skip
def test_each_description_is_compared_with_the_register(world, engines, register, lie):
    event = world.event(0, "m1", "read", "tills-m1", "own_business", {}, a.ALLOW, world.OWN)
    found = replay(frame_of({**event, **lie}), engines, register=register)
    assert list(found.findings[FINDING]) == [CLAIM]
    assert found.findings["breach"].all()
    denied = {**event, **lie, a.DECISION: a.DENY}
    assert not replay(frame_of(denied), engines, register=register).findings["breach"].any()


def test_lines_that_contradict_each_other_are_judged_as_they_stand_and_said_so(world, engines):
    """A party that moved to the retail arm in the middle of the log."""
    asked = ("m2", "read", "tills-m2", "own_business", {}, a.ALLOW, world.OWN)
    before = world.event(0, *asked)
    after = {
        **world.event(1, *asked),
        a.ROLE: "platform_retail",
        a.UNIT: "platform",
        a.DATASET: "tills-m1",
        a.OWNER: "m1",
    }
    found = replay(frame_of(before, after, before), engines)
    assert list(found.breaches[LINE]) == [2]
    assert any("m2" in note and "more than one way" in note for note in found.notes)


def test_an_owner_of_whom_the_log_tells_nothing_is_a_merchant_by_itself(world, engines):
    event = world.event(0, "shop", "read", "tills-m1", "ranking", {}, a.ALLOW, world.OWN)
    found = replay(frame_of(event), engines)
    assert list(found.findings[FINDING]) == [FORBIDDEN]
    assert any("m1" in note and "merchant" in note for note in found.notes)


def test_the_regime_of_the_lines_counts_unless_another_is_named(world, engines):
    event = world.event(0, "pool", "train", "tills-m1", "recommendation", {}, a.ALLOW, ("regime-neutral-pool", "x"))
    assert replay(frame_of(event), engines).breaches.empty
    assert len(replay(frame_of(event), engines, regime="isolated").breaches) == 1
    assert len(replay(frame_of({**event, a.REGIME: ""}), engines).breaches) == 1
    with pytest.raises(PolicyError, match="regime"):
        replay(frame_of(event), engines, regime="feudal")


def test_a_log_without_rules_is_judged_by_decisions_alone(world, engines, tmp_path):
    events, planted = world.make(500, each=1)
    plain = [{name: value for name, value in one.items() if name not in (a.RULE, a.ARTICLE)} for one in events]
    file = check_events(world.write_csv(plain, tmp_path / "a.csv"))
    assert file.bad == ()
    assert any("rule" in note for note in file.notes)
    found = replay(file.events, engines)
    assert set(found.findings[LINE] - 2) == {line for line, kind in planted.items() if kind != "no rule"}


def test_an_empty_log_has_no_findings(world, engines, tmp_path):
    file = check_events(write_log([], tmp_path / "books.sqlite"))
    found = replay(file.events, engines)
    assert (found.events, found.distinct, len(found.findings)) == (0, 0, 0)


@settings(max_examples=12)
@given(data=st.data())
def test_replaying_says_what_the_engine_says_line_by_line(world, engines, register, data):
    """Independent of grouping: each line asked by itself gives the same verdict."""
    asked = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from([*world.PARTIES, "nobody"]),
                st.sampled_from(["read", "train", "sell"]),
                st.sampled_from(["tills-m1", "noisy-m2", "faces-m1", "goods-m1", "no-such-data"]),
                st.sampled_from(["own_business", "marketing", "research"]),
                st.sampled_from(["none", "general", "separate"]),
                st.sampled_from(["none", "EU", "CN"]),
                st.booleans(),
                st.sampled_from([a.ALLOW, a.DENY]),
            ),
            min_size=1,
            max_size=12,
        )
    )
    events, wrong = [], []
    engine = engines("firewall").with_register(register)
    for line, (actor, action, dataset, purpose, consent, place, minor, decision) in enumerate(asked):
        facts = {a.CONSENT: consent, a.JURISDICTION: place, a.MINOR: minor}
        events.append(world.event(line, actor, action, dataset, purpose, facts, decision, ("x", "y")))
        context = Context(consent=consent, jurisdiction=place, minor=minor)
        answer = engine.decide(Request(actor, action, dataset, purpose, context=context))
        wrong += [line] if decision == a.ALLOW and not answer.allowed else []
    frame = pd.DataFrame(events).assign(**{LINE: range(len(events))})
    for known in (register, None):
        found = replay(frame, engines, register=known)
        assert list(found.findings.loc[found.findings[FINDING] == FORBIDDEN, LINE]) == wrong


BAD_CELLS = {
    a.TIME: ["yesterday", "2026-01-31", "2026-02-30T10:00:00Z", "2026-01-31T10:00:00", ""],
    a.ACTOR: ["", "  "],
    a.ROLE: ["merchnt", "Merchant", " merchant"],
    a.ACTION: ["copy"],
    a.DATASET: [""],
    a.KIND: ["faces"],
    a.FORM: ["noisy"],
    a.PUBLIC: ["", "yes", "1"],
    a.ABOUT_PERSONS: ["nope"],
    a.PURPOSE: ["fun"],
    a.COLUMNS: ["a;;b", ";", "a; "],
    a.CONSENT: ["", "full"],
    a.JURISDICTION: ["Mars"],
    a.MINOR: ["0"],
    a.REGIME: ["feudal"],
    a.DECISION: ["", "Allow", "permit"],
}


@pytest.mark.parametrize(("column", "value"), [(column, value) for column in BAD_CELLS for value in BAD_CELLS[column]])
def test_every_bad_cell_is_reported_with_file_line_column_and_value(world, tmp_path, column, value):
    events, _ = world.make(30, each=0)
    path = world.write_csv(events, tmp_path / "access.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for row in (4, 17):
        table.loc[row, column] = value
    table.to_csv(path, index=False)
    bad = check_events(path).bad
    assert [(cell.file, cell.line, cell.column, cell.value) for cell in bad] == [
        (str(path), row + 2, column, value) for row in (4, 17)
    ]
    with pytest.raises(DataError) as refused:
        read_events(path)
    for row in (4, 17):
        assert f"{path}, line {row + 2}, column {column}, value {value!r}" in str(refused.value)


def test_lines_are_counted_as_an_editor_counts_them(world, tmp_path):
    events, _ = world.make(3, each=0)
    events[0][a.ARTICLE] = "two\nlines"
    events[2][a.DECISION] = "maybe"
    path = world.write_csv(events, tmp_path / "access.csv")
    (cell,) = check_events(path).bad
    wanted = next(number for number, line in enumerate(path.read_text().splitlines(), start=1) if "maybe" in line)
    assert cell.line == wanted == 5


def test_a_hint_names_the_word_that_was_meant(world, tmp_path):
    events, _ = world.make(1, each=0)
    (cell,) = check_events(world.write_csv([{**events[0], a.ROLE: "merchnt"}], tmp_path / "a.csv")).bad
    assert "write 'merchant'" in cell.message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("purpose", "why", 1), "column purpose is missing"),
        (lambda text: text.replace("purpose", "purposes", 1), "rename 'purposes'"),
        (lambda text: text.replace("role,", "actor,", 1), "column actor stands twice"),
        (lambda text: text.replace(",", ";"), "not separated by commas"),
        (lambda text: text.replace("\n", ",one more\n").replace(",one more", "", 1), "cells, but the header has"),
        (lambda text: text + '"never closed', "cannot be read"),
        (lambda text: "", "no header"),
    ],
)
def test_a_csv_that_does_not_fit_is_refused_with_what_to_do(world, tmp_path, change, says):
    events, _ = world.make(3, each=0)
    path = world.write_csv(events, tmp_path / "access.csv")
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=says):
        read_events(path)


def test_other_encodings_and_other_files_are_refused(world, tmp_path):
    path = tmp_path / "access.csv"
    path.write_bytes("time,actor\n2026,Müller\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        read_events(path)
    (tmp_path / "access.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="Parquet"):
        read_events(tmp_path / "access.parquet")
    (tmp_path / "access.txt").write_text("x")
    for name, says in (("access.txt", "neither"), ("nothing.csv", "cannot read"), ("", "no run with a log")):
        with pytest.raises(DataError, match=says):
            read_events(tmp_path / name)


def test_hostile_ids_are_audited_and_shown_escaped(world, engines, tmp_path):
    events = [
        {
            **world.event(0, "lab", "read", "x", "research", {}, a.ALLOW, ("", "")),
            a.ACTOR: strange,
            a.ROLE: "researcher",
        }
        for strange in ("o'brien; drop", 'quo"te', "nul\x00", "\u202egnp.exe", "x" * 5000, "=cmd()")
    ]
    for file in (write_parquet(events, tmp_path / "a.parquet"), write_log(events, tmp_path / "b.sqlite")):
        found = replay(read_events(file), engines)
        assert list(found.findings[FINDING]) == [FORBIDDEN] * 6


def test_parquet_cells_of_other_types_are_reported(world, tmp_path):
    events, _ = world.make(4, each=0)
    table = pd.DataFrame(events)
    table[a.TIME] = pd.to_datetime(table[a.TIME]).dt.tz_localize(None)
    table[a.ACTOR] = [1, 2, 3, 4]
    table[a.MINOR] = [0, 1, 0, 1]
    table[a.COLUMNS] = [[1], [2], [3], [4]]
    table.to_parquet(tmp_path / "a.parquet")
    bad = check_events(tmp_path / "a.parquet").bad
    assert {(cell.line, cell.column) for cell in bad} == {
        (row, column) for row in (1, 2, 3, 4) for column in (a.TIME, a.ACTOR, a.MINOR, a.COLUMNS)
    }
    assert {cell.place for cell in bad} == {"row"}


def test_parquet_may_hold_lists_texts_dictionaries_and_missing_cells(world, tmp_path):
    events, _ = world.make(4, each=0)
    table = pa.Table.from_pylist([{**one, a.UNIT: None, a.COLUMNS: "day;price"} for one in events])
    table = table.set_column(table.column_names.index(a.ROLE), a.ROLE, table.column(a.ROLE).dictionary_encode())
    pq.write_table(table, tmp_path / "a.parquet")
    read = read_events(tmp_path / "a.parquet")
    assert set(read[a.UNIT]) == {""}
    assert read[a.COLUMNS].tolist() == [("day", "price")] * 4
    assert list(read[a.ROLE]) == [one[a.ROLE] for one in events]


def test_columns_that_nobody_asked_for_are_named_and_not_read(world, tmp_path):
    events, _ = world.make(2, each=0)
    file = check_events(world.write_csv([{**one, "mood": "fine"} for one in events], tmp_path / "a.csv"))
    assert "column mood is not read" in file.notes
    assert "mood" not in file.events


def test_a_log_that_was_changed_is_no_evidence(world, tmp_path):
    events, _ = world.make(50, each=0)
    path = write_log(events, tmp_path / "books.sqlite")
    content = path.read_bytes()
    at = content.index(b'"actor":"m') + len(b'"actor":"m')
    path.write_bytes(content[:at] + (b"9" if content[at : at + 1] != b"9" else b"8") + content[at + 1 :])
    assert check_events(path).log_problems
    with pytest.raises(DataError, match="not intact"):
        read_events(path)


def test_an_exported_log_is_read_like_the_log(world, tmp_path):
    from privacy.log.export import export_log

    events, _ = world.make(50, each=0)
    books = write_log(events, tmp_path / "books.sqlite")
    export_log(books, tmp_path / "log.jsonl")
    pd.testing.assert_frame_equal(read_events(tmp_path / "log.jsonl"), read_events(books))
    content = (tmp_path / "log.jsonl").read_bytes()
    (tmp_path / "log.jsonl").write_bytes(content.replace(b'"decision":"deny"', b'"decision":"fine"', 1))
    file = check_events(tmp_path / "log.jsonl")
    assert file.log_problems
    assert [cell.column for cell in file.bad] == [a.DECISION]


def test_the_folder_of_a_run_stands_for_its_log(world, tmp_path):
    events, _ = world.make(5, each=0)
    (tmp_path / "artifacts").mkdir()
    write_log(events, tmp_path / "artifacts" / "ledger.sqlite")
    assert len(read_events(tmp_path)) == 5


def test_an_entry_that_lacks_a_column_is_reported(world, tmp_path):
    events, _ = world.make(2, each=0)
    del events[1][a.PURPOSE]
    (cell,) = check_events(write_log(events, tmp_path / "b.sqlite")).bad
    assert (cell.place, cell.line, cell.column) == ("entry", 2, a.PURPOSE)


def parties(tmp_path, *rows):
    path = tmp_path / "parties.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["record", "id", "role", "unit", "owner", "kind", "form", "about_persons", "public"])
        writer.writerows(rows)
    return path


def test_a_parties_file_becomes_a_register(tmp_path):
    path = parties(
        tmp_path,
        ["dataset", "tills", "", "", "m1", "transactions", "raw", "TRUE", "false"],
        ["party", "m1", "merchant", "chain", "", "", "", "", ""],
    )
    register = read_parties(path)
    assert register.parties == (Party("m1", "merchant", "chain"),)
    assert register.datasets == (Dataset("tills", "m1", "transactions", "raw", True, False),)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (["party", "m2", "merchnt", "", "", "", "", "", ""], "role"),
        (["party", "", "merchant", "", "", "", "", "", ""], "id"),
        (["party", "m1", "merchant", "", "", "", "", "", ""], "id"),
        (["party", "m2", "merchant", "", "m1", "", "", "", ""], "owner"),
        (["person", "m2", "merchant", "", "", "", "", "", ""], "record"),
        (["dataset", "d", "", "", "nobody", "transactions", "raw", "true", "false"], "owner"),
        (["dataset", "d", "", "", "", "transactions", "raw", "true", "false"], "owner"),
        (["dataset", "d", "", "", "m1", "secrets", "raw", "true", "false"], "kind"),
        (["dataset", "d", "", "", "m1", "transactions", "", "true", "false"], "form"),
        (["dataset", "d", "", "", "m1", "transactions", "raw", "", "false"], "about_persons"),
        (["dataset", "d", "", "", "m1", "transactions", "raw", "true", "maybe"], "public"),
        (["dataset", "d", "merchant", "", "m1", "transactions", "raw", "true", "false"], "role"),
    ],
)
def test_a_wrong_cell_of_a_parties_file_is_named(tmp_path, row, column):
    path = parties(tmp_path, ["party", "m1", "merchant", "", "", "", "", "", ""], row)
    with pytest.raises(DataError, match=f"line 3, column {column}"):
        read_parties(path)


def test_the_body_of_an_event_has_the_columns_of_the_schema_in_order():
    decision = PolicyEngine.load(["base"], register=Register()).decide(Request("x", "read", "y", "audit"))
    body = a.event_body(Request("x", "read", "y", "audit"), decision, party=None, dataset=None, regime=None)
    assert tuple(body) == a.EVENT_COLUMNS
    assert (body[a.PUBLIC], body[a.ABOUT_PERSONS], body[a.DECISION]) == (False, True, a.DENY)
    party = Party("x", "merchant", "chain")
    known = a.event_body(
        replace(Request("x", "read", "y", "audit")), decision, party=party, dataset=None, regime="pure"
    )
    assert (known[a.ROLE], known[a.UNIT], known[a.REGIME]) == ("merchant", "chain", "pure")


def test_flags_of_numpy_do_not_pass_for_truth(tmp_path):
    from privacy.access.cells import CellReader

    reader = CellReader("f", "row", [1, 2])
    assert reader.flags("minor", [1, np.float64(0)]) == [False, False]
    assert len(reader.bad) == 2
