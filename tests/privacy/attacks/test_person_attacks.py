import numpy as np
import pytest

from privacy.attacks import (
    attribute_inference,
    differencing_attack,
    inversion_attack,
    invert_linear,
    membership_attack,
    synthetic_faces,
    template_inversion,
    user_canary_estimate,
)
from privacy.attacks.intervals import gaussian_epsilon
from privacy.attacks.membership import auc, true_positives
from retail.errors import PrivacyError


@pytest.fixture
def rng():
    return np.random.default_rng(4)


# one-shot user canaries


@pytest.mark.parametrize("apart", [0.25, 1.0, 3.0])
def test_the_canary_estimate_is_near_the_truth_for_gaussian_scores(rng, apart):
    coins = rng.random(4000) < 0.5
    found = user_canary_estimate(rng.standard_normal(4000) + apart * coins, coins, delta=1e-5, claim=50.0, seed=0)
    truth = gaussian_epsilon(apart, delta=1e-5)
    assert found.lo - 0.1 <= truth <= found.hi + 0.1
    assert found.outcome == "estimate"
    assert not found.conclusive


def test_the_canary_estimate_warns_and_never_proves(rng):
    coins = rng.random(1000) < 0.5
    found = user_canary_estimate(rng.standard_normal(1000) + 5 * coins, coins, delta=1e-5, claim=1.0, seed=0)
    assert found.lo > 1
    assert not found.breach
    assert found.outcome == "inconclusive"
    assert not found.conclusive
    assert "not a bound" in found.statement


def test_exact_scores_do_not_stop_the_canary_estimate(rng):
    coins = rng.random(100) < 0.5
    assert user_canary_estimate(coins * 1.0, coins, delta=1e-5, claim=None, seed=0).estimate > 100
    with pytest.raises(PrivacyError, match="too few"):
        user_canary_estimate(np.arange(30.0), np.arange(30) < 3, delta=1e-5, claim=None, seed=0)


# membership


def test_the_area_counts_pairs_and_ties_half(rng):
    values, member = rng.integers(0, 5, size=60).astype(float), rng.random(60) < 0.4
    pairs = values[member][:, None] - values[~member][None, :]
    assert auc(values, member) == pytest.approx((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def test_members_named_at_few_false_positives_are_counted(rng):
    member = np.arange(400) < 200
    assert true_positives(member * 1.0, member, at=0.01) == 1.0
    assert true_positives(rng.standard_normal(400), member, at=0.0) <= 0.05


def test_members_who_are_fitted_better_than_the_claim_admits_are_a_breach(rng):
    member = rng.random(2000) < 0.5
    values = rng.standard_normal(2000) + 3 * member
    assert membership_attack(lambda people: values[people], member, claim=(1.0, 1e-5)).outcome == "breach"
    assert membership_attack(lambda people: values[people], member).outcome == "no claim"
    plain = rng.standard_normal(2000)
    assert membership_attack(lambda people: plain[people], member, claim=(1.0, 1e-5)).outcome == "passed"


def test_reference_models_take_away_what_makes_persons_easy_or_hard(rng):
    member = rng.random(2000) < 0.5
    hard = 5 * rng.standard_normal(2000)
    target = hard + rng.standard_normal(2000) + 1.5 * member
    shadows = tuple((hard + rng.standard_normal(2000)).take for _ in range(4))
    alone = membership_attack(lambda people: target[people], member)
    helped = membership_attack(lambda people: target[people], member, references=shadows)
    assert helped.lo > alone.hi


def test_a_membership_attack_needs_persons_of_both_kinds():
    with pytest.raises(PrivacyError, match="too few"):
        membership_attack(lambda people: people * 1.0, np.arange(100) < 3)


# single messages


def test_the_gradient_of_one_person_is_that_persons_row(rng):
    row, errors = rng.standard_normal(50), rng.standard_normal(8)
    np.testing.assert_allclose(invert_linear(np.outer(errors, row), errors), row, rtol=1e-12)
    with pytest.raises(PrivacyError, match="zero"):
        invert_linear(np.zeros((8, 50)), np.zeros(8))


def test_more_persons_clipping_and_noise_take_the_row_out_of_the_message(rng):
    rows = (rng.random((40, 300)) < 0.05).astype(float)
    others = (rng.random((200, 300)) < 0.05).astype(float)
    public = np.full(300, 0.05)

    def leak(persons, scale):
        def message(rows):
            clipped = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)
            return clipped.sum(axis=0) + scale * rng.standard_normal(300)

        return inversion_attack(message, rows[:persons], others, public=public)

    alone, crowd, noised = leak(1, 0.0), leak(40, 0.0), leak(40, 5.0)
    assert alone.estimate > 0.99
    assert 0.05 < crowd.estimate < 0.3
    assert noised.estimate < crowd.estimate
    assert noised.hi < 0.1
    assert all(one.control.fired for one in (alone, crowd, noised))


def test_a_message_is_an_illustration_and_never_a_verdict(rng):
    rows = rng.standard_normal((30, 40))
    found = inversion_attack(lambda some: some.sum(axis=0), rows[:5], rows[5:])
    assert found.lo > 0.2
    assert not found.breach
    assert not found.conclusive
    assert found.claim is None
    assert found.outcome == "estimate"


def test_honest_noise_is_drawn_many_times_and_its_interval_holds_zero(rng):
    alike, asked = rng.standard_normal(30), []

    def message(some):
        asked.append(len(some))
        return 1000 * rng.standard_normal(30)

    people = alike + 0.1 * rng.standard_normal((60, 30))
    seen = [inversion_attack(message, people[:30], people[30:], draws=10) for _ in range(40)]
    assert asked == [30] * 400
    assert all(one.lo <= 0 <= one.hi for one in seen)
    assert all(abs(one.estimate) < 0.05 for one in seen)


def test_rows_of_which_all_is_public_leave_nothing_to_read_and_the_control_says_so(rng):
    public = rng.standard_normal(20)
    rows = np.outer(rng.random(20) + 1, public)
    found = inversion_attack(lambda some: some.sum(axis=0), rows[:5], rows[5:], public=public)
    assert found.estimate == 0
    assert found.outcome == "inconclusive"


def test_a_control_whose_exact_message_is_not_the_row_is_not_seen(rng):
    rows = rng.standard_normal((30, 40))
    found = inversion_attack(
        lambda some: some.sum(axis=0), rows[:5], rows[5:], exact=lambda some: rng.standard_normal(40)
    )
    assert found.outcome == "inconclusive"
    with pytest.raises(PrivacyError, match="at least once"):
        inversion_attack(lambda some: some.sum(axis=0), rows[:5], rows[5:], draws=0)


@pytest.mark.parametrize("strength", [1.5, 3.0, 30.0])
def test_whoever_finds_a_breach_in_members_also_sees_the_control(rng, strength):
    member = np.arange(200) < 100
    values = rng.standard_normal(200) + strength * member
    found = membership_attack(lambda people: values[people], member, claim=(0.1, 1e-9))
    assert (found.breach, found.control.fired) == (True, True)


# templates


def test_a_template_is_a_face():
    faces = synthetic_faces(400, seed=1)
    templates = faces.first @ faces.embedding
    known = slice(0, 200)
    found = template_inversion(
        templates[200:], faces.second[200:], known_templates=templates[known], known_pictures=faces.first[known]
    )
    assert found.lo > 0.5
    assert found.control.fired
    assert found.outcome == "no claim"


def test_templates_of_somebody_else_re_identify_nobody(rng):
    faces = synthetic_faces(400, seed=1)
    templates = faces.first @ faces.embedding
    mixed = rng.permutation(templates[200:])
    found = template_inversion(
        mixed, faces.second[200:], known_templates=templates[:200], known_pictures=faces.first[:200]
    )
    assert found.hi < 0.1


# differencing


@pytest.fixture
def releases(rng):
    rows = (rng.random((100, 200)) < 0.1) / 5.0

    def exact(inside, trial):
        return rows[inside].sum(axis=0)

    def noised(scale):
        return lambda inside, trial: exact(inside, trial) + scale * rng.standard_normal(200)

    return rows, exact, noised


def test_exact_sums_that_differ_by_one_person_name_that_person(releases):
    rows, exact, _ = releases
    found = differencing_attack(exact, exact, rows, trials=50, seed=0, claim=(1.0, 1e-5))
    assert found.estimate == 1.0
    assert found.outcome == "breach"


def test_noise_of_the_claimed_strength_hides_the_person(releases):
    rows, exact, noised = releases
    found = differencing_attack(noised(4.0), exact, rows, trials=100, seed=0, claim=(1.0, 1e-5))
    assert found.outcome == "passed"
    assert found.claim == pytest.approx((np.e + 100 * 1e-5) / 100)


def test_a_release_that_was_meant_to_be_exact_and_is_not_makes_differencing_inconclusive(releases):
    rows, _, noised = releases
    found = differencing_attack(noised(4.0), noised(4.0), rows, trials=50, seed=0, claim=(1.0, 1e-5))
    assert found.outcome == "inconclusive"


def test_candidates_with_the_same_row_are_refused(releases):
    _, exact, _ = releases
    with pytest.raises(PrivacyError, match="same row"):
        differencing_attack(exact, exact, np.ones((3, 4)), trials=5, seed=0)


# attributes


def test_what_is_guessed_as_well_about_others_is_no_leak(rng):
    n = 2000
    truth, member = rng.random(n) < 0.4, rng.random(n) < 0.5
    statistic = truth + 0.5 * rng.standard_normal(n)
    nothing = rng.standard_normal(n)
    found = attribute_inference(statistic, nothing, truth, member, claim=(1.0, 1e-5))
    assert abs(found.estimate) < 0.06
    assert found.outcome == "passed"
    backwards = attribute_inference(-statistic, nothing, truth, member, claim=(1.0, 1e-5))
    assert backwards.estimate == pytest.approx(found.estimate, abs=0.02)


def test_members_whose_attribute_is_given_away_are_a_breach(rng):
    n = 2000
    truth, member = rng.random(n) < 0.4, rng.random(n) < 0.5
    leaking = np.where(member, 3.0 * truth, rng.random(n))
    found = attribute_inference(leaking, rng.random(n), truth, member, claim=(0.5, 1e-5))
    assert found.outcome == "breach"


def test_an_attribute_that_hardly_anybody_has_is_refused(rng):
    truth = np.arange(100) < 4
    with pytest.raises(PrivacyError, match="too small"):
        attribute_inference(rng.random(100), rng.random(100), truth, np.arange(100) % 2 == 0)
