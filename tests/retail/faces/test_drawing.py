import numpy as np
import pytest

from retail.errors import ConfigError
from retail.faces import DOOR, Camera, generated_faces, shifted


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def drawn():
    return generated_faces(12, 4, rng())


def test_drawings_are_the_same_for_the_same_seed_and_others_for_another(drawn):
    assert (generated_faces(12, 4, rng()).images == drawn.images).all()
    assert (generated_faces(12, 4, rng(1)).images != drawn.images).mean() > 0.9


def test_a_person_looks_the_same_however_many_others_are_drawn(drawn):
    assert (generated_faces(3, 4, rng()).images == drawn.images[:12]).all()
    assert (generated_faces(2, 4, rng(), first=10).images == drawn.images[40:]).all()


def test_pictures_of_one_person_are_more_alike_than_those_of_two(drawn):
    flat = drawn.images.reshape(len(drawn), -1).astype(float)
    flat = (flat - flat.mean(axis=1, keepdims=True)) / flat.std(axis=1, keepdims=True)
    alike = flat @ flat.T / flat.shape[1]
    same = drawn.person[:, None] == drawn.person[None, :]
    apart = ~np.eye(len(drawn), dtype=bool)
    assert alike[same & apart].mean() > alike[~same].mean() + 0.05
    assert alike[same & apart].max() < 0.995  # and no two are copies


@pytest.mark.parametrize(("people", "images", "first"), [(0, 1, 0), (1, 0, 0), (1, 1, -1), (1.5, 1, 0), (True, 1, 0)])
def test_numbers_that_cannot_be_drawn_are_refused(people, images, first):
    with pytest.raises(ConfigError, match="whole number"):
        generated_faces(people, images, rng(), first=first)


def test_another_camera_loses_detail_and_keeps_who_is_who(drawn):
    seen = shifted(drawn, rng())
    assert (seen.images == shifted(drawn, rng()).images).all()
    assert (seen.person == drawn.person).all()
    assert seen.images.dtype == np.uint8
    detail = [np.abs(np.diff(one.astype(float), axis=2)).mean() for one in (seen.images, drawn.images)]
    assert detail[0] < detail[1]
    assert np.abs(seen.images.astype(float) - drawn.images).mean() > 10


def test_a_camera_that_changes_nothing_changes_nothing(drawn):
    same = Camera(pixels=64, blur=0.0, gain=(1.0, 1.0), offset=0.0, gamma=1.0, shade=0.0, noise=0.0)
    assert np.abs(shifted(drawn, rng(), camera=same).images.astype(int) - drawn.images).max() <= 1


@pytest.mark.parametrize("wrong", [{"pixels": 2}, {"pixels": 65}, {"blur": -1.0}, {"gamma": 0.0}, {"gain": (2.0, 1.0)}])
def test_what_no_camera_does_is_refused(wrong):
    with pytest.raises(ConfigError):
        Camera(**wrong)
    assert DOOR.pixels < 64
