import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.embeddings import Embeddings
from matching.face.calibrate import calibrate_identification, calibrate_verification
from matching.face.calibration import Calibration
from matching.face.evaluate import threshold_at
from retail.errors import ConfigError, DataError


def made_up(people, each, *, spread=0.5, d=32, seed=0) -> tuple[Embeddings, list[int]]:
    rng = np.random.default_rng(seed)
    centre = np.repeat(rng.standard_normal((people, d)), each, axis=0)
    vectors = centre + spread * rng.standard_normal(centre.shape)
    return Embeddings.scaled(vectors, "model-1"), np.repeat(np.arange(people), each).tolist()


def rng():
    return np.random.default_rng(0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=60),
    st.lists(st.floats(0.001, 0.999), min_size=2, max_size=5),
)
def test_a_threshold_keeps_its_rate_and_a_stricter_target_never_lowers_it(scores, targets):
    scores = np.array(scores)
    levels = [threshold_at(scores, target) for target in sorted(targets, reverse=True)]
    assert levels == sorted(levels)
    for target, level in zip(sorted(targets, reverse=True), levels, strict=True):
        assert (scores >= level).mean() <= target + 1e-9
        below = scores[scores < level]
        if len(below):  # and no lower threshold would do
            assert (scores >= below.max()).mean() > target


def noisy(people, each, *, seed) -> tuple[Embeddings, list[int]]:
    """People differ in 16 directions, and noise of a picture is in 256: a mean of pictures is nearer to strangers."""
    rng = np.random.default_rng(seed)
    centre = np.repeat(rng.standard_normal((people, 16)) @ np.eye(16, 256), each, axis=0)
    vectors = centre + 0.3 * rng.standard_normal(centre.shape)
    return Embeddings.scaled(vectors, "model-1"), np.repeat(np.arange(people), each).tolist()


def picture_against_picture(embeddings, person, target) -> float:
    """The least threshold where strangers are compared without templates; too low for a till."""
    vectors, who = embeddings.vectors.astype(float), np.asarray(person)
    one, two = np.triu_indices(len(who), k=1)
    return threshold_at((vectors @ vectors.T)[one, two][who[one] != who[two]], target)


def rate_at_a_till(embeddings, person, level, *, pictures) -> float:
    """How often a probe matches another person's template of some pictures."""
    vectors, who = embeddings.vectors.astype(float), np.asarray(person)
    templates = np.stack([vectors[who == one][:pictures].mean(axis=0) for one in np.unique(who)])
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    return float((vectors @ templates.T >= level)[who[:, None] != np.unique(who)].mean())


@pytest.mark.parametrize("pictures", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_a_till_lets_about_the_target_of_wrong_faces_pass_on_other_people_with_templates_of_any_size(pictures):
    """Over several splits; a threshold of picture against picture lets more pass, so this test would see it."""
    target, splits = 1e-2, range(8)
    kept, old = [], []
    for split in splits:
        mine, others = noisy(60, 10, seed=split), noisy(120, 10, seed=1000 + split)
        made = calibrate_verification(*mine, source="made up", rng=np.random.default_rng(split), targets=[target])
        kept.append(rate_at_a_till(*others, made.threshold(target), pictures=pictures))
        old.append(rate_at_a_till(*others, picture_against_picture(*mine, target), pictures=pictures))
    assert np.mean(kept) <= 1.2 * target
    assert max(kept) <= 2.5 * target
    if pictures == 5:
        assert np.mean(kept) >= target / 4  # not so strict that it says nothing
        assert np.mean(old) > 1.8 * target


def test_on_the_people_themselves_the_target_holds_for_every_size_and_the_seed_decides_alone():
    mine = noisy(20, 10, seed=3)
    one, two = (
        calibrate_verification(*mine, source="made up", rng=np.random.default_rng(7)).thresholds for _ in range(2)
    )
    assert one == two
    level = dict(one)[1e-2]
    for pictures in (1, 3, 5, 10):
        assert rate_at_a_till(*mine, level, pictures=pictures) <= 1.1e-2


@pytest.mark.parametrize("gallery", [10, 60])
def test_strangers_match_a_gallery_about_as_often_as_the_target_says(gallery):
    """Directly for 10 of 40 people, by the union bound for 60 (which is the stricter of the two)."""
    target = 0.05
    rng = np.random.default_rng(2)
    found = calibrate_identification(
        *made_up(40, 12, spread=0.8), gallery=gallery, source="made up", rng=rng, targets=[target]
    )
    others, person = made_up(200, 12, spread=0.8, seed=3)
    vectors, who = others.vectors.astype(float), np.asarray(person)
    templates = np.stack([vectors[who == one].mean(axis=0) for one in range(gallery)])
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    top = (vectors[who >= gallery] @ templates.T).max(axis=1)
    rate = (top >= found.threshold(target)).mean()
    assert rate <= 2 * target
    if gallery == 10:
        assert rate >= target / 3


def test_too_few_comparisons_are_refused_with_the_number_needed():
    with pytest.raises(DataError, match=r"needs at least 30,000 non-mated comparisons .* give 4,500"):
        calibrate_verification(*made_up(10, 10), source="made up", rng=rng(), targets=[1e-4])
    with pytest.raises(DataError, match=r"needs at least 300 probes .* give 100"):
        calibrate_identification(
            *made_up(10, 10), gallery=5, source="made up", rng=np.random.default_rng(0), targets=[1e-2]
        )


def test_a_target_that_is_given_twice_counts_once():
    made = calibrate_identification(
        *made_up(20, 10), gallery=20, source="made up", rng=rng(), targets=(0.05, 0.1, 0.05)
    )
    assert [target for target, _ in made.thresholds] == [0.1, 0.05]


def test_people_who_are_enrolled_may_not_be_in_a_calibration():
    embeddings, person = made_up(20, 10)
    with pytest.raises(DataError, match="1 of the people are enrolled"):
        calibrate_verification(embeddings, person, source="made up", rng=rng(), enrolled=["7", "700"])


def test_a_calibration_is_read_as_it_was_written_and_a_changed_file_is_refused(tmp_path):
    made = calibrate_verification(*made_up(20, 10), source="made up", rng=rng())
    made.save(tmp_path / "c.json")
    assert Calibration.load(tmp_path / "c.json") == made
    document = json.loads((tmp_path / "c.json").read_text())
    document["thresholds"][0][1] -= 0.5
    (tmp_path / "c.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match="was changed"):
        Calibration.load(tmp_path / "c.json")
    (tmp_path / "c.json").write_bytes(b"\xff\x00")
    with pytest.raises(DataError, match="is no calibration"):
        Calibration.load(tmp_path / "c.json")
    with pytest.raises(DataError, match="there is no calibration"):
        Calibration.load(tmp_path / "d.json")


def test_a_target_that_was_not_reached_is_refused_and_one_between_takes_the_stricter_threshold():
    made = calibrate_verification(*made_up(20, 10), source="made up", rng=rng(), targets=[1e-2, 1e-3])
    assert made.threshold(5e-3) == made.threshold(1e-3) > made.threshold(1e-2)
    with pytest.raises(ConfigError, match=r"reaches 0\.001, and 0\.0001 is asked for"):
        made.threshold(1e-4)


def test_thresholds_that_fall_for_stricter_targets_cannot_be_a_calibration():
    made = calibrate_verification(*made_up(20, 10), source="made up", rng=rng())
    fields = {name: getattr(made, name) for name in made.__slots__}
    with pytest.raises(ConfigError, match="lower threshold"):
        Calibration(**(fields | {"thresholds": ((1e-2, 0.9), (1e-3, 0.8))}))
    with pytest.raises(ConfigError, match="finite"):
        Calibration(**(fields | {"thresholds": ((1e-2, float("nan")),)}))


@pytest.mark.parametrize("make", [calibrate_verification, calibrate_identification])
def test_ninety_nine_of_a_hundred_pairs_of_one_person_pass_as_one_person(make):
    rng = np.random.default_rng(3)
    means = rng.standard_normal((60, 16))
    who = np.repeat(np.arange(60), 10)
    embeddings = Embeddings.scaled(means[who] + 0.3 * rng.standard_normal((600, 16)), "m")
    more = {"gallery": 5} if make is calibrate_identification else {"targets": (1e-2,)}
    found = make(embeddings, who.tolist(), source="made up", rng=rng, **more)
    one, other = np.triu_indices(600, k=1)
    alike = (embeddings.vectors @ embeddings.vectors.T)[one, other]
    mated = who[one] == who[other]
    assert (alike[mated] < found.one_person).mean() == pytest.approx(0.01, abs=0.002)
    assert (alike[~mated] < found.one_person).mean() > 0.9
