from collections import Counter

import pytest

from experiments.scenario_file import bundled_scenarios, load_scenario
from experiments.store.figures import row, table
from experiments.store.inputs import arm_layout, arm_plan, fingerprint, mixed_tills
from experiments.store.scenario import StoreArm, StoreScenario
from experiments.store.scenario import TillKind as OurTillKind
from experiments.targets import Target
from retail.errors import ConfigError
from simulation.store.members import figure_of, member_names
from simulation.store.plan import load_plan
from simulation.store.plan.kinds import TillKind

PLAN = load_plan("convenience")


def test_the_kinds_of_tills_are_spelled_as_in_plans():
    assert OurTillKind == TillKind


def test_another_mix_of_tills_stands_in_the_same_places():
    many = len(PLAN.tills)
    changed = mixed_tills(PLAN, {"tray": many})
    assert [one.till for one in changed.tills] == ["tray"] * many
    assert [(one.x, one.y) for one in changed.tills] == [(one.x, one.y) for one in PLAN.tills]
    kinds = Counter(one.till for one in PLAN.tills)
    assert Counter(one.till for one in mixed_tills(PLAN, kinds).tills) == kinds


def test_a_mix_that_does_not_add_up_says_how_many_tills_there_are():
    with pytest.raises(ConfigError, match=rf"till_mix has 99 tills and plan .* has {len(PLAN.tills)}"):
        mixed_tills(PLAN, {"lane": 99})


def test_an_arm_without_changes_is_the_plan_itself():
    layout = arm_layout(PLAN, StoreArm(name="same"))
    assert layout.plan == PLAN
    assert (dict(layout.parameters), layout.change) == ({}, None)


def test_an_arm_has_its_edits_parameters_and_consent():
    arm = StoreArm(
        name="all", edits=({"swap": ["dairy", "bakery"]},), parameters={"till_item_s": 2.0},
        targeting={"policy": "random", "consent_rate": 0.3},
    )  # fmt: skip
    layout = arm_layout(PLAN, arm)
    assert layout.plan != PLAN
    assert dict(layout.parameters) == {"till_item_s": 2.0, "consent_rate": 0.3}
    assert layout.change is not None
    assert arm_plan(layout.plan, StoreArm(name="back", edits=({"swap": ["bakery", "dairy"]},))) == PLAN


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ({"edits": [{"swap": ["dairy", "nothing"]}]}, "arm a: .*'nothing'"),
        ({"edits": [{"sweep": 1}]}, "arm a: .*'sweep' is no edit; did you mean { swap"),
        ({"till_mix": {"lane": 99}}, "arm a: till_mix has 99 tills"),
        ({"parameters": {"speed": 1.0}}, "arm a: no such store parameter: speed"),
        ({"parameters": {"walk_speed": -1.0}}, "arm a: walk_speed = -1.0"),
    ],
)
def test_an_arm_that_cannot_run_is_refused_before_anything_runs(arm, message):
    scenario = StoreScenario.model_validate({"name": "s", "plan": "convenience", "arms": [{"name": "a", **arm}]})
    with pytest.raises(ConfigError, match=message) as caught:
        fingerprint(scenario)
    assert "\n" not in str(caught.value)


def test_the_fingerprint_is_that_of_the_plans_content(tmp_path):
    from simulation.store.plan import plan_text

    path = tmp_path / "mine.toml"
    path.write_text(plan_text(PLAN), encoding="utf-8")
    one, two = (
        StoreScenario.model_validate({"name": "s", "plan": plan, "arms": [{"name": "a"}]})
        for plan in ("convenience", str(path))
    )
    assert fingerprint(one) == fingerprint(two)
    path.write_text(plan_text(load_plan("corner-shop")), encoding="utf-8")
    assert fingerprint(one) != fingerprint(two)


def test_every_bundled_store_scenario_can_run():
    found = [load_scenario(name) for name in bundled_scenarios() if name.startswith("store")]
    assert {one.method for one in found} == {"compare", "checkout", "heat_map", "search", "validation"}
    for scenario in found:
        assert len(fingerprint(scenario)) == 16


def test_a_figure_of_a_display_or_zone_can_stand_in_a_target():
    (name,) = member_names(["back wall, east (2)"])
    found = row(figure_of("dwell_s", name), "moved", 1.0, statistic="difference", reference="as-is")
    assert found["name"] == "difference(dwell_s.back-wall-east-2, moved, as-is)"
    assert Target.parse(found["name"], "< 1").name == found["name"]


def test_a_table_of_no_rows_has_all_columns():
    assert list(table([]).columns)[:6] == ["name", "value", "lo", "hi", "unit", "n"]
