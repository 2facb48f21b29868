"""`tradefair report` and `tradefair log verify` on what it wrote."""

import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest

from apps.command import main as command
from apps.command.report import report
from experiments.logbook import run_log
from experiments.runs import RunStore
from privacy.policy import Request


@pytest.fixture(scope="session")
def stores():
    """The helpers that fill a small, logged store for the tests of reports."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "experiments" / "report"))
    try:
        yield importlib.import_module("small_store")
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="session")
def made(stores, tmp_path_factory):
    return stores.fill(tmp_path_factory.mktemp("command-report") / "runs")


@pytest.fixture
def run(monkeypatch, tmp_path, made, capsys):
    """Run the command in an empty folder; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, store=made):
        options = ["--store", str(store), "--regime", "federated_dp"] if arguments[0] == "report" else []
        code = command.main([*arguments, *options])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_the_command_is_registered():
    assert report in [one.callback for one in command.app.registered_commands]


@pytest.mark.parametrize("kind", ["html", "pdf", "json"])
def test_a_report_is_written_with_its_signature_and_verifies_until_a_byte_is_flipped(run, kind):
    if kind == "pdf":
        pytest.importorskip("typst", reason="no typst: install the extra `report`")
    code, out, err = run("report", "market", "--format", kind)
    assert (code, err) == (0, "")
    path = Path(f"market-report.{kind}")
    assert f"written: {path} and {path}.sig" in out
    verify = out.splitlines()[-1].partition("tradefair ")[2].split()
    code, out, _ = run(*verify)
    assert code == 0, out
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    code, out, _ = run(*verify)
    assert code == 1
    assert "bytes were changed" in out


def test_out_names_the_file_and_its_ending_must_fit(run):
    Path("deep").mkdir()
    assert run("report", "market", "--format", "json", "--out", "deep/mine.json")[0] == 0
    assert Path("deep/mine.json.sig").is_file()
    code, _, err = run("report", "market", "--format", "json", "--out", "mine.html")
    assert code == 2
    assert "does not end in .json" in err
    code, out, err = run("report", "market", "--format", "json", "--out", "elsewhere/mine.json")
    assert (code, out) == (2, "")
    assert "--out elsewhere/mine.json: there is no folder elsewhere; make it, or name another place" in err
    assert not Path("elsewhere").exists()


def test_json_says_what_was_written_and_the_outcome_of_each_rule(run):
    code, out, _ = run("report", "market", "--policy", "base", "--policy", "dma", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["rules"]["fail"] == 0
    assert {"rule": "dma-6-2-retail", "article": "DMA Art. 6(2); commitments AT.40462", "outcome": "pass"} in document[
        "rows"
    ]
    assert document["problems"] == []
    assert len(document["runs"]) == 4


def test_a_run_is_named_by_the_first_digits_of_its_id(run, made):
    record = RunStore(made).records("market")[0]
    code, out, _ = run("report", record["run_id"][:7], "--format", "json")
    assert code == 0
    assert f"written: {record['run_id']}-report.json" in out


def test_a_broken_rule_exits_with_1_and_the_report_is_written(run, made, stores, tmp_path):
    store = Path(shutil.copytree(made, tmp_path / "broken"))
    ((kind, body),) = stores.accesses([Request("retail", "read", "m1/orders", "own_label_development")])
    log = run_log(Path(RunStore(store).records("market")[0]["path"]))
    log.append(kind, {**body, "decision": "allow", "rule": "base-own"})
    log.sign_head()
    code, out, _ = run("report", "market", store=store)
    assert code == 1
    assert "1 fail" in out
    assert Path("market-report.html").is_file()


def test_what_cannot_be_done_is_one_line_and_exit_2(run, tmp_path, monkeypatch):
    for arguments, said in (
        (("report", "nope"), "no run in"),
        (("report", "market", "--policy", "nope"), "no policy pack"),
        (("report", "market", "--certificates", "nope"), "no folder of certificates"),
        (("report", "market", "--consent", "nope"), "no consent register"),
        (("report", "market", "--format", "docx"), "docx"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert said in err
        assert "Traceback" not in err
    assert run("report", "market", store=tmp_path / "none")[0] == 2


def test_without_typst_a_pdf_is_one_line_and_nothing_is_written(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    code, out, err = run("report", "market", "--format", "pdf")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "pip install 'typst>=" in err
    assert list(Path().iterdir()) == []


def test_a_store_without_a_key_is_told_what_to_do(run, made, tmp_path):
    store = Path(shutil.copytree(made, tmp_path / "keyless"))
    shutil.rmtree(store / ".keys")
    code, _, err = run("report", "market", store=store)
    assert code == 2
    assert "no key" in err
