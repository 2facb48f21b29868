"""The scenario about the number of people: what it compares, how its runs share drawings, and a small one."""

import pytest

from apps.command.tables import print_summary
from experiments.execute import expand_scenario, run_scenario
from experiments.faces.arms import face_source
from experiments.scenario_file import load_scenario, scenario_table, validate

pytestmark = pytest.mark.slow  # its runs take long

CONTROL = "drawings"
SMALL = {"drawn_people": 8, "drawn_images": 3, "drawn_steps": 2}


@pytest.fixture(scope="module")
def bundled():
    return load_scenario("faces-people")


@pytest.fixture(scope="module")
def done(bundled, tmp_path_factory):
    """The control and two arms, one of them trained, with 16 and 32 people and weights that hardly learned anything."""
    table = scenario_table(bundled)
    table |= {"name": "few-people", "seeds": [0], "sweep": {"data.people": [32, 16]}, "targets": {}}
    table["options"] |= {**SMALL, "moments": 8}
    table["arms"] = [arm for arm in table["arms"] if arm["name"] in (CONTROL, "spread-8", "trained-8")]
    made = validate(table, source="few-people")
    return run_scenario(made, store=tmp_path_factory.mktemp("people"), jobs=1).document()


def test_every_number_of_people_has_the_control_that_sees_nobody_and_exact_arms_beside_private_ones(bundled):
    specs = expand_scenario(bundled)
    sizes = {spec.sweep["data.people"] for spec in specs}
    assert len(sizes) >= 4
    for size in sizes:
        arms = {spec.arm.name: spec.arm for spec in specs if spec.sweep["data.people"] == size}
        assert arms[CONTROL].method == "untrained"
        assert {arm.epsilon for arm in arms.values()} == {None, 1.0, 8.0}
        assert [arm.epsilon for arm in arms.values() if arm.name.endswith("exact")] == [None, None]


def test_everybody_is_seen_by_the_cheap_camera_and_three_quarters_are_learned_from(bundled):
    assert (bundled.data.camera, bundled.data.images, bundled.tested) == ("door", 4, (0,))
    spec = expand_scenario(bundled)[0]
    source = face_source(spec)
    assert source.members == 3 * source.everybody // 4


def test_all_runs_over_the_same_drawn_people_go_to_one_worker_and_other_data_are_parted_by_seed(bundled):
    specs = expand_scenario(bundled)
    assert len({spec.group for spec in specs}) == len({spec.sweep["data.people"] for spec in specs})
    others = expand_scenario(load_scenario("faces-door"))
    assert len({spec.group for spec in others}) == len({spec.seed for spec in others}) > 1


def test_a_small_version_measures_every_arm_at_every_number_of_people_against_the_control(done):
    assert not done["failures"]
    assert not done["unfinished"]
    arms = {row["arm"] for row in done["rows"]}
    cells = {(row["arm"], row["sweep"]["data.people"]) for row in done["rows"]}
    assert cells == {(arm, people) for arm in arms for people in (16, 32)}
    against = {
        (one["name"], one["provenance"]["sweep"]["data.people"])
        for one in done["differences"]
        if one["name"].startswith("difference(eer,") and one["lo"] <= one["value"] <= one["hi"]
    }
    assert against == {
        (f"difference(eer, {arm}, {CONTROL})", people) for arm in arms - {CONTROL} for people in (16, 32)
    }


def test_the_command_prints_rates_and_gains_by_the_number_of_people(done, capsys):
    print_summary(done)
    lines = capsys.readouterr().out.splitlines()
    heads = [place for place, line in enumerate(lines) if "16 people" in line and "32 people" in line]
    assert len(heads) == 2
    assert all(lines[place].index("16 people") < lines[place].index("32 people") for place in heads)
    labels = {row["arm"]: row["label"] for row in done["rows"]}
    assert any(labels[CONTROL] in line for line in lines[heads[0] : heads[1]])
    assert not any(labels[CONTROL] in line for line in lines[heads[1] :])
