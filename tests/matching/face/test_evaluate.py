import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from matching.face.evaluate import by_group, verification
from matching.face.open_set import by_gallery_size, identification
from matching.face.rates import Comparisons, RankedComparisons, all_pairs
from retail.errors import DataError


def made_up(people, each, *, spread=0.7, d=32, seed=0):
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.standard_normal((people, d)), each, axis=0)
    vectors = vectors + spread * rng.standard_normal(vectors.shape)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.repeat(np.arange(people), each)


def gaussian(mated, non_mated, shift, seed=0) -> Comparisons:
    rng = np.random.default_rng(seed)
    score = np.concatenate([rng.normal(shift, 1, mated), rng.normal(0, 1, non_mated)])
    return Comparisons(score, np.zeros(len(score), int), np.repeat([0, 1], [mated, non_mated]))


def test_error_rates_of_two_normal_distributions_are_those_of_the_closed_form():
    curve = RankedComparisons(gaussian(60_000, 60_000, 3.0)).curve()
    assert curve.eer == pytest.approx(stats.norm.cdf(-1.5), abs=0.003)
    expected = stats.norm.cdf(stats.norm.isf(1e-2) - 3.0)
    assert curve.fnmr_at(1e-2) == pytest.approx(expected, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=20),
    st.lists(st.integers(-3, 3), min_size=1, max_size=20),
)
def test_a_det_curve_counts_what_a_loop_counts(mated, non_mated):
    score = np.array([*mated, *non_mated], dtype=float)
    whose = np.repeat([0, 1], [len(mated), len(non_mated)])
    curve = RankedComparisons(Comparisons(score, np.zeros(len(score), int), whose)).curve()
    for level, fmr, fnmr in zip(curve.threshold, curve.fmr, curve.fnmr, strict=True):
        assert fmr == pytest.approx(np.mean([one >= level for one in non_mated]))
        assert fnmr == pytest.approx(np.mean([one < level for one in mated]))
    assert (np.diff(curve.fmr) >= 0).all()
    assert (np.diff(curve.fnmr) <= 0).all()
    assert min(curve.fmr.min(), curve.fnmr.min()) <= curve.eer <= max(curve.fmr.max(), curve.fnmr.max())


def test_a_person_with_weight_two_counts_as_two_people_who_are_never_compared_with_each_other():
    vectors, person = made_up(4, 3)
    pairs = all_pairs(vectors, person)
    weighted = RankedComparisons(pairs).curve(np.array([2.0, 1.0, 0.0, 1.0]))
    kept = (pairs.probe != 2) & (pairs.reference != 2)
    times = [
        (1 + (p == 0)) * (1 + (r == 0)) if p != r else 1 + (p == 0)
        for p, r in zip(pairs.probe[kept], pairs.reference[kept], strict=True)
    ]
    repeated = [np.repeat(column[kept], times) for column in (pairs.score, pairs.probe, pairs.reference)]
    assert weighted.eer == pytest.approx(RankedComparisons(Comparisons(*repeated)).curve().eer)


def test_intervals_over_people_hold_the_rate_of_the_population_about_as_often_as_they_say():
    truth = RankedComparisons(all_pairs(*made_up(160, 4, seed=99))).curve().eer
    inside = 0
    for seed in range(20):
        report = verification(*made_up(25, 4, seed=seed), rng=np.random.default_rng(seed), fmr=(), resamples=120)
        inside += report.eer.lo <= truth <= report.eer.hi
    assert inside >= 15  # 19 expected; below 15 has a chance under 1 in 300


def test_an_fmr_with_too_few_comparisons_is_left_out_and_named():
    report = verification(*made_up(6, 4), rng=np.random.default_rng(0), fmr=(1e-1, 1e-4), resamples=50)
    assert list(report.fnmr) == [1e-1]
    assert report.left_out == (1e-4,)
    assert (report.people, report.mated, report.non_mated) == (6, 36, 240)


def test_open_set_identification_counts_misses_and_wrong_names():
    vectors, person = made_up(30, 6, spread=0.5)
    first = np.arange(len(person)) % 6 == 0
    enrolled = person < 15
    report = identification(
        vectors[first & enrolled],
        person[first & enrolled],
        vectors[~first],
        person[~first],
        rng=np.random.default_rng(0),
        fpir=0.05,
        resamples=100,
    )
    assert (report.gallery, report.mated, report.non_mated) == (15, 75, 75)
    assert report.enough
    assert 0 <= report.fnir.lo <= report.fnir.value <= report.fnir.hi <= 1
    exact = identification(
        vectors[first & enrolled], person[first & enrolled], vectors, person, rng=np.random.default_rng(0), resamples=20
    )
    assert not exact.enough  # 90 probes of people not enrolled for 1%
    with pytest.raises(DataError, match="not enrolled"):
        identification(vectors[first], person[first], vectors, person, rng=np.random.default_rng(0))


def test_a_group_table_shows_counts_and_no_rate_where_nothing_was_compared():
    vectors, person = made_up(9, 4, spread=0.3)
    groups = {one: "a" for one in range(5)} | {one: "b" for one in range(5, 8)}
    rows = by_group(all_pairs(vectors, person), groups, threshold=0.5, rng=np.random.default_rng(0))
    assert [(row.group, row.people, row.mated, row.non_mated) for row in rows] == [
        ("a", 5, 30, 160),
        ("b", 3, 18, 48),
        ("not given", 1, 6, 0),
        ("all", 9, 54, 576),
    ]
    assert rows[2].fmr is None
    assert all(row.fnmr is not None and row.fnmr.lo <= row.fnmr.value <= row.fnmr.hi for row in rows)


def test_comparisons_without_mates_or_with_nan_are_refused():
    vectors, _ = made_up(4, 1)
    with pytest.raises(DataError, match="0 mated"):
        all_pairs(vectors, [0, 1, 2, 3])
    with pytest.raises(DataError, match="NaN"):
        Comparisons(np.array([np.nan, 1.0]), np.array([0, 0]), np.array([0, 1]))


def test_more_people_enrolled_are_harder_to_tell_apart():
    vectors, person = made_up(40, 6, spread=1.0)
    found = by_gallery_size(vectors, person, sizes=[2, 20], rng=np.random.default_rng(0), fpir=0.05)
    assert 0 <= found[2].value < found[20].value <= 1
    with pytest.raises(DataError, match="sizes from 1 to 39"):
        by_gallery_size(vectors, person, sizes=[40], rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="no more than 6 images"):
        by_gallery_size(vectors, person, sizes=[2], photos=6, rng=np.random.default_rng(0))


def test_no_interval_of_a_group_bounds_less_than_its_people_allow():
    vectors, person = made_up(10, 10, spread=0.05)
    groups = {one: "a" for one in range(5)}
    rows = by_group(all_pairs(vectors, person), groups, threshold=0.6, rng=np.random.default_rng(0))
    for row in rows:
        assert row.fmr.value == row.fnmr.value == 0
        assert row.fmr.hi == row.fnmr.hi == 3 / row.people
