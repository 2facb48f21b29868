import dataclasses

import numpy as np
import pytest

from matching.face.evaluate import Estimate
from matching.face.pad import MOST_APCER, passes
from matching.face.pad_attacks import SPECIES, attacked
from matching.face.texture import TextureCheck
from retail.errors import DataError

from .conftest import PUBLIC


class Says:
    """A check that always says yes, with figures of somebody's choosing."""

    name = "says yes"

    def __init__(self, figures=None):
        if figures is not None:
            self.figures = figures

    def is_live(self, photos):
        return True


def test_generated_attacks_of_people_never_seen_are_mostly_caught_and_faces_mostly_pass(orl, liveness):
    rng = np.random.default_rng(11)
    crops = orl.images[(orl.person >= PUBLIC) & (np.arange(len(orl.person)) % 10 < 4)]
    live = np.mean([liveness.is_live([crop]) for crop in crops])
    assert live > 0.6
    for name, attack in SPECIES.items():
        passed = np.mean([liveness.is_live([crop]) for crop in attacked(crops, attack, rng)])
        print(f"{name}: APCER {passed:.3f} on {len(crops)} attacks; BPCER {1 - live:.3f}")
        assert passed <= 0.15
    everything = np.mean([liveness.is_live([crop]) for crop in crops[:, ::-1]])
    assert everything > 0.5  # the control: the same people, turned over and not attacked, pass as before


def test_figures_are_told_with_intervals_and_say_what_they_hold_for(liveness):
    figures = liveness.figures
    assert set(figures.apcer) == {"print", "replay"}
    assert figures.worst == max(one.value for one in figures.apcer.values()) <= MOST_APCER
    for one in (*figures.apcer.values(), figures.bpcer, *figures.unseen.values()):
        assert 0 <= one.lo <= one.value <= one.hi <= 1
    assert "generated attacks only" in figures.statement
    assert figures.unseen["injected picture"].value > 0.5  # where texture cannot help


def test_a_check_without_figures_or_with_bad_ones_is_no_check(liveness):
    figures = liveness.figures
    bad = dataclasses.replace(figures, apcer={"print": Estimate(0.3, 0.2, 0.4)})
    unknown = dataclasses.replace(figures, apcer={"print": Estimate(float("nan"), 0, 1)})
    for check in (None, True, Says(), Says(bad), Says(unknown)):
        assert passes(check, [np.zeros((64, 64), np.uint8)]).reason == "liveness"
    assert passes(Says(figures), [np.zeros((64, 64), np.uint8)]) is None


def test_one_picture_that_looks_like_a_print_fails_the_whole_moment(orl, liveness, pictures):
    rng = np.random.default_rng(1)
    good = next(iter(pictures.values()))[:2]
    fake = attacked(np.stack(good[:1]), SPECIES["print"], rng)[0]
    assert liveness.is_live(good)
    assert not liveness.is_live([*good, fake])


def test_too_few_people_or_no_photo_are_refused(orl, liveness):
    few = orl.person < 5
    with pytest.raises(DataError, match="5 people are too few"):
        TextureCheck.fitted(orl.images[few], orl.person[few], rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="no photo"):
        liveness.is_live([])


def test_a_check_is_read_as_it_was_written_and_a_changed_file_is_refused(liveness, pictures, tmp_path):
    liveness.save(tmp_path / "check.json")
    again = TextureCheck.load(tmp_path / "check.json")
    assert again.figures == liveness.figures
    crops = [crop for several in pictures.values() for crop in several[:2]]
    assert [again.is_live([crop]) for crop in crops] == [liveness.is_live([crop]) for crop in crops]
    text = (tmp_path / "check.json").read_text()
    (tmp_path / "check.json").write_text(text.replace('"bpcer": {"value": 0', '"bpcer": {"value": 1', 1))
    with pytest.raises(DataError, match="was changed"):
        TextureCheck.load(tmp_path / "check.json")
    (tmp_path / "check.json").write_text("[]")
    with pytest.raises(DataError, match="is no liveness check"):
        TextureCheck.load(tmp_path / "check.json")
    with pytest.raises(DataError, match="there is no liveness check"):
        TextureCheck.load(tmp_path / "nothing.json")
