import numpy as np
import pytest

from retail.errors import DataError
from retail.faces import FaceSet, to_crop


def faces(persons, names=("a", "b", "c"), **changes):
    given = {
        "images": np.arange(len(persons), dtype=np.uint8)[:, None, None] * np.ones((1, 64, 64), dtype=np.uint8),
        "person": np.array(persons, dtype=np.int64),
        "names": tuple(names),
        "source": "made up",
    }
    return FaceSet(**{**given, **changes})


def test_some_people_come_out_in_the_order_asked_for_with_their_own_images():
    some = faces([0, 1, 2, 1, 0]).of([2, 0])
    assert some.names == ("c", "a")
    assert some.person.tolist() == [0, 1, 1]
    assert some.images[:, 0, 0].tolist() == [2, 0, 4]


def test_nobody_can_be_asked_for_and_people_without_images_keep_their_place():
    assert len(faces([0, 0]).of([])) == 0
    assert faces([0, 0]).of([1, 2]).people == 2
    assert len(faces([0, 0]).of([1, 2])) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"images": np.full((3, 64, 64), np.nan)},
        {"images": np.zeros((3, 64, 63), dtype=np.uint8)},
        {"images": np.zeros((3, 64, 64, 3), dtype=np.uint8)},
        {"person": np.zeros(2, dtype=np.int64)},
        {"person": np.zeros(3)},
        {"person": np.array([0, 1, 3])},
        {"person": np.array([0, 1, -1])},
        {"names": ("a", "b", "a")},
    ],
)
def test_what_is_no_set_of_faces_is_refused(changes):
    with pytest.raises(DataError):
        faces([0, 1, 2], **changes)


@pytest.mark.parametrize("people", [[3], [-1], [0, 0]])
def test_people_who_are_not_there_or_asked_for_twice_are_refused(people):
    with pytest.raises(DataError, match=r"asked for"):
        faces([0, 1, 2]).of(people)


def test_a_crop_is_the_part_that_was_asked_for(gradient):
    whole = to_crop(gradient)
    assert whole.shape == (64, 64)
    assert abs(int(whole.mean()) - int(gradient.mean())) <= 1
    left = to_crop(gradient, part=0.5, centre=(0.5, 0.0))
    assert abs(int(left.mean()) - int(gradient[10:30, :30].mean())) <= 1
    colours = np.dstack([gradient] * 3)
    assert (to_crop(colours) == whole).all()


@pytest.mark.parametrize(
    "photo",
    [np.zeros((40, 40)), np.full((40, 40), np.nan), np.zeros((40, 40, 4), np.uint8), np.zeros((1, 1), np.uint8), None],
)
def test_what_is_no_photo_makes_no_crop(photo):
    with pytest.raises(DataError, match="photo must be"):
        to_crop(photo)


@pytest.mark.parametrize(("part", "centre"), [(0.0, (0.5, 0.5)), (1.5, (0.5, 0.5)), (0.5, (0.5, 1.1))])
def test_a_crop_outside_the_photo_is_refused(gradient, part, centre):
    with pytest.raises(DataError, match="share"):
        to_crop(gradient, part=part, centre=centre)
