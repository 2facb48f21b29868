import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.embeddings import Embeddings
from matching.face.calibrate import Calibration, calibrate_identification, calibrate_verification
from matching.face.evaluate import threshold_at
from retail.errors import ConfigError, DataError


def made_up(people, each, *, spread=0.5, d=32, seed=0) -> tuple[Embeddings, list[int]]:
    rng = np.random.default_rng(seed)
    centre = np.repeat(rng.standard_normal((people, d)), each, axis=0)
    vectors = centre + spread * rng.standard_normal(centre.shape)
    return Embeddings.scaled(vectors, "model-1"), np.repeat(np.arange(people), each).tolist()


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


def test_the_rate_on_other_people_is_about_the_target():
    level = calibrate_verification(*made_up(40, 8), source="made up").threshold(1e-2)
    other, person = made_up(40, 8, seed=1)
    one, two = np.triu_indices(len(person), k=1)
    strangers = np.asarray(person)[one] != np.asarray(person)[two]
    scores = (other.vectors @ other.vectors.T)[one, two][strangers]
    assert 0.003 < (scores >= level).mean() < 0.03


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
        calibrate_verification(*made_up(10, 10), source="made up", targets=[1e-4])
    with pytest.raises(DataError, match=r"needs at least 300 probes .* give 100"):
        calibrate_identification(
            *made_up(10, 10), gallery=5, source="made up", rng=np.random.default_rng(0), targets=[1e-2]
        )


def test_people_who_are_enrolled_may_not_be_in_a_calibration():
    embeddings, person = made_up(20, 10)
    with pytest.raises(DataError, match="1 of the people are enrolled"):
        calibrate_verification(embeddings, person, source="made up", enrolled=["7", "700"])


def test_a_calibration_is_read_as_it_was_written_and_a_changed_file_is_refused(tmp_path):
    made = calibrate_verification(*made_up(20, 10), source="made up")
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
    made = calibrate_verification(*made_up(20, 10), source="made up", targets=[1e-2, 1e-3])
    assert made.threshold(5e-3) == made.threshold(1e-3) > made.threshold(1e-2)
    with pytest.raises(ConfigError, match=r"reaches 0\.001, and 0\.0001 is asked for"):
        made.threshold(1e-4)


def test_thresholds_that_fall_for_stricter_targets_cannot_be_a_calibration():
    made = calibrate_verification(*made_up(20, 10), source="made up")
    fields = {name: getattr(made, name) for name in made.__slots__}
    with pytest.raises(ConfigError, match="lower threshold"):
        Calibration(**(fields | {"thresholds": ((1e-2, 0.9), (1e-3, 0.8))}))
    with pytest.raises(ConfigError, match="finite"):
        Calibration(**(fields | {"thresholds": ((1e-2, float("nan")),)}))
