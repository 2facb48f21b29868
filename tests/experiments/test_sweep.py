import copy
import pickle
import random

import pytest

from experiments.provenance import code_version
from experiments.scenario_file import load_scenario, validate
from experiments.sweep import expand
from experiments.windows import check_windows
from retail.errors import ConfigError


def runs(scenario, code="c", data="d"):
    return expand(scenario, code_version=code, data_fingerprint=lambda settings: data)


def ids(scenario, **versions):
    return [spec.run_id for spec in runs(scenario, **versions)]


def shuffled(value):
    if isinstance(value, dict):
        keys = list(value)
        random.Random(1).shuffle(keys)
        return {key: shuffled(value[key]) for key in keys}
    return value


def test_runs_are_arms_times_origins_times_seeds_times_sweep_points():
    scenario = load_scenario("demo", ["seeds=[0, 1, 2]", "sweep.federation.rounds=[5, 10]"])
    found = runs(scenario)
    assert len(found) == len(scenario.arms) * scenario.split.origins * 3 * 2
    assert len(set(ids(scenario))) == len(found)
    assert {spec.federation.rounds for spec in found} == {5, 10}
    assert all(spec.sweep == {"federation.rounds": spec.federation.rounds} for spec in found)


def test_the_order_of_keys_does_not_change_a_run_id():
    raw = load_scenario("demo", ["options.a=1", "options.b={x=1,y=2}"]).model_dump(exclude_none=True)
    again = validate(shuffled(copy.deepcopy(raw)), source="s")
    assert ids(again) == ids(validate(raw, source="s"))


@pytest.mark.parametrize("override", ["title=other", "description=other", "arms.ials.label=other", "targets={}"])
def test_what_cannot_change_an_outcome_does_not_change_run_ids(override):
    assert ids(load_scenario("demo", [override])) == ids(load_scenario("demo"))


@pytest.mark.parametrize(
    "override", ["federation.rounds=7", "privacy.delta=1e-6", "options.x=1", "data.data_seed=3", "split.step_days=7"]
)
def test_what_may_change_an_outcome_changes_every_run_id(override):
    assert not set(ids(load_scenario("demo", [override]))) & set(ids(load_scenario("demo")))


def test_code_and_data_are_part_of_the_run_id():
    scenario = load_scenario("demo")
    assert not set(ids(scenario)) & set(ids(scenario, code="other"))
    assert not set(ids(scenario)) & set(ids(scenario, data="other"))


def test_one_arm_changed_leaves_the_others_alone():
    changed = load_scenario("demo", ["arms.federated-dp-4.epsilon=5"])
    different = {
        spec.arm.name for spec, old in zip(runs(changed), runs(load_scenario("demo")), strict=True)
        if spec.run_id != old.run_id
    }  # fmt: skip
    assert different == {"federated-dp-4"}


def test_a_swept_run_equals_the_same_run_without_a_sweep():
    swept = load_scenario("demo", ["sweep.federation.rounds=[7]"])
    assert ids(swept) == ids(load_scenario("demo", ["federation.rounds=7"]))


def test_options_of_an_arm_win_over_those_of_the_scenario():
    scenario = load_scenario("demo", ["options={a=1, b=1}", "arms.ials.options={b=2}"])
    options = {spec.arm.name: spec.options for spec in runs(scenario)}
    assert options["ials"] == {"a": 1, "b": 2}
    assert options["popularity"] == {"a": 1, "b": 1}


def test_specs_travel_to_another_process_unchanged():
    spec = runs(load_scenario("demo"))[0]
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sweep.federation.rounds=[5, 0]", r"federation\.rounds = 0 must be greater"),
        ("sweep.federation.round=[5]", r"did you mean federation\.rounds"),
        ("sweep.seeds=[[0], [1]]", r"sweep\.seeds cannot vary"),
        ("sweep.arms.nobody.epsilon=[1]", r"arms has no 'nobody'"),
    ],
)
def test_a_bad_sweep_is_refused_before_anything_runs(override, message):
    with pytest.raises(ConfigError, match=message):
        runs(load_scenario("demo", [override]))


@pytest.mark.parametrize(
    "override", ["split.origins=12", "split.window_days=200", "sweep.split.history_days=[84, 400]"]
)
def test_windows_longer_than_the_data_are_refused_before_anything_runs(override):
    with pytest.raises(ConfigError, match=r"demo: split: .*need \d+ days"):
        check_windows(load_scenario("demo", [override]))


def test_the_demo_fits_its_data():
    check_windows(load_scenario("demo"))


def test_the_source_of_a_users_own_task_enters_the_code_version(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "own_task_for_version.py"
    module.write_text("class Mine: pass\n")
    before = code_version("own_task_for_version:Mine")
    module.write_text("class Mine: better = True\n")
    code_version.cache_clear()
    assert code_version("own_task_for_version:Mine") != before


def test_a_task_that_cannot_be_found_is_refused():
    with pytest.raises(ConfigError, match="cannot find module 'no_such_module'"):
        code_version("no_such_module:Mine")
