"""`tradefair audit LOG --rules`: what a user types, sees and gets back."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from apps.command.audit import audit
from experiments.execute import run_scenario
from experiments.runs import RunStore
from experiments.scenario_file import validate
from privacy.rules.drawn_lists import draw_lists
from retail.errors import ConfigError, DataError, TradefairError
from retail.market_log import MarketLog, write_log

PAGE = Path(__file__).parents[2] / "docs" / "market-audit.md"


@pytest.fixture(scope="module")
def command():
    app = typer.Typer(rich_markup_mode=None)
    app.command()(audit)
    runner = CliRunner()

    def call(*arguments):
        result = runner.invoke(app, [str(one) for one in arguments])
        if isinstance(result.exception, TradefairError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return call


def ranking(folder, **settings):
    lists = draw_lists(np.random.default_rng(1), queries=120, **settings)
    frame = pd.DataFrame(
        {
            "list": np.repeat(np.arange(120), 10),
            "period": 0,
            "position": np.tile(np.arange(1, 11), 120),
            "product": np.tile(np.arange(10), 120),
            "seller": "<b>|shop|</b>",
            "own": lists.x[:, :, 0].ravel() > 0,
            "price": lists.x[:, :, 1].ravel() + 10,
            "rating": lists.x[:, :, 2].ravel(),
        }
    )
    write_log(MarketLog(impressions=frame), folder, format="csv")
    return folder


@pytest.fixture(scope="module")
def biased(tmp_path_factory):
    return ranking(tmp_path_factory.mktemp("logs") / "biased", effect=0.8)


@pytest.fixture(scope="module")
def neutral(tmp_path_factory):
    return ranking(tmp_path_factory.mktemp("logs") / "neutral", better=1.0)


def test_a_breach_exits_1_and_a_neutral_or_untold_ranking_0(command, biased, neutral):
    code, text = command(biased, "--rules", "all")
    assert code == 1
    assert "BREACH" in text
    assert "Not audited, as their tables are missing: data, access, targeting." in text
    code, text = command(neutral, "--rules", "ranking")
    assert code == 0
    assert "No breach found: 1 without evidence, 0 inconclusive." in text
    code, text = command(biased, "--rules", "ranking", "--unlogged")
    assert code == 0
    assert "No breach found: 0 without evidence, 1 inconclusive." in text
    assert "1 SD" in text


def test_how_many_lists_were_left_out_and_have_gaps_is_printed(command, neutral, tmp_path):
    frame = pd.read_csv(neutral / "impressions.csv")
    frame.loc[frame["list"] == 0, "own"] = False
    frame = frame[(frame["list"] != 1) | (frame["position"] == 1)]
    frame.loc[(frame["list"] == 2) & (frame["position"] == 10), "position"] = 12
    write_log(MarketLog(impressions=frame), tmp_path / "log")
    kinds = frame.groupby("list")["own"].nunique()
    mixed = int((kinds == 2).sum())
    assert 100 < mixed < 119
    text = command(tmp_path / "log", "--rules", "ranking")[1]
    assert f"lists: {mixed} of 120 hold own and other products" in text
    assert f"left out: 1 of one product, {119 - mixed} all own or all other." in text
    assert "Positions have gaps in 1 of 120 lists" in text


def test_json_holds_the_verdicts_with_their_curves(command, biased):
    code, text = command(biased, "--rules", "ranking", "--json", "--power", "ranking=.2")
    document = json.loads(text)
    assert code == 1
    assert document["breaches"] == 1
    row = document["rows"][0]
    assert row["outcome"] == "breach"
    assert row["curve"][0]["effect"] == row["effect"]
    assert row["tipping"]["estimate"] > 0
    assert 0 < document["power"][0]["power"] < 1


def test_only_the_named_qualities_are_used(command, neutral):
    code, text = command(neutral, "--rules", "ranking", "--quality", "rating")
    assert code == 1  # price, on which own products are better, was left out
    assert "Logged quality: rating." in text
    assert command(neutral, "--rules", "ranking", "--quality", "price,rating")[0] == 0


def test_a_margin_above_the_effect_takes_the_breach_away(command, biased):
    assert command(biased, "--rules", "ranking", "--margin", "ranking=1.5")[0] == 0


def test_power_says_what_the_log_gave_and_what_is_assumed(command, biased, tmp_path):
    _, text = command(biased, "--rules", "ranking", "--power", "ranking=.2")
    text = " ".join(text.split())
    assert re.search(r"lists of 10, (29|30|31)% own, quality spread 0.6 log-odds", text)
    assert "queries, mean length and own share are this log's, the quality spread is assumed" in text
    requests = pd.DataFrame({"period": 0, "merchant": range(8), "answered": 1, "complete": True, "free": True})
    write_log(MarketLog(requests=requests), tmp_path / "log")
    _, text = command(tmp_path / "log", "--rules", "access", "--power", "access=.2")
    assert "of this log only the number of requests is used" in " ".join(text.split())


def test_power_for_an_effect_within_the_margin_says_that_no_number_gives_it(command, biased):
    _, text = command(biased, "--rules", "ranking", "--power", "ranking=0")
    assert "; no number of queries gives 0.9 (" in text
    assert "no number of" not in command(biased, "--rules", "ranking", "--power", "ranking=.2")[1]


def test_the_own_label_arm_can_be_named(command, tmp_path):
    row = {"period": 0, "owner": "m1", "data": "orders", "columns": "units", "purpose": "ranking", "allowed": True}
    reads = pd.DataFrame([{**row, "actor": actor} for actor in ("brand-a", "brand-b", "search")])
    write_log(MarketLog(reads=reads), tmp_path / "log")
    code, text = command(tmp_path / "log", "--rules", "data")
    assert code == 0
    assert "0 without evidence, 1 inconclusive" in text
    code, text = command(tmp_path / "log", "--rules", "data", "--own-arm", "brand-a", "--own-arm", "brand-b", "--json")
    assert code == 1
    assert [one["actor"] for one in json.loads(text)["rows"][0]["rows"]] == ["brand-a", "brand-b"]


def test_an_own_label_arm_that_reads_nothing_and_a_misspelt_role_are_refused(command, tmp_path):
    row = {"period": 0, "owner": "m1", "data": "orders", "columns": "units", "purpose": "ranking", "allowed": True}
    actors = [f"shop-{k}" for k in range(12)]
    reads = pd.DataFrame([{**row, "actor": actor} for actor in (*actors, "retail-arm")])
    write_log(MarketLog(reads=reads), tmp_path / "log")
    with pytest.raises(ConfigError, match=r"--own-arm Retail-Arm: no row .* there: retail-arm, shop-0, .* and 3 more"):
        command(tmp_path / "log", "--rules", "all", "--own-arm", "Retail-Arm", "--report", tmp_path / "r.md")
    write_log(MarketLog(reads=reads.assign(role="own label")), tmp_path / "named")
    with pytest.raises(DataError, match="reads, row 1, column role holds 'own label': no role; write platform_retail"):
        command(tmp_path / "named", "--rules", "all", "--report", tmp_path / "r.md")
    assert not (tmp_path / "r.md").exists()
    products = {"product": [1, 2], "seller": "m1", "own": False, "category": "tea", "launched": 0}
    figures = {"period": 0, "product": [1, 2], "profit": 1.0, "popularity": 1.0}
    write_log(MarketLog(products=pd.DataFrame(products), figures=pd.DataFrame(figures)), tmp_path / "outside")
    with pytest.raises(ConfigError, match="--own-arm shop-1: the log has no table reads; add it, or leave"):
        command(tmp_path / "outside", "--rules", "data", "--own-arm", "shop-1")


@pytest.mark.parametrize("suffix", [".html", ".md", ".json"])
def test_a_report_is_written_once_and_not_over_another_file(command, biased, tmp_path, suffix):
    report = tmp_path / f"report{suffix}"
    assert command(biased, "--rules", "ranking", "--report", report)[0] == 1
    text = report.read_text()
    assert "without rating" in text
    if suffix == ".json":
        assert json.loads(text)["rows"][0]["outcome"] == "breach"
    else:
        assert "BREACH" in text
    with pytest.raises(ConfigError, match="there already"):
        command(biased, "--rules", "ranking", "--report", report)
    assert report.read_text() == text


def test_foreign_text_in_a_report_is_escaped(command, tmp_path):
    folder = tmp_path / "log"
    reads = pd.DataFrame(
        {
            "period": [0],
            "actor": "platform_retail",
            "owner": "<script>|x|",
            "data": "orders\u202e",
            "columns": "units",
            "purpose": "ranking",
            "allowed": True,
        }
    )
    write_log(MarketLog(reads=reads), folder)
    assert command(folder, "--rules", "data", "--report", tmp_path / "r.html")[0] == 1
    page = (tmp_path / "r.html").read_text()
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    command(folder, "--rules", "data", "--report", tmp_path / "r.md")
    assert "\\<script\\>\\|x\\|" in (tmp_path / "r.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rules", "prices"], "there is no rule 'prices'"),
        (["--rules", "ranking,ranking"], "each of them once"),
        (["--rules", ""], "give names"),
        (["--rules", "targeting"], "targeting: exposures"),
        (["--rules", "ranking", "--margin", "ranking"], "write RULE=NUMBER"),
        (["--rules", "ranking", "--margin", "ranking=-1"], "0 or more"),
        (["--rules", "ranking", "--margin", "prices=1"], "write RULE=NUMBER"),
        (["--rules", "ranking", "--quality", "colour"], "quality 'colour'"),
        (["--rules", "ranking", "--power", "access=.2"], "not audited here; add it to --rules, or leave --power out"),
        (["--rules", "ranking", "--margin", "data=.1"], "not audited here; add it to --rules, or leave --margin out"),
        (["--rules", "all", "--margin", "data=.1"], "its tables are missing; leave --margin out"),
        (["--rules", "all", "--power", "access=.2"], "its tables are missing; leave --power out"),
        (["--rules", "ranking", "--power", "ranking=1e6"], "effect = 1000000.0: give log-odds from -20 to 20"),
        (["--rules", "ranking", "--power", "targeting=.1"], "not estimated from a log"),
        (["--rules", "ranking", "--power", "ranking=.2", "--unlogged"], "--unlogged leaves every verdict on a ranking"),
        (["--rules", "all", "--power", "ranking=.2", "--unlogged"], "--unlogged leaves every verdict on a ranking"),
        (["--rules", "ranking", "--own-arm", " "], "--own-arm ''"),
        (["--rules", "ranking", "--own-arm", "shop"], "--own-arm shop: the rule data is not audited here; add it to"),
        (["--rules", "all", "--own-arm", "shop"], "--own-arm shop: the rule data is not audited here; its tables are"),
        (["--rules", "ranking", "--margin", "targeting=.1"], "--margin targeting=0.1: the rule targeting is not"),
        (["--own-arm", "retail"], "belong to --rules"),
        (["--rules", "ranking", "--report", "r.pdf"], "ends in none of"),
        (["--rules", "ranking", "--report", "nowhere/r.md"], "there is no folder"),
        (["--rules", "ranking", "--access"], "by itself"),
        (["--quality", "price"], "belong to --rules"),
        ([], "say what to audit"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(command, neutral, arguments, words):
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        command(neutral, *arguments)
    assert "\n" not in str(caught.value)


def test_a_log_that_cannot_be_read_is_refused_and_no_report_is_written(command, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()  # a run store beside it does not make a path an id
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="cannot be opened as a folder"):
        command(tmp_path / "nowhere", "--rules", "all")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "impressions.csv").write_text("list,period,position,product,seller,own\n1,0,0,1,a,true\n")
    with pytest.raises(DataError, match="row 1, column position holds '0'"):
        command(tmp_path / "log", "--rules", "all", "--report", tmp_path / "r.md")
    assert not (tmp_path / "r.md").exists()


def test_the_example_of_the_page_gives_the_output_that_the_page_shows(command, tmp_path, monkeypatch):
    text = PAGE.read_text()
    folder = tmp_path / "log"
    folder.mkdir()
    for name, content in re.findall(r"`log/(\w+\.csv)`:\n\n```\n(.*?)```", text, flags=re.DOTALL):
        (folder / name).write_text(content)
    assert len(list(folder.iterdir())) == 3
    monkeypatch.chdir(tmp_path)
    shown = re.search(r"```\n\$ tradefair audit log --rules all\n(.*?)```", text, flags=re.DOTALL).group(1)
    code, printed = command("log", "--rules", "all")
    assert code == 1

    def lines(block):
        return [line.rstrip() for line in block.splitlines() if line.strip()]

    assert lines(printed) == lines(shown)


MARKET = {
    "kind": "market",
    "replications": 2,
    "periods": 12,
    "settings": {"merchants": 12, "products": 40, "consumers": 200},
    "arms": [{"name": "isolated", "regime": "isolated"}],
}
SIGN = {**MARKET, "method": "signs", "arms": [{"name": "thin", "experiment": "data-ban-thin-tail"}]}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Runs of two scenarios that differ by name only, so that theirs have one id, and of one that keeps no log."""
    root = tmp_path_factory.mktemp("runs")
    for name, raw in (("one", MARKET), ("other", MARKET), ("sign", SIGN)):
        run_scenario(validate({**raw, "name": name}, source=name), store=root, jobs=1)
    return RunStore(root)


def test_a_run_of_a_market_scenario_is_audited_by_its_id_or_folder(command, store):
    (record,) = store.records("one")
    log = str(Path(record["path"]) / "artifacts" / "log")
    named = ["--rules", "ranking", "--json", "--store", store.root]
    by_log, by_folder, by_id = (
        json.loads(command(target, *named)[1]) for target in (log, record["path"], f"one/{record['run_id'][:6]}")
    )
    assert by_log["folder"] == log
    assert by_log == by_folder == by_id


def test_a_run_without_a_log_and_one_id_in_two_scenarios_are_refused_in_one_line(command, store):
    (sign,), (one,) = store.records("sign"), store.records("one")
    for target in (sign["run_id"], sign["path"]):
        with pytest.raises(ConfigError, match=r"kept no log of a market's events \(method = .signs.\)") as refused:
            command(target, "--rules", "all", "--store", store.root)
        assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match=f"one/{one['run_id']}, other/{one['run_id']}; write more digits, or SCEN"):
        command(one["run_id"], "--rules", "all", "--store", store.root)
    with pytest.raises(ConfigError, match="nobody is no folder, and no run in"):
        command("nobody", "--rules", "all", "--store", store.root)


def test_a_scenario_is_answered_with_its_runs(command, store, tmp_path):
    (one,) = store.records("one")
    for target in ("one", Path(store.root) / "one"):
        with pytest.raises(ConfigError, match=f"one is a scenario, .* add /RUN: one/{one['run_id']}$"):
            command(target, "--rules", "all", "--store", store.root)
    with pytest.raises(ConfigError, match=r"market-demo is a scenario that has no finished run .* market-demo` makes"):
        command("market-demo", "--rules", "all", "--store", store.root)
    with pytest.raises(ConfigError, match=r"market-demo is a scenario that has no finished run .* market-demo` makes"):
        command("market-demo", "--rules", "all", "--store", tmp_path / "nowhere")


def test_a_run_that_is_not_finished_is_not_audited(command, store, tmp_path):
    (one,) = store.records("one")
    copied = tmp_path / "runs" / "one" / one["run_id"]
    shutil.copytree(one["path"], copied)
    (copied / "run.json").unlink()
    for target in (copied, one["run_id"]):
        with pytest.raises(ConfigError, match="is unfinished, so its log may be half written"):
            command(target, "--rules", "all", "--store", tmp_path / "runs")


def test_one_id_in_two_scenarios_is_told_apart_by_the_scenarios_name(store):
    (one,), (other,) = store.records("one"), store.records("other")
    assert one["run_id"] == other["run_id"]
    assert store.find(f"other/{one['run_id'][:4]}")["path"] == other["path"]
    for key, words in ((f"third/{one['run_id']}", "no run in"), ("one/zz", "no run in"), ("", "3 runs in")):
        with pytest.raises(ConfigError, match=words):
            store.find(key)
