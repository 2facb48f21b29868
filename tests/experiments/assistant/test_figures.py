"""Figures of a shop on made-up people for whom every rate is known."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.assistant.figures import _both, _open_set, choose_judges
from matching.face.evaluate import Estimate, at_least_3_in
from retail.errors import DataError

EACH = 4  # pictures of a person, of which two make the template


def people(rows):
    """People of whom every picture is the same unit vector: shape (len(rows) * EACH, 5), and two splits of them."""
    vectors = np.repeat(np.eye(5)[list(rows)], EACH, axis=0)
    person = np.repeat(np.arange(len(rows)), EACH)
    first = np.arange(len(person)) % EACH < 2
    return vectors, person, [first, ~first]


def measured(how, vectors, person, chosen):
    return how(vectors, person, chosen, 0.9, np.random.default_rng(0), 200)


@pytest.mark.parametrize("how", [_both, _open_set])
def test_people_of_whom_nobody_is_like_another_give_no_error_and_doubt_for_so_many_people(how):
    for number in (4, 5):
        wrong, missed = measured(how, *people(range(number)))
        assert (wrong.value, missed.value) == (0, 0)
        assert (wrong.lo, wrong.hi) == (missed.lo, missed.hi) == (0, 3 / number)


def test_two_of_four_who_look_the_same_pass_for_each_other_at_the_till():
    fmr, fnmr = measured(_both, *people([0, 0, 1, 2]))
    assert fmr.value == pytest.approx(2 / 12)  # 2 of 12 ordered pairs
    assert fmr.lo < fmr.value < fmr.hi
    assert fnmr.value == 0


def test_a_picture_that_shows_nothing_of_its_person_is_missed_at_the_till():
    vectors, person, chosen = people([0, 1, 2, 3])
    vectors[EACH - 1] = np.eye(5)[4]  # one probe of the first person, in the first split; in the second in the template
    fmr, fnmr = measured(_both, vectors, person, chosen[:1])
    assert fnmr.value == pytest.approx(1 / 8)
    assert fmr.value == 0


def test_at_the_door_everybody_alike_alarms_always_and_only_the_first_customer_is_found():
    fpir, fnir = measured(_open_set, *people([0, 0, 0, 0]))
    assert (fpir.value, fpir.lo, fpir.hi) == (1, 1, 1)
    assert fnir.value == pytest.approx(1 / 2)  # of two customers the other is taken for the first


def test_doubt_counts_people_never_more_than_everything_and_leaves_other_rates_alone():
    assert at_least_3_in(Estimate(0, 0, 0), 10) == Estimate(0, 0, 0.3)
    assert at_least_3_in(Estimate(0, 0, 0), 2) == Estimate(0, 0, 1)
    assert at_least_3_in(Estimate(0, 0, 0.5), 10) == Estimate(0, 0, 0.5)
    assert at_least_3_in(Estimate(0.01, 0, 0.02), 10) == Estimate(0.01, 0, 0.3)  # one mistake more is no less doubt
    assert at_least_3_in(Estimate(0.5, 0.4, 0.6), 10) == Estimate(0.5, 0.4, 0.6)


def test_an_encoder_of_unknown_people_is_not_judged_on_orl(shop):
    unknown = replace(shop, settings=replace(shop.settings, trained_known=False))
    for wanted in ("", "orl"):
        with pytest.raises(DataError, match="trained on is unknown"):
            choose_judges(unknown, wanted)
    assert choose_judges(unknown, "drawn").people > 10
    assert choose_judges(shop).source == "ORL"
