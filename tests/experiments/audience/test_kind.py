"""The spine of audience scenarios, with a small method of the test's own."""

import numpy as np
import pytest

from apps.command.tables import print_summary
from experiments.audience import methods
from experiments.audience.kind import AUDIENCE
from experiments.audience.measured import Figure, Measured
from experiments.audience.methods import FigureText, Method
from experiments.audience.run import run_audience
from experiments.audience.spec import expand_audience
from experiments.audience.summary import summarise_audience
from experiments.documents import write_bytes
from experiments.export import export_runs
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario, scenario_text, validate
from experiments.worker import execute
from retail.errors import ConfigError, DataError

PEOPLE = 200
SCENARIO = {
    "kind": "audience",
    "name": "small",
    "method": "coins",
    "arms": [
        {"name": "fair", "label": "A fair coin", "model": "coin"},
        {"name": "better", "label": "A better coin", "model": "coin", "options": {"gain": 0.2}},
        {"name": "other-draws", "model": "coin", "options": {"gain": 0.2, "stream": 1}},
    ],
    "targets": {"difference(heads, better, fair)": ">= .1", "heads(fair)": "< .1"},
}


def _no_check(spec):
    if "gain" in spec.options and not isinstance(spec.options["gain"], float):
        raise ConfigError(f"options.gain = {spec.options['gain']!r} is no number; write one")


def _throw(spec, directory, progress):
    """Throw a coin for each person: every arm sees the same people, who are drawn anew alike where the stream is."""
    stream = spec.options.get("stream", 0)
    people = np.random.default_rng(0).random(PEOPLE)
    heads = (people < 0.5 + spec.options.get("gain", 0.0)).astype(float)
    drawn = np.random.default_rng(stream).integers(PEOPLE, size=(spec.settings.draws, PEOPLE))
    figures = (
        Figure("heads", float(heads.mean()), PEOPLE, redrawn=heads[drawn].mean(axis=1)),
        Figure("error", 0.5, PEOPLE, unit="money", ends=(0.4, 0.6)),
    )
    said = ["the gain was given, nothing was chosen"]
    return Measured(figures, draws=f"people, stream {stream}", info={"said": said, "consumers": PEOPLE})


COINS = Method(
    models={"coin": "throws a coin"},
    figures={
        "heads": FigureText("share of\nheads", "1", "how often heads came up"),
        "error": FigureText("error", "money", "a figure with ends of its own"),
    },
    columns=("heads",),
    compared=("heads",),
    check=_no_check,
    fingerprint=lambda scenario: "coins",
    run=_throw,
    notes=("Coins are thrown, not bought.",),
)


@pytest.fixture(autouse=True)
def _coins(monkeypatch):
    known = {**methods.METHODS, "coins": "tests:COINS"}
    monkeypatch.setattr("experiments.audience.scenario.METHODS", known)
    for module in ("experiments.audience.run", "experiments.audience.methods", "apps.command.audience_summary"):
        monkeypatch.setattr(f"{module}.method_of", lambda name: COINS)


def _summary(tmp_path, **changes):
    scenario = validate({**SCENARIO, **changes}, source="test")
    specs = expand_audience(scenario, code_version="v", fingerprint=lambda one: "coins")
    store = RunStore.open(tmp_path)
    for spec in specs:
        assert execute(store, spec, run_audience, retry=False, report=lambda text: None).status == "finished"
    return summarise_audience(scenario, specs, store)


def test_arms_drawn_alike_are_compared_draw_by_draw_and_others_get_no_interval(tmp_path):
    rows = {one.name: one for one in _summary(tmp_path).results()}
    paired, apart = rows["difference(heads, better, fair)"], rows["difference(heads, other-draws, fair)"]
    # Every person who shows heads with the fair coin does so with the better one: no draw can turn the sign.
    assert paired.lo > 0
    assert paired.lo <= paired.value <= paired.hi
    assert apart.value == pytest.approx(paired.value)
    assert np.isnan(apart.lo)
    # Unpaired, the interval would be wider than either figure's own.
    assert paired.hi - paired.lo < rows["heads(fair)"].hi - rows["heads(fair)"].lo


def test_a_figure_keeps_ends_that_its_method_gave(tmp_path):
    rows = {one.name: one for one in _summary(tmp_path).results()}
    assert (rows["error(fair)"].lo, rows["error(fair)"].hi, rows["error(fair)"].unit) == (0.4, 0.6, "money")


def test_targets_are_held_against_what_was_measured(tmp_path):
    met = {one.name: one.met for one in _summary(tmp_path).targets}
    assert met == {"difference(heads, better, fair)": True, "heads(fair)": False}


def test_the_table_shows_figures_differences_choices_and_notes(tmp_path, capsys):
    print_summary(_summary(tmp_path).document())
    shown = capsys.readouterr().out
    for text in (
        "A better coin less A fair coin",
        "the gain was given, nothing was chosen",
        "Coins are thrown, not bought.",
        "share of heads: how often heads came up.",
        "met  difference(heads, better, fair)",
        "missed  heads(fair)",
    ):
        assert text in shown


def test_one_run_is_exported_without_the_arm_that_it_is_compared_with(tmp_path):
    scenario = validate({**SCENARIO, "reference": "fair"}, source="test")
    spec = expand_audience(scenario, code_version="v", fingerprint=lambda one: "coins")[1]
    store = RunStore.open(tmp_path / "runs")
    execute(store, spec, run_audience, retry=False, report=lambda text: None)
    write_bytes(store.root / "small" / "scenario.toml", scenario_text(scenario).encode())
    again = load_scenario(export_runs(store, spec.run_id, tmp_path / "parcel") / "scenario.toml")
    ids = [one.run_id for one in expand_audience(again, code_version="v", fingerprint=lambda one: "coins")]
    assert ids == [spec.run_id]


def test_editing_a_label_keeps_a_run_and_editing_an_option_does_not(tmp_path):
    def ids(**changes):
        scenario = validate({**SCENARIO, **changes}, source="test")
        return [one.run_id for one in expand_audience(scenario, code_version="v", fingerprint=lambda one: "coins")]

    renamed = [{**SCENARIO["arms"][0], "label": "Fair"}, *SCENARIO["arms"][1:]]
    assert ids(arms=renamed, title="Other") == ids()
    assert ids(options={"stream": 2})[0] != ids()[0]
    assert ids(seed=1)[0] != ids()[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "coin"}, "method = 'coin' is unknown; choose one of"),
        ({"reference": "none"}, "reference = 'none' is no arm; the arms are fair, better, other-draws"),
        ({"arms": [SCENARIO["arms"][0]] * 2}, "arms lists 'fair' twice"),
        ({"targets": {"heads(unfair)": "> 0"}}, "did you mean fair?"),
        ({"privacy": {"delta": 0.001}}, "is not below 1/population"),
        ({"arms": [{"name": "a", "model": "coin", "noise": "every_node"}], "targets": {}}, "lacks epsilon"),
        ({"options": {"gain": float("nan")}}, "is not a finite number"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(changes, said):
    with pytest.raises(ConfigError) as refused:
        validate({**SCENARIO, **changes}, source="test")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_model_or_option_that_the_method_lacks_is_refused_before_any_run(tmp_path):
    wrong = validate({**SCENARIO, "arms": [{"name": "a", "model": "die"}], "targets": {}}, source="test")
    with pytest.raises(ConfigError, match=r"small: arm a: model = 'die' is none of .*choose one of coin"):
        AUDIENCE.check(wrong, tmp_path)
    wrong = validate({**SCENARIO, "options": {"gain": "much"}}, source="test")
    with pytest.raises(ConfigError, match=r"arm fair: options\.gain = 'much' is no number"):
        AUDIENCE.check(wrong, tmp_path)


def test_figures_measured_twice_or_drawn_unequally_often_are_refused():
    one = Figure("heads", 0.5, 1, redrawn=np.zeros(30))
    with pytest.raises(DataError, match="measured twice"):
        Measured((one, one))
    with pytest.raises(DataError, match="redrawn"):
        Measured((one, Figure("tails", 0.5, 1, redrawn=np.zeros(31))))


def test_a_scenario_of_this_kind_reads_back_from_its_file(tmp_path):
    from experiments.scenario_file import scenario_text

    scenario = validate(SCENARIO, source="test")
    (tmp_path / "small.toml").write_text(scenario_text(scenario))
    assert load_scenario(tmp_path / "small.toml") == scenario
