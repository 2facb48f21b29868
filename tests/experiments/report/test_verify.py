import copy
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.documents import write_json
from experiments.logbook import run_log
from experiments.report import build_report as build
from experiments.report import render_html, render_json, render_pdf, verify_report, write_report
from experiments.report.html import html_of
from experiments.report.plain import document_bytes
from experiments.report.text import written
from privacy.attacks.result import AttackResult, ControlResult
from privacy.log import Log, SigningKey
from retail.errors import ConfigError, DataError

PACKS = ["base", "dma", "gdpr"]


def build_report(store, target, *, policy=PACKS, **options):
    """Compare two regimes only, which is quick."""
    return build(store, target, policy=policy, regimes=["federated_dp", "pooled"], **options)


@pytest.fixture(scope="module")
def written_reports(tmp_path_factory, model, key):
    folder = tmp_path_factory.mktemp("written")
    paths = {}
    for kind, render in (("html", render_html), ("json", render_json)):
        paths[kind] = folder / f"report.{kind}"
        write_report(paths[kind], render(model), key=key, model=model)
    return paths


@pytest.fixture
def resign(tmp_path, model, key):
    """Write a changed document with a good signature of the owner, who then is the one that lies."""

    def write(change, kind="json", render=document_bytes):
        document = copy.deepcopy(model.document())
        change(document)
        path = tmp_path / f"report.{kind}"
        write_report(path, render(document), key=key, model=model)
        return verify_report(path, key_hex=key.public_hex)

    return write


@pytest.mark.parametrize("kind", ["html", "json"])
def test_a_fresh_report_verifies_with_file_signature_and_key_alone(written_reports, kind, key, tmp_path):
    alone = tmp_path / f"somewhere.{kind}"
    alone.write_bytes(written_reports[kind].read_bytes())
    Path(f"{alone}.sig").write_bytes(Path(f"{written_reports[kind]}.sig").read_bytes())
    found = verify_report(alone, key_hex=key.public_hex)
    assert found.problems == ()
    assert found.ok
    assert found.origin == "market"
    assert found.notes == (f"the report was signed under the name report.{kind}",)


def test_without_a_key_the_notes_say_that_nobody_vouches_for_it(written_reports, key):
    found = verify_report(written_reports["json"])
    assert found.ok
    assert key.public_hex in found.notes[0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["html", "json"]), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_report_is_found(written_reports, key, tmp_path, kind, place, bit):
    content = bytearray(written_reports[kind].read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path = tmp_path / f"report.{kind}"
    path.write_bytes(content)
    Path(f"{path}.sig").write_bytes(Path(f"{written_reports[kind]}.sig").read_bytes())
    found = verify_report(path, key_hex=key.public_hex)
    assert not found.ok
    assert "bytes were changed" in found.problems[0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_signature_is_found(written_reports, key, tmp_path, place, bit):
    path = tmp_path / "report.json"
    path.write_bytes(written_reports["json"].read_bytes())
    signature = bytearray(Path(f"{written_reports['json']}.sig").read_bytes())
    signature[int(place * len(signature))] ^= 1 << bit
    Path(f"{path}.sig").write_bytes(signature)
    assert not verify_report(path, key_hex=key.public_hex).ok


def test_a_report_without_its_signature_is_not_proven(written_reports, tmp_path, key):
    path = tmp_path / "report.json"
    path.write_bytes(written_reports["json"].read_bytes())
    found = verify_report(path, key_hex=key.public_hex)
    assert not found.ok
    assert "there is no signature report.json.sig" in found.problems[0]


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", '{"format": 1}', "\ud800".encode("utf-8", "surrogatepass")])
def test_a_file_that_is_no_signature_is_refused(written_reports, tmp_path, text):
    path = tmp_path / "report.json"
    path.write_bytes(written_reports["json"].read_bytes())
    Path(f"{path}.sig").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert not verify_report(path).ok


def test_a_report_signed_with_another_key_is_found(model, tmp_path, key):
    stranger = SigningKey.generate()
    path = tmp_path / "report.json"
    write_report(path, render_json(model), key=stranger, model=model)
    assert not verify_report(path, key_hex=key.public_hex).ok
    found = verify_report(path)
    assert any("signed by another key" in problem for problem in found.problems)


def first_number(document):
    return document["figures"][0]["value"]


def raise_figure(document):
    number = first_number(document)
    number["value"] += 0.1
    number["shown"] = written(number["value"], number["unit"])


def print_other_text(document):
    first_number(document)["shown"] = "0.9999"


def raise_sum(document):
    number = document["accounts"][0]["spent"]
    number["value"] -= 1
    number["shown"] = written(number["value"], number["unit"])


def change_entry(document):
    entry = next(one["entry"] for one in document["proofs"] if one["entry"]["kind"] == "figure")
    entry["body"]["value"] = 0.9


def swap_field(document):
    number = first_number(document)
    number["field"] = "hi"


def hide_breaches(document):
    number = document["verdicts"][0]["breaches"]
    number["value"], number["shown"] = 3, "3"


def loosen_policy(document):
    texts = document["policy"]["texts"]
    regime = next(iter(texts))
    texts[regime] = texts[regime][:-8] + "AAAAAAA="


def call_it_good(document):
    document["verdicts"][3]["outcome"] = "fail"


def drop_verdict(document):
    document["verdicts"].pop(2)


def drop_transcript(document):
    document["transcripts"].pop()


def cut_transcript(document):
    document["transcripts"][0]["entries"] = document["transcripts"][1]["entries"]


def grow_head(document):
    document["heads"][0]["head"]["size"] += 1


def lose_repeat(document):
    document["heads"][1]["entry"], document["heads"][2]["entry"] = (
        document["heads"][2]["entry"], document["heads"][1]["entry"]
    )  # fmt: skip


def point_nowhere(document):
    first_number(document)["proof"] = "p9999"


def own_problem(document):
    document["problems"] = ["a log was edited"]


def true_for_one(document):
    document["figures"][0]["n"]["value"] = True


def another_log(document):
    document["origin"] = "other"


def borrow_a_verdict(document):
    document["verdicts"][0]["breaches"] = document["verdicts"][1]["breaches"]


def call_good_without_proof(document):
    verdict = next(one for one in document["verdicts"] if one["outcome"] == "pass")
    verdict["breaches"]["proof"] = None


def judge_one_log_only(document):
    wanted = document["verdicts"][0]["breaches"]["proof"]
    derivation = next(one for one in document["derivations"] if one["id"] == wanted)
    derivation["origins"] = derivation["origins"][:1]


def print_figures_of_another_arm(document):
    one = document["figures"][0]
    other = next(f for f in document["figures"] if f["name"] == one["name"] and f["arm"] != one["arm"])
    for end in ("value", "lo", "hi", "n"):
        one[end] = other[end]


def print_another_figure_of_the_arm(document):
    one = document["figures"][0]
    other = next(f for f in document["figures"] if f["name"] != one["name"] and f["arm"] == one["arm"])
    for end in ("value", "lo", "hi", "n"):
        one[end] = other[end]


def call_a_target_met(document):
    target = document["targets"][0]
    target["met"] = "met" if target["met"] != "met" else "missed"


def spend_another_run_s_budget(document):
    run = document["accounts"][0]["run"]
    document["accounts"][0]["run"] = next(row[0] for row in document["runs"]["rows"] if not row[0].startswith(run))[:8]


@pytest.mark.parametrize(
    "change",
    [
        borrow_a_verdict, call_good_without_proof, judge_one_log_only, print_figures_of_another_arm,
        print_another_figure_of_the_arm, call_a_target_met, spend_another_run_s_budget,
        raise_figure, print_other_text, raise_sum, change_entry, swap_field, hide_breaches, loosen_policy,
        call_it_good, drop_verdict,
        drop_transcript, cut_transcript, grow_head, lose_repeat, point_nowhere, own_problem, true_for_one, another_log,
    ],
)  # fmt: skip
def test_a_lie_in_the_data_is_found_although_the_owner_signed_it(resign, change):
    found = resign(change)
    assert not found.ok
    assert not any("bytes were changed" in problem for problem in found.problems)


def test_an_unchanged_document_signed_again_is_good(resign):
    assert resign(lambda document: None).ok


def test_a_page_that_shows_another_number_than_its_data_is_found(resign):
    def lie(document):
        page = html_of(document).decode()
        shown = first_number(document)["shown"]
        return page.replace(f">{shown}</data>", ">0.9999</data>", 1).encode()

    found = resign(lambda document: None, kind="html", render=lie)
    assert found.problems == ("the page does not show what its data say",)


def test_a_page_with_a_number_hidden_and_a_false_one_beside_it_is_found(resign):
    lie = lambda document: html_of(document).replace(b"</h1>", b" 99% private</h1>", 1)  # noqa: E731
    assert not resign(lambda document: None, kind="html", render=lie).ok


def test_a_page_of_another_version_still_has_its_marked_numbers_compared(resign):
    def older(document):
        document["renderer"] = {"version": "0.0.1", "code": "0" * 16}

    found = resign(older, kind="html", render=html_of)
    assert found.ok
    assert any("another version" in note for note in found.notes)

    def lie(document):
        shown = first_number(document)["shown"]
        return html_of(document).replace(f">{shown}</data>".encode(), b">0.9999</data>", 1)

    assert "0.9999" in resign(older, kind="html", render=lie).problems[0]


def test_two_blocks_of_data_or_none_are_refused(resign):
    twice = lambda document: html_of(document) * 2  # noqa: E731
    assert "2 blocks" in resign(lambda document: None, kind="html", render=twice).problems[0]
    none = lambda document: b"<html></html>"  # noqa: E731
    assert "0 blocks" in resign(lambda document: None, kind="html", render=none).problems[0]


@pytest.mark.parametrize("damage", [None, {}, [], 3, "x" * 5000])
@pytest.mark.parametrize("part", ["heads", "proofs", "derivations", "transcripts", "policy", "figures"])
def test_data_of_another_shape_are_a_problem_and_no_traceback(resign, part, damage):
    if (part, damage) == ("figures", []):
        pytest.skip("a report without figures is a report")
    assert not resign(lambda document: document.update({part: damage})).ok


def test_a_number_disguised_as_a_word_is_found(resign):
    assert "shape" in resign(lambda document: document["figures"][0].update(value="0.9999")).problems[0]
    assert not resign(lambda document: document["figures"][0]["value"].pop("field")).ok
    assert not resign(lambda document: document["figures"][0]["value"].update(more=1)).ok
    assert not resign(lambda document: document.update(more="0.9999")).ok


def test_numbers_without_proof_are_counted_in_a_note(store, tmp_path, key):
    (store / "market" / "log.sqlite").unlink()
    model = build_report(store, "market")
    path = tmp_path / "report.json"
    write_report(path, render_json(model), key=key, model=model)
    found = verify_report(path, key_hex=key.public_hex)
    assert found.ok
    assert 'carry the mark "no proof"' in found.notes[0]


def test_the_head_that_a_witness_kept_must_be_in_the_report(store, made, key, tmp_path):
    log = Log.open(store / "market" / "log.sqlite", origin="market", key=key)
    kept = log.head()
    log.append("figure", {"name": "later(popularity)", "value": 1.0})
    log.sign_head()

    def check(witness):
        model = build_report(store, "market")
        path = tmp_path / "report.json"
        write_report(path, render_json(model), key=key, model=model)
        return verify_report(path, key_hex=key.public_hex, witness=witness)

    assert check(log.head()).ok
    assert check(kept).ok
    fork = Log.open(tmp_path / "fork.sqlite", origin="market", key=key)
    fork.append_many((entry.kind, entry.body) for entry in log.entries()[:-1])
    fork.append("figure", {"name": "other(popularity)", "value": 2.0})
    assert "changed or forked" in check(fork.sign_head()).problems[0]
    fork.append("figure", {"name": "more(popularity)", "value": 2.0})
    assert "does not show that its head" in check(fork.sign_head()).problems[0]
    elsewhere = Log.open(tmp_path / "elsewhere.sqlite", origin="elsewhere", key=key)
    assert "not in this report" in check(elsewhere.sign_head()).problems[0]
    stranger = Log.open(tmp_path / "stranger.sqlite", origin="market", key=SigningKey.generate())
    assert "not signed by this owner" in check(stranger.sign_head()).problems[0]


def test_a_missing_file_or_another_kind_of_file_is_said_so(tmp_path, model, key):
    with pytest.raises(DataError, match=r"nothing\.html"):
        verify_report(tmp_path / "nothing.html")
    write_report(tmp_path / "report.txt", b"text", key=key, model=model)
    assert "so it is no report" in verify_report(tmp_path / "report.txt").problems[0]


def test_a_run_s_report_can_be_witnessed_too(store, run_of, key, tmp_path):
    directory = store / "market" / run_of("pooled")
    kept = run_log(directory).head()
    model = build_report(store, run_of("pooled"))
    path = tmp_path / "report.json"
    write_report(path, render_json(model), key=key, model=model)
    assert verify_report(path, key_hex=key.public_hex, witness=kept).ok


def test_the_pdf_verifies_and_a_changed_page_does_not(model, key, tmp_path):
    pytest.importorskip("typst", reason="no typst: install the extra `report`")
    from experiments.report.pdf import pdf_of

    path = tmp_path / "report.pdf"
    content = render_pdf(model)
    write_report(path, content, key=key, model=model)
    assert verify_report(path, key_hex=key.public_hex).ok

    def lie(document):  # what is attached stays true, what is printed does not
        honest = json.loads(document_bytes(document))
        honest["figures"][0]["value"]["shown"] = "0.9999"
        pages = pdf_of(honest)
        return pages

    write_report(path, lie(model.document()), key=key, model=model)
    assert not verify_report(path, key_hex=key.public_hex).ok
    write_report(path, content + b"%more\n", key=key, model=model)
    assert "printed pages are not those" in verify_report(path, key_hex=key.public_hex).problems[0]
    for place in (10, len(content) // 2, len(content) - 9):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert not verify_report(path, key_hex=key.public_hex).ok


def test_a_pdf_is_not_called_good_where_its_pages_cannot_be_compared(model, key, tmp_path, monkeypatch):
    pytest.importorskip("typst", reason="no typst: install the extra `report`")
    path = tmp_path / "report.pdf"
    write_report(path, render_pdf(model), key=key, model=model)
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ConfigError, match=r"cannot be checked.*typst>="):
        verify_report(path, key_hex=key.public_hex)
    path.write_bytes(path.read_bytes() + b"%more")
    assert not verify_report(path, key_hex=key.public_hex).ok


@pytest.fixture
def attacked(store, run_of):
    """A store with a logged breach of one run, and the stored result."""
    directory = store / "market" / run_of("federated-dp-4")
    control = ControlResult("a loud canary", True, 9.0, "The control was seen.")
    result = AttackResult("one_run", 9.0, 8.0, float("inf"), "epsilon", 9.0, control, 10, 1.0, "Leaks.", True, 4.0)
    log = run_log(directory)
    log.append("attack", result.to_json())
    log.sign_head()
    path = directory / "artifacts" / "attacks.json"
    write_json(path, [result.to_json()])
    return path


def test_an_attack_s_outcome_cannot_be_edited_beside_the_log(store, attacked, key, tmp_path):
    honest = build_report(store, "market")
    assert (honest.problems, honest.attacks[0].outcome) == ((), "breach")
    path = tmp_path / "report.json"
    write_report(path, render_json(honest), key=key, model=honest)
    assert verify_report(path, key_hex=key.public_hex).ok
    stored = json.loads(attacked.read_text())
    write_json(attacked, [{**stored[0], "breach": False, "outcome": "passed", "statement": "Nothing."}])
    edited = build_report(store, "market")
    assert "with another outcome, statement or control" in edited.problems[0]
    clean = replace(edited, problems=())
    write_report(path, render_json(clean), key=key, model=clean)
    assert "logged with another outcome" in verify_report(path, key_hex=key.public_hex).problems[0]


def test_a_logged_attack_cannot_be_left_out(store, attacked, key, tmp_path):
    attacked.unlink()
    model = build_report(store, "market")
    assert "the attack one_run was logged" in model.problems[0]
    path, clean = tmp_path / "report.json", replace(model, problems=())
    write_report(path, render_json(clean), key=key, model=clean)
    assert "which the report leaves out" in verify_report(path, key_hex=key.public_hex).problems[0]
