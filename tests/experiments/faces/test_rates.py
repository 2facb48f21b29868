import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.faces import rates as measured
from experiments.faces.rates import MOST_PEOPLE, REPLICATES, beside, mean_rates, rates
from matching.face.evaluate import verification
from retail.errors import DataError
from retail.faces import generated_faces


def cloud(people, images, *, spread, seed=0):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), images)
    return rng.standard_normal((people, 16))[who] + spread * rng.standard_normal((len(who), 16)), who


def test_people_who_lie_apart_are_told_apart_without_error_and_noise_at_chance():
    near, who = cloud(6, 5, spread=0.01)
    found = rates(near, who, fold=0)
    assert found.values["eer"] == found.values["fnir_fpir_1e-2"] == 0.0
    far = np.random.default_rng(1).standard_normal(near.shape)
    assert 0.3 < rates(far, who, fold=0).values["eer"] < 0.7


def test_the_equal_error_rate_is_that_of_the_evaluation_that_the_service_uses():
    vectors, who = cloud(8, 6, spread=1.2)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    report = verification(unit, who, rng=np.random.default_rng(0), resamples=2)
    found = rates(vectors, who, fold=0)
    assert found.values["eer"] == report.eer.value
    assert (found.people, found.mated, found.non_mated) == (8, report.mated, report.non_mated)


def test_a_rate_for_which_there_are_too_few_comparisons_is_not_given():
    vectors, who = cloud(6, 5, spread=1.0)  # 375 non-mated comparisons
    found = rates(vectors, who, fold=0)
    assert not np.isnan(found.values["fnmr_fmr_1e-2"])
    assert np.isnan(found.values["fnmr_fmr_1e-3"])


def test_the_same_people_are_drawn_for_every_encoder_so_that_differences_are_paired():
    vectors, who = cloud(6, 5, spread=1.0)
    worse = vectors + 0.5 * np.random.default_rng(3).standard_normal(vectors.shape)
    a, b = rates(vectors, who, fold=2), rates(worse, who, fold=2)
    assert len(a.replicates) == REPLICATES
    paired = np.var(a.replicates["eer"] - b.replicates["eer"])
    assert paired < np.var(a.replicates["eer"]) + np.var(b.replicates["eer"])
    assert rates(vectors, who, fold=2).replicates.equals(a.replicates)
    assert not rates(vectors, who, fold=3).replicates["eer"].equals(a.replicates["eer"])


@settings(max_examples=10)
@given(st.permutations(range(30)), st.floats(0.1, 100))
def test_neither_the_order_of_images_nor_their_lengths_change_a_one_to_one_rate(order, length):
    vectors, who = cloud(6, 5, spread=1.0)
    moved = rates(vectors[list(order)] * length, who[list(order)], fold=0, suffix="_door")
    assert moved.values["eer_door"] == pytest.approx(rates(vectors, who, fold=0, suffix="_door").values["eer_door"])


def test_means_over_merchants_and_another_camera_stand_beside_each_other():
    vectors, who = cloud(6, 5, spread=1.0)
    a, b = rates(vectors, who, fold=0), rates(vectors**3, who, fold=0)
    both = mean_rates([a, b])
    assert both.values["eer"] == pytest.approx((a.values["eer"] + b.values["eer"]) / 2)
    assert both.replicates["eer"].equals((a.replicates["eer"] + b.replicates["eer"]) / 2)
    door = beside(both, rates(vectors, who, fold=0, suffix="_door"))
    assert set(door.values) == set(door.replicates.columns) == set(both.values) | {"eer_door"}


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0])
def test_an_encoder_that_gives_no_numbers_is_refused(wrong):
    vectors, who = cloud(6, 5, spread=1.0)
    vectors[3] = wrong
    with pytest.raises(DataError, match="NaN, infinity or zero"):
        rates(vectors, who, fold=0)


def test_three_people_are_too_few_and_of_many_the_first_are_compared():
    vectors, who = cloud(3, 5, spread=1.0)
    with pytest.raises(DataError, match="at least 4"):
        rates(vectors, who, fold=0)
    many = generated_faces(MOST_PEOPLE + 2, 1, np.random.default_rng(0))
    assert measured.tested(many).names == many.names[:MOST_PEOPLE]
