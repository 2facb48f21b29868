import pytest

from experiments.execute import expand_scenario, kind_of
from experiments.scenario_file import scenario_text, toml_table, validate
from retail.errors import ConfigError

ARMS = [{"name": "alone", "method": "isolated"}, {"name": "together", "method": "federated"}]


def scenario(**changes):
    return validate({"kind": "faces", "name": "tiny", "arms": ARMS, **changes}, source="tiny")


def refusal(**changes):
    with pytest.raises(ConfigError) as caught:
        scenario(**changes)
    return str(caught.value)


def test_a_scenario_reads_back_as_the_same_from_its_own_text():
    made = scenario(
        data={"source": "drawn-faces", "people": 8}, seeds=[1, 2], targets={"gap_closed(together)": ">= .9"}
    )
    assert validate(toml_table(scenario_text(made), "x"), source="x") == made


def test_an_arm_runs_once_for_each_seed_and_fold_and_what_no_seed_changes_once_for_each_fold():
    made = scenario(seeds=[0, 1, 2], arms=[*ARMS, {"name": "lbp", "method": "lbp"}])
    specs = expand_scenario(made)
    assert len(specs) == made.runs_wanted == (3 + 3 + 1) * 4
    assert [spec.seed for spec in specs if spec.arm.name == "lbp"] == [0] * 4
    assert len({spec.run_id for spec in specs}) == len(specs)


def test_labels_and_places_name_no_run_and_options_do():
    def first(**changes):
        return expand_scenario(scenario(**changes))[0].run_id

    labelled = [{**ARMS[0], "label": "By itself"}, ARMS[1]]
    assert first(arms=labelled) == first()
    assert first(options={"rate": 0.002}) != first()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": {"err(together)": "< 1"}}, "err"),
        ({"targets": {"eer(togther)": "< 1"}}, "did you mean together"),
        ({"tested": [4]}, "fold 4"),
        ({"seeds": [1, 1]}, "twice"),
        ({"data": {"source": "drawn-faces"}}, "data.people is missing"),
        ({"data": {"people": 5}}, "drawn-faces"),
        ({"data": {"source": "face-folder"}}, "data.path is missing"),
        ({"arms": [{"name": "a", "method": "pooled", "epsilon": 1.0}]}, "only federated"),
        ({"arms": [{"name": "a", "method": "lbp", "options": {"rate": 0.1}}]}, "means nothing"),
        ({"arms": [{"name": "a", "method": "federatd"}]}, "did you mean federated"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_value(changes, words):
    assert words in refusal(**changes)


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ({"epsilon": 8.0}, "mixes people"),
        ({"options": {"learn": "nothing"}}, "shares nothing"),
        ({"options": {"rat": 0.1}}, "options.rat is unknown"),
    ],
)
def test_an_arm_that_cannot_keep_its_promise_is_refused_before_any_run(arm, words, tmp_path):
    made = scenario(arms=[{"name": "a", "method": "federated", **arm}])
    with pytest.raises(ConfigError, match=words):
        kind_of(made).check(made, tmp_path)
