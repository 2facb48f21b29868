import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.errors import ConfigError
from retail.faces import FaceSet, FaceSource, identity_folds, merchants_of

SIZE = 13


def faces(people=SIZE):
    person = np.repeat(np.arange(people, dtype=np.int64), 2)
    return FaceSet(np.zeros((2 * people, 64, 64), np.uint8), person, tuple(f"p{i}" for i in range(people)), "none")


@given(folds=st.integers(2, SIZE), seed=st.integers(0, 99))
def test_nobody_is_trained_on_and_tested_and_everybody_is_tested_once(folds, seed):
    dealt = identity_folds(faces(), folds=folds, seed=seed)
    for one in dealt:
        assert not set(one.train.names) & set(one.test.names)
        assert set(one.train.names) | set(one.test.names) == set(faces().names)
    assert sorted(name for one in dealt for name in one.test.names) == sorted(faces().names)
    assert max(one.test.people for one in dealt) - min(one.test.people for one in dealt) <= 1


def test_the_seed_decides_who_is_in_which_fold():
    first, again, other = (identity_folds(faces(), seed=seed)[0].test.names for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("folds", [1, 0, SIZE + 1, 2.0, True])
def test_a_number_of_folds_that_cannot_be_dealt_is_refused(folds):
    with pytest.raises(ConfigError, match="folds"):
        identity_folds(faces(), folds=folds)


@given(people=st.integers(0, 40), merchants=st.integers(1, 9), seed=st.integers(0, 20))
def test_people_are_spread_evenly_over_merchants(people, merchants, seed):
    counts = np.bincount(merchants_of(people, merchants=merchants, seed=seed), minlength=merchants)
    assert len(counts) == merchants
    assert counts.max() - counts.min() <= 1


def orl(**changes):
    return FaceSource(source="orl", **changes)


def test_orl_gives_thirty_people_to_five_merchants_and_keeps_ten_for_testing():
    source = orl()
    held = [source.at(place) for place in range(5)]
    assert [one.people for one in held] == [6] * 5
    names = [name for one in held for name in one.names]
    assert len(set(names)) == 30 == source.members
    assert not set(names) & set(source.test().names)
    assert source.test().people == 10
    assert sorted(names) == sorted(source.train().names)


@pytest.mark.parametrize("camera", ["studio", "door"])
def test_when_somebody_leaves_nobody_else_changes(camera):
    before, gone = orl(camera=camera), "s8"
    assert gone in before.train().names
    after = orl(camera=camera, left=(gone,))
    for place in range(5):
        whole = before.at(place)
        rest = whole.of([index for index, name in enumerate(whole.names) if name != gone])
        assert after.at(place).names == rest.names
        assert (after.at(place).images == rest.images).all()
    assert after.members == before.members


def test_in_a_folder_people_are_dealt_by_their_own_name(tmp_path, encoded):
    picture = encoded(np.full((80, 80), 90))
    for number in range(12):
        (tmp_path / f"person {number}").mkdir()
        (tmp_path / f"person {number}" / "1.png").write_bytes(picture)
    source = FaceSource(source="face-folder", path=str(tmp_path), population=20, merchants=3)
    before = [source.at(place).names for place in range(3)]
    assert 0 < sum(map(len, before)) < 12
    assert sum(map(len, before)) + source.test().people == 12
    (tmp_path / "person 5" / "1.png").unlink()
    (tmp_path / "person 5").rmdir()
    moved = FaceSource(source="face-folder", path=str(tmp_path), population=19, merchants=3)
    assert [moved.at(place).names for place in range(3)] == [
        tuple(name for name in names if name != "person 5") for names in before
    ]
    with pytest.raises(ConfigError, match="population"):
        FaceSource(source="face-folder", path=str(tmp_path), population=5).train()


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "lfw"},
        {"source": "orl", "path": "here"},
        {"source": "face-folder"},
        {"source": "drawn-faces"},
        {"source": "orl", "population": 9},
        {"source": "orl", "fold": 4},
        {"source": "orl", "folds": 41},
        {"source": "orl", "merchants": 0},
        {"source": "orl", "camera": "phone"},
        {"source": "drawn-faces", "people": 0},
    ],
)
def test_a_description_that_cannot_be_followed_is_refused(wrong):
    with pytest.raises(ConfigError):
        FaceSource(**wrong)


def test_the_fingerprint_tells_other_descriptions_and_other_pictures_apart(tmp_path, encoded):
    (tmp_path / "al").mkdir()
    (tmp_path / "al" / "1.png").write_bytes(encoded(np.full((80, 80), 90)))
    source = FaceSource(source="face-folder", path=str(tmp_path), population=4)
    before = source.fingerprint()
    (tmp_path / "al" / "1.png").write_bytes(encoded(np.full((80, 80), 91)))
    assert source.fingerprint() != before
    assert orl().fingerprint() != orl(fold=1).fingerprint() != orl(camera="door").fingerprint()
