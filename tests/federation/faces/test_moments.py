import numpy as np
import pytest

from federation.faces.moments import adapted_map, person_rows, public_frame, row_size

D = 20


def points(people, images, rng, *, centre=0.0, spread=0.2):
    means = rng.normal(size=(people, D)) * np.linspace(2.0, 0.2, D)
    noise = rng.normal(size=(people, images, D)) * spread
    return (means[:, None, :] + noise + centre).astype(np.float32), np.repeat(np.arange(people), images)


@pytest.fixture
def frame():
    values, person = points(60, 5, np.random.default_rng(0))
    return public_frame(values.reshape(-1, D), person, directions=6, spread=3)


def test_a_typical_row_is_as_long_as_the_clip_norm_however_many_images_there_are(frame):
    for images in (2, 40):
        values, _ = points(50, images, np.random.default_rng(1))
        rows = person_rows(list(values), frame, unit=0.3)
        assert rows.shape == (50, row_size(6, 3))
        assert 0.2 < np.median(np.linalg.norm(rows, axis=1)) < 0.45


def test_a_person_without_images_adds_nothing(frame):
    assert not person_rows([np.zeros((0, D), np.float32)], frame, unit=1.0).any()


@pytest.mark.parametrize("images", [3, 30])
def test_without_noise_the_centre_follows_the_people(frame, images):
    shift = frame.basis[0] * 3.0
    values, _ = points(400, images, np.random.default_rng(2), centre=shift)
    mean = person_rows(list(values), frame, unit=1.0).mean(axis=0)
    centre, _ = adapted_map(mean, frame, unit=1.0, noise_scale=0.0)
    assert np.linalg.norm(centre - frame.centre - shift) < 0.25 * np.linalg.norm(shift)


def test_without_noise_the_map_makes_the_spread_within_people_even(frame):
    stretched, _ = points(400, 30, np.random.default_rng(3))
    inner = frame.basis[:3]
    odd = np.random.default_rng(4).normal(size=(400, 30, 1)) * inner[1] * 1.5
    values = stretched + odd
    mean = person_rows(list(values), frame, unit=1.0).mean(axis=0)
    _, linear = adapted_map(mean, frame, unit=1.0, noise_scale=0.0)
    apart = (values - values.mean(axis=1, keepdims=True)).reshape(-1, D) @ linear.T
    kept = inner @ np.cov(apart.T) @ inner.T
    assert np.abs(kept - np.eye(3)).max() < 0.2


def test_where_all_is_noise_nothing_moves_from_the_public_values(frame):
    rng = np.random.default_rng(5)
    rows = person_rows(list(points(400, 5, rng)[0]), frame, unit=1.0)
    public_centre, public_map = adapted_map(rows.mean(axis=0) * 0, frame, unit=1.0, noise_scale=100.0)
    noisy = rows.mean(axis=0) * 0 + rng.normal(size=frame.size) * 10.0
    centre, linear = adapted_map(noisy, frame, unit=1.0, noise_scale=100.0)
    assert np.array_equal(centre, public_centre)
    assert np.array_equal(linear, public_map)
    assert np.array_equal(centre, frame.centre)
