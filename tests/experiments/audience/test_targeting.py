"""Trials with known truth, and how the arms of `targeting` do on them."""

import numpy as np
import pytest

from experiments.audience import targeting_figures, trial
from experiments.audience.kind import AUDIENCE
from experiments.audience.run import run_audience
from experiments.audience.spec import expand_audience
from experiments.audience.summary import summarise_audience
from experiments.audience.targeting import TARGETING
from experiments.audience.targeting_figures import figures_of, measure
from experiments.audience.targeting_run import Plan
from experiments.audience.trial import TrialSettings, listed_merchants
from experiments.runs import RunStore
from experiments.scenario import DataSettings, PartitionSettings
from experiments.scenario_file import load_scenario, validate
from experiments.worker import execute
from matching.uplift import gained_per_1000
from retail.complete_journey_stores import MEMBER_STORES
from retail.errors import ConfigError, DataError

FEW = MEMBER_STORES[:12]
DATA = DataSettings()


def draw(seed=0, **settings):
    return trial.trial(DATA, FEW, TrialSettings(**settings), seed)


def scenario(*arms, **options):
    return validate(
        {
            "kind": "audience",
            "name": "small",
            "method": "targeting",
            "draws": 50,
            "partition": {"by": "home_store", "merchants": list(FEW)},
            "federation": {"rounds": 2},
            "options": {"trials": 2, "copies": 3, "caution": 300.0, **options},
            "arms": [{"name": one["model"], **one} for one in arms],
        },
        source="test",
    )


def outcome(tmp_path, *arms, **options):
    made = scenario(*arms, **options)
    specs = expand_audience(made, code_version="v", fingerprint=lambda one: "same")
    store = RunStore.open(tmp_path)
    for spec in specs:
        status = execute(store, spec, run_audience, retry=False, report=lambda text: None).status
        assert status == "finished", store.failure(spec)
    return summarise_audience(made, specs, store), store, specs


def test_a_trial_is_the_same_for_one_seed_and_no_household_is_on_both_sides():
    one, again, other = draw(), draw(), draw(seed=1)
    assert np.array_equal(one.people.responded, again.people.responded)
    assert np.array_equal(one.new_uplift, again.new_uplift)
    assert not np.array_equal(one.new_features[:50], other.new_features[:50])
    plain = draw(copies=1, size_spread=0.0)
    originals = {tuple(row) for row in plain.people.features.round(9)}
    found, features = trial.household_features(DATA, FEW, TrialSettings().now)
    assert originals < {tuple(row) for row in features.round(9)}
    assert len(originals) < 0.8 * len(found)


def test_merchants_differ_in_size_and_keep_it():
    one, other = draw(), draw(seed=5)
    assert np.array_equal(one.sizes, other.sizes)
    assert one.sizes.max() > 5 * one.sizes.min()
    assert one.sizes.sum() == len(one.people)


def test_people_respond_as_the_truth_says():
    made = draw(copies=200, size_spread=0.0)
    sent = made.people.advertised
    assert sent.mean() == pytest.approx(0.5, abs=0.01)
    effect = made.people.responded[sent].mean() - made.people.responded[~sent].mean()
    assert made.people.responded[~sent].mean() == pytest.approx(0.1, abs=0.02)
    # 50,000 people: the standard error of the effect is .003; those of the trial are other households.
    assert effect == pytest.approx(made.new_uplift.mean(), abs=0.02)
    assert made.new_uplift.std() == pytest.approx(0.038, rel=0.35)


def test_the_truth_gains_most_and_chance_gains_the_mean():
    made = draw()
    best = measure(made, lambda place, x: made.new_uplift[made.new_merchant == place], share=0.2)
    chance = measure(made, lambda place, x: np.zeros(len(x)), share=0.2)
    means = [1000 * made.new_uplift[made.new_merchant == place].mean() for place in range(len(FEW))]
    assert chance.gained == pytest.approx(means)
    assert best.short == pytest.approx(np.zeros(len(FEW)))
    assert chance.area == pytest.approx(np.zeros(len(FEW)), abs=1e-9)
    assert all(a > b for a, b in zip(best.gained, chance.gained, strict=True))


def test_who_comes_second_chooses_from_those_who_are_left():
    made = draw()
    score = lambda place, x: made.new_uplift[made.new_merchant == place]  # noqa: E731
    found = measure(made, score, share=0.2, platform_first=True)
    uplift = np.sort(made.new_uplift[made.new_merchant == 0])[::-1]
    count = round(0.2 * len(uplift))
    assert found.platform[0] == pytest.approx(1000 * uplift[:count].mean())
    assert found.gained[0] == pytest.approx(1000 * uplift[count : 2 * count].mean())


def test_the_gap_is_what_small_merchants_lack_more_of():
    found = targeting_figures.Found(
        gained=[1.0, 2, 3, 4], short=[8.0, 6, 1, 3], area=[1.0] * 4, best=[2.0] * 4, wasted=[0.0] * 4
    )
    figures = {one.name: one for one in figures_of([found, found], [np.array([5, 10, 40, 20])] * 2, 200)}
    assert figures["gained"].value == pytest.approx(2.5)
    assert figures["qini"].value == pytest.approx(0.5)
    assert figures["gap"].value == pytest.approx(7 - 2)
    lo, hi = figures["gap"].interval()
    assert lo > 0
    assert figures["gap_beyond"].value == pytest.approx(lo)
    assert hi >= 5


def test_arms_are_compared_on_the_same_trials(tmp_path):
    arms = [
        {"model": "random"},
        {"model": "isolated"},
        {"model": "federated"},
        {"model": "pooled"},
        {"model": "oracle"},
    ]
    summary, _, _ = outcome(tmp_path, *arms, copies=12)
    row = {one["arm"]: one for one in summary.rows}
    assert row["random"]["qini"] == pytest.approx(0)
    assert row["oracle"]["qini"] == pytest.approx(1)
    assert row["federated"]["gained"] == pytest.approx(row["pooled"]["gained"], abs=1e-6)
    order = [row[name]["gained"] for name in ("random", "isolated", "federated", "oracle")]
    assert order == sorted(order)
    difference = next(one for one in summary.differences if one.name == "difference(gained, oracle, random)")
    assert difference.lo > 0


def test_a_private_arm_pays_for_each_trial_and_says_whom_it_protects(tmp_path):
    summary, store, specs = outcome(tmp_path, {"model": "federated", "epsilon": 1.0})
    row = summary.rows[0]
    assert 0.8 < row["epsilon_pld"] <= row["epsilon_spent"] <= 1.0
    assert row["privacy_unit"].startswith("One person of one trial")
    from privacy.log import Log

    log = Log.open(store.directory(specs[0]) / "artifacts" / "ledger.sqlite", origin=None, key=None)
    charged = [one.body for one in log.entries("round")]
    assert {one["dataset"] for one in charged} == {"trial 0 of small", "trial 1 of small"}
    assert len(charged) == 2 * 2
    assert {one.body["purpose"] for one in log.entries("access")} == {"personalisation"}


def test_settings_are_chosen_on_other_trials_and_named(tmp_path, monkeypatch):
    from experiments.audience import targeting_run

    seen = []
    real = targeting_run.trial
    monkeypatch.setattr(targeting_run, "trial", lambda data, m, s, seed: seen.append(seed) or real(data, m, s, seed))
    made = scenario({"model": "pooled"})
    spec = expand_audience(made, code_version="v", fingerprint=lambda one: "")[0]
    best = targeting_run._best_caution(spec, Plan.read(spec), FEW)
    assert best in targeting_run._CAUTIONS
    assert min(seen) >= 1_000_000


@pytest.mark.parametrize(
    ("arm", "options", "why"),
    [
        ({"model": "isolated", "epsilon": 1.0}, {}, "only federated has one"),
        ({"model": "federated", "regime": "pooled"}, {}, "has its own"),
        ({"model": "federated"}, {"copies": 0}, "at least 1 copy"),
        ({"model": "federated"}, {"copies": 1.5}, "write a number such as 8"),
        ({"model": "federated"}, {"own": 0.6, "curved": 0.6}, "add up"),
        ({"model": "federated"}, {"trials": 1}, "at least 2"),
        ({"model": "federated"}, {"share": 1.5}, "between 0 and 1"),
        ({"model": "federated"}, {"learner": "propensity"}, "likely"),
        ({"model": "federated"}, {"lerner": "t"}, "options.lerner is unknown; choose from trials"),
        ({"model": "guess"}, {}, "is none of method"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_run(tmp_path, arm, options, why):
    made = scenario(arm, **options)
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(made, tmp_path)


def test_an_epsilon_of_nothing_and_noise_without_one_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="epsilon"):
        scenario({"model": "federated", "epsilon": 0.0})
    with pytest.raises(ConfigError, match="lacks epsilon"):
        scenario({"model": "federated", "noise": "every_node"})
    with pytest.raises(ConfigError, match="does not buy one"):
        AUDIENCE.check(scenario({"model": "federated", "epsilon": 1e-300}), tmp_path)


def test_merchants_without_two_households_are_said():
    with pytest.raises(DataError, match="before day 1"):
        trial.trial(DATA, FEW, TrialSettings(now=1), 0)
    assert listed_merchants(DATA, PartitionSettings(merchants="members")) == MEMBER_STORES


def test_the_bundled_scenario_can_be_run():
    made = load_scenario("targeting", ())
    AUDIENCE.check(made, None)
    assert {arm.model for arm in made.arms} == set(TARGETING.models)


def test_gain_of_one_share_is_the_mean_of_the_best():
    assert gained_per_1000(np.array([3.0, 2, 1, 0, -1]), np.arange(5.0), share=0.4) == pytest.approx(500)
