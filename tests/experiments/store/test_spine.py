import json
from pathlib import Path

import pytest

from apps.store import table as store_table
from experiments.comparison import compare
from experiments.execute import expand_scenario, run_scenario
from experiments.export import export_runs
from experiments.report import build_report
from experiments.report.belonging import strangers
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario, scenario_text, toml_table, validate
from retail.errors import ConfigError

RUNNER, FINGERPRINT = "noisy_till_runner:run", "noisy_till_runner:fingerprint"


def small(**changes):
    raw = {
        "kind": "store",
        "name": "tills",
        "title": "A faster till",
        "arms": [
            {"name": "faster", "label": "Service 30% faster", "parameters": {"service": 0.7}},
            {"name": "same", "parameters": {"service": 1.0}},
        ],
        "targets": {"difference(wait_s, faster, as-is)": "< 0", "wait_s(as-is)": "< 1"},
    }
    return validate({**raw, **changes}, source="tills")


@pytest.fixture(scope="module")
def execute(tmp_path_factory):
    """Run a scenario with the small runner, in a folder whose files make arms refused."""
    folder = tmp_path_factory.mktemp("spine")

    def run(scenario, *, name="runs", **options):
        options = {"jobs": 1, "runner": RUNNER, "data_fingerprint": FINGERPRINT, **options}
        return run_scenario(scenario, store=folder / name, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setenv("TRADEFAIR_TEST_SWITCHES", str(folder))
        run.folder = folder
        yield run


@pytest.fixture(scope="module")
def finished(execute):
    """What the small scenario gives, and the folder of its runs."""
    return execute(small()), execute.folder / "runs" / "tills"


def specs_of(scenario):
    return expand_scenario(scenario, runner=RUNNER, data_fingerprint=FINGERPRINT)


def test_every_arm_is_a_run_and_every_figure_has_the_one_shape(finished):
    summary, folder = finished
    document = json.loads((folder / "summary.json").read_text())
    assert (document["kind"], len(summary.runs)) == ("store", 2)
    assert [row["arm"] for row in document["rows"]] == ["faster", "same"]
    keys = {"name", "value", "lo", "hi", "unit", "n", "target", "met", "provenance"}
    for record in [*document["results"], *document["differences"], *document["targets"]]:
        assert set(record) == keys
    names = [record["name"] for record in document["differences"]]
    assert names[:2] == ["difference(wait_s, faster, as-is)", "simulation_difference(wait_s, faster, as-is)"]
    assert document["differences"][0]["provenance"]["source"] == "assumption"


def test_an_arm_that_changes_nothing_differs_by_exactly_nothing(finished):
    figures = {result.name: result for result in finished[0].results()}
    same = figures["difference(wait_s, same, as-is)"]
    assert (same.value, same.lo, same.hi) == (0.0, 0.0, 0.0)
    assert same.provenance["verdict"] == "no clear difference"
    assert figures["difference(wait_s, faster, as-is)"].hi < 0


def test_a_difference_is_that_of_the_values_beside_it_though_arms_have_other_numbers_of_days(execute):
    arms = [{"name": f"of-{days}", "parameters": {"service": 0.8, "days": days}} for days in (7, 20, 12)]
    summary = execute(small(arms=arms, targets={}), name="unequal")
    found = store_table.lines(json.loads((execute.folder / "unequal" / "tills" / "summary.json").read_text()))
    assert [line.days for line in found] == [7, 20, 12]
    assert len({line.base for line in found}) == 3
    for line in found:
        assert line.other - line.base == pytest.approx(line.difference, abs=1e-12)
        written = store_table.cells(line)
        shown = [float(written[key]) for key in ("Base", "Other", "Difference")]
        last = 10.0 ** -len(written["Difference"].partition(".")[2])
        assert shown[1] - shown[0] == pytest.approx(shown[2], abs=1.01 * last)
    alone = next(one for one in summary.arms if one.name == "wait_s(as-is)")
    assert (alone.n, alone.value) == (20, pytest.approx(found[1].base))


def test_targets_are_met_or_missed_by_the_figure_they_name(finished):
    met, missed = finished[0].targets
    assert (met.met, missed.met) == (True, False)


def test_the_same_scenario_again_executes_nothing(execute, finished):
    first, folder = finished
    times = [path.stat().st_mtime_ns for path in sorted(folder.glob("*/run.json"))]
    assert execute(small()).rows == first.rows
    assert times == [path.stat().st_mtime_ns for path in sorted(folder.glob("*/run.json"))]


def test_a_refused_arm_is_told_with_its_reason_and_the_others_stay(execute):
    switch = execute.folder / "refuse-faster"
    switch.touch()
    summary = execute(small(), name="refused")
    (failure,) = summary.failures
    assert (failure["arm"], failure["refused"]) == ("faster", True)
    assert failure["message"].startswith("the shop is closed")
    assert summary.targets[0].met is None
    assert [row["missing_runs"] for row in summary.rows] == [1, 0]
    switch.unlink()
    assert not execute(small(), name="refused", retry_failed=True).failures


def test_a_sweep_gives_each_point_its_own_figures(execute):
    summary = execute(small(sweep={"seed": [1, 2]}), name="swept")
    found = [one for one in summary.differences if one.name == "difference(wait_s, faster, as-is)"]
    assert [one.provenance["sweep"] for one in found] == [{"seed": 1}, {"seed": 2}]
    assert found[0].value != found[1].value
    assert len(summary.targets) == 4


def test_one_job_and_two_jobs_give_the_same_table(execute, finished):
    two = execute(small(), name="two", jobs=2)
    assert repr([result.record() for result in two.results()]) == repr([one.record() for one in finished[0].results()])


def test_labels_titles_targets_and_other_arms_do_not_change_a_run(execute):
    ids = [spec.run_id for spec in specs_of(small())]
    raw = toml_table(scenario_text(small()), "tills")
    raw |= {"title": "other", "targets": {}, "arms": [{**raw["arms"][0], "label": "other"}]}
    assert [spec.run_id for spec in specs_of(validate(raw, source="tills"))] == ids[:1]
    for change in ({"shoppers": 100}, {"seed": 5}, {"plan": "elsewhere"}, {"days": {"most": 16}}):
        assert not set(ids) & {spec.run_id for spec in specs_of(small(**change))}


def test_a_scenario_reads_back_as_itself_with_its_kind():
    text = scenario_text(small())
    assert 'kind = "store"' in text
    assert validate(toml_table(text, "tills"), source="tills") == small()


def test_runs_are_listed_compared_and_exported_like_any_others(finished, tmp_path):
    store = RunStore(finished[1].parent)
    first, second = store.records("tills")
    assert set(store.metrics()["unit"]) == {"s"}
    comparison = compare(store, first, second)
    assert "arm.name" in comparison.settings
    assert len(comparison.figures) == 8
    parcel = export_runs(store, first["run_id"], tmp_path / "parcel")
    again = load_scenario(parcel / "scenario.toml")
    assert [spec.run_id for spec in specs_of(again)] == [first["run_id"]]


def test_a_report_says_that_it_is_about_a_store_and_what_the_arms_changed(finished):
    report = build_report(finished[1].parent, "tills", regimes=["pure"])
    assert report.summary.setting.startswith("A simulation of a store")
    assert report.counted == "Days"
    known = {(one.arm, one.name): one for one in report.figures}
    faster = known["faster", "difference(wait_s, faster, as-is)"]
    assert faster.value.proof is not None
    assert faster.lo.value <= faster.value.value <= faster.hi.value < 0
    assert "wait_s less that of as-is" in report.charts[0].title
    assert [point[0] for point in report.charts[0].points] == ["faster", "same"]
    assert list(strangers(report.document(), {})) == []  # every proof is about the line that it stands beside


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "shop"}, r"kind = 'shop' must be 'recommendation' or 'store'"),
        ({"shoppers": 0}, r"shoppers = 0 must be greater"),
        ({"shopers": 3}, r"unknown key shopers; did you mean shoppers"),
        ({"arms": [{"name": "as-is"}]}, r"'as-is' appears twice"),
        ({"arms": [{"name": "a", "epsilon": 1.0}]}, r"arm a: map = None and epsilon = 1.0"),
        ({"arms": [{"name": "a", "check": "little"}]}, r"arm a: check is not read by method = 'compare'"),
        ({"method": "validation"}, r"arm faster: parameters is not read"),
        ({"method": "validation", "arms": [{"name": "a"}], "targets": {}}, r"arm a: check is missing"),
        ({"method": "heat_map", "arms": [{"name": "a"}], "targets": {}}, r"arm as-is: map is missing"),
        ({"arms": [{"name": "a", "till_mix": {"robot": 1}}]}, r"till_mix.*robot.*must be 'lane'"),
        ({"arms": [{"name": "a", "parameters": {"x": float("nan")}}]}, r"must be a finite number"),
        ({"days": {"block": 8, "most": 4}}, r"days\.most = 4 is less than days\.block = 8"),
        ({"demand": {"source": "folder"}}, r"demand\.path is missing"),
        ({"demand": {"path": "x"}}, r"remove it"),
        ({"targets": {"wait_s(nobody)": "< 1"}}, r"names arm 'nobody'"),
        ({"sweep": {"seed": []}}, r"sweep\.seed lists no value"),
        ({"sweep": {"kind": ["store"]}}, r"sweep\.kind cannot vary"),
        ({"split": {"origins": 2}}, r"unknown key split"),
    ],
)
def test_bad_input_is_one_line_that_names_the_key(change, message):
    with pytest.raises(ConfigError, match=message) as caught:
        specs_of(small(**change))
    assert "\n" not in str(caught.value)
