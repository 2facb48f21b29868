"""What holds for a store run of any method."""

from experiments.execute import expand_scenario
from experiments.scenario_file import validate
from experiments.store.run import run_store

FAST_WALKERS = {
    "kind": "store",
    "name": "fast",
    "plan": "corner-shop",
    "shoppers": 50,
    "parameter_draws": 0,
    "days": {"block": 2, "most": 2},
    "arms": [{"name": "fast", "parameters": {"walk_speed": 9.0}}],
}


def test_a_value_outside_its_range_is_named_beside_every_figure(tmp_path):
    (tmp_path / "artifacts").mkdir()
    (spec,) = expand_scenario(validate(FAST_WALKERS, source="fast"))
    said = []
    result = run_store(spec, tmp_path, said.append)
    assert "walk_speed = 9 in fast (0.8 to 1.34 m/s)" in said[-1]
    assert result.metrics["note"].str.contains("walk_speed = 9 in fast").all()
    assert "walk_speed" in result.info["outside"]
