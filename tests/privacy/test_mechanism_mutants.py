"""Mechanisms broken on purpose: each check passes for the honest code, and each mutant is killed by the check it names.

The checks ask what a user could notice from outside: spread and independence of the noise, what one person moves,
which numbers are shown, what the ledger and the log say. A mutant that survives its check fails a test here.
"""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

import privacy.release as release_module
import privacy.statistics.bounds as bounds_module
from privacy.ledger import Ledger, Reservation
from privacy.log import Log
from privacy.mechanisms import statistics
from privacy.policy import Decision, PolicyEngine
from privacy.statistics.answers import Answer, Answers
from privacy.statistics.bounds import Bounds
from privacy.statistics.query_file import parse_query
from retail.errors import PolicyError, PrivacyError

CELLS = 1200
NAMES = [f"{number:04d}" for number in range(CELLS)]
BOUNDS = Bounds(max_merchants=2, max_cells=4, max_rows=3)


def histogram(**others):
    document = {"kind": "histogram", "column": "department", "values": NAMES, "epsilon": 2.0, "refresh": True}
    return parse_query(document | others)


def crowd(cells: dict[str, int]) -> pd.DataFrame:
    """So many different persons in each cell, each at one merchant with one row."""
    names = np.repeat(list(cells), list(cells.values()))
    return pd.DataFrame(
        {"person_id": np.arange(len(names)), "merchant_id": 1, "basket_id": 1, "day": 0, "department": names}
    )


def watched(work, *, exact: bool) -> tuple[Answer, np.ndarray]:
    """Do a release and see its counts: where they enter the mechanism, or where they leave it without a threshold."""
    seen = []
    draw = statistics.draw_counts

    def spy(counts, plan):
        noisy = draw(counts, plan)
        seen.append(counts if exact else noisy)
        return noisy

    patch = pytest.MonkeyPatch()
    patch.setattr(statistics, "draw_counts", spy)
    try:
        answer = work()
    finally:
        patch.undo()
    return answer, seen[0]


def hidden(make_gate, rows, query) -> tuple[Answer, np.ndarray]:
    """The answer, and the noisy counts of all cells."""
    return watched(lambda: make_gate(rows, bounds=BOUNDS, epsilon=60.0).release("shop", query), exact=False)


def noise_has_the_promised_spread(make_gate):
    """The variance of 1,200 draws of each of two releases lies within 6 standard deviations of what the answer says."""
    answer, first = hidden(make_gate, crowd({}), histogram())
    _, second = hidden(make_gate, crowd({}), histogram())
    for drawn in (first, second):
        assert abs(drawn.var() / answer.scale**2 - 1) < 6 * math.sqrt(2 / CELLS)


def the_price_is_that_of_the_noise_for_the_bounds(make_gate):
    """Cost against a formula of its own: rho = cells x per_key^2 / (2 sigma^2), from the spread that is drawn."""
    for counting, per_key in (("persons", 1), ("days", 3)):
        answer, drawn = hidden(make_gate, crowd({}), histogram(counting=counting))
        rho = BOUNDS.max_cells * per_key**2 / (2 * drawn.var())
        assert rho * 1e9 / answer.cost == pytest.approx(1, rel=6 * math.sqrt(2 / CELLS))


def noise_of_two_releases_is_independent(make_gate):
    """The correlation of the noise of two releases, and of neighbouring cells, is within 6 standard deviations of 0."""
    _, first = hidden(make_gate, crowd({}), histogram())
    _, second = hidden(make_gate, crowd({}), histogram())
    for one, other in ((first, second), (first[:-1], first[1:])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 6 / math.sqrt(CELLS)


def empty_cells_are_noised_like_full_ones(make_gate):
    _, drawn = hidden(make_gate, crowd(dict.fromkeys(NAMES[:600], 30)), histogram())
    assert drawn[600:].std() == pytest.approx((drawn[:600] - 30).std(), rel=0.25)


def one_person_moves_counts_by_the_bounds(make_gate):
    """Exact counts, seen where they enter the mechanism, with and without a person of 5,000 rows at ten merchants."""
    glutton = pd.DataFrame(
        {
            "person_id": 10**6,
            "merchant_id": np.arange(5000) % 10,
            "basket_id": 2 + np.arange(5000) // 5,
            "day": np.arange(5000) % 7,
            "department": np.asarray(NAMES)[np.arange(5000) % 50],
        }
    )
    rows = crowd({NAMES[0]: 20, NAMES[7]: 5})
    for counting, per_key in (("persons", 1), ("days", 3), ("rows", 3)):
        query = histogram(counting=counting)
        gates = [make_gate(data, bounds=BOUNDS) for data in (rows, pd.concat([rows, glutton]))]
        without, with_one = (watched(partial(gate.release, "shop", query), exact=True)[1] for gate in gates)
        change = with_one - without
        assert change.min() >= 0
        assert change.max() <= per_key
        assert (change > 0).sum() <= BOUNDS.max_cells
        merchants = histogram(column="merchant_id", values=[str(number) for number in range(10)])
        kept = bounds_module.bounded_rows(glutton, merchants, BOUNDS)
        assert kept["merchant_id"].nunique() <= BOUNDS.max_merchants


def a_number_is_shown_by_its_noisy_count_alone(make_gate):
    """Of 600 cells that sit right at the threshold, about half are shown, and no shown number lies below it."""
    query = histogram()
    least = make_gate(crowd({}), bounds=BOUNDS).preview(query).threshold
    answer = make_gate(crowd(dict.fromkeys(NAMES[:600], least)), bounds=BOUNDS).release("shop", query)
    shown = [number for name, number in answer.rows if number is not None]
    assert min(shown) >= answer.threshold == least
    assert 600 * 0.35 < len(shown) < 600 * 0.7


def a_single_person_is_hidden(make_gate):
    """Each of 40 persons alone in a cell may be shown with a chance of delta / 4, so three hardly ever are."""
    answer = make_gate(crowd(dict.fromkeys(NAMES[:40], 1)), bounds=BOUNDS, epsilon=60.0).release("shop", histogram())
    assert sum(number is not None for _, number in answer.rows) < 3


def a_release_is_paid_in_full(make_gate):
    gate = make_gate(crowd({NAMES[1]: 9}), bounds=BOUNDS)
    told = gate.preview(histogram())
    answer = gate.release("shop", histogram())
    entries = gate.ledger.entries()
    assert entries["cost"].tolist() == [told.cost] == [answer.cost]
    assert entries["committed_at"].notna().all()


def a_repeated_query_is_free_and_equal(make_gate):
    gate = make_gate(crowd({NAMES[1]: 9}), bounds=BOUNDS)
    first = gate.release("shop", histogram(refresh=False))
    spent = gate.ledger.spent
    for _ in range(3):
        assert gate.release("shop", histogram(refresh=False)).rows == first.rows
    assert gate.ledger.spent == spent


def every_release_is_in_the_log(make_gate):
    gate = make_gate(crowd({NAMES[1]: 9}), bounds=BOUNDS)
    answer = gate.release("shop", histogram())
    entries = gate.log.entries()
    assert [entry.kind for entry in entries] == ["access", "release"]
    assert entries[1].body["answer"] == answer.digest
    gate.release("shop", histogram(refresh=False))
    assert len(gate.log.entries("access")) == 2


def who_is_not_allowed_gets_nothing(make_gate):
    gate = make_gate(crowd({NAMES[1]: 9}), bounds=BOUNDS)
    with pytest.raises(PolicyError):
        gate.release("rival", histogram())
    assert gate.ledger.spent == 0
    assert gate.log.entries("access")[0].body["decision"] == "deny"


def a_quantile_is_near_the_truth(make_gate):
    values = np.random.default_rng(0).exponential(5, 3000)
    rows = pd.DataFrame({"person_id": np.arange(3000), "merchant_id": 1, "basket_id": 1, "price": values})
    document = {
        "kind": "quantile",
        "column": "price",
        "alpha": 0.5,
        "candidates": {"start": 0, "stop": 40, "step": 0.1},
    }
    answer = make_gate(rows, bounds=BOUNDS).release("shop", parse_query({"epsilon": 4.0, **document}))
    assert answer.rows[0][0] == pytest.approx(np.median(values), abs=0.5)


def top_k_finds_the_leaders_at_the_promised_price(make_gate):
    rows = crowd({NAMES[5]: 3000, NAMES[77]: 1000, NAMES[1100]: 2000} | dict.fromkeys(NAMES[200:260], 30))
    answer = make_gate(rows, bounds=BOUNDS).release(
        "shop", parse_query({"kind": "top_k", "column": "department", "values": NAMES, "k": 3, "epsilon": 0.5})
    )
    assert [name for name, _ in answer.rows] == [NAMES[5], NAMES[1100], NAMES[77]]
    assert [count for _, count in answer.rows] != [3000, 2000, 1000]


def laplace_noise_has_the_promised_spread(make_gate):
    plan = statistics._plan_shape("laplace", cells=4000, keys=3, per_key=2, cost=10**8)
    noise = statistics.draw_counts(np.zeros(4000, dtype=np.int64), plan)
    off = math.exp(-1 / plan.noise.scale)  # of the discrete Laplace: E|X| = 2q / (1 - q^2)
    assert np.abs(noise).mean() == pytest.approx(2 * off / (1 - off**2), rel=0.1)
    assert plan.noise.scale >= 6 / math.sqrt(2 * 0.1) * 0.999  # an L1 sensitivity of 3 * 2 at a rho of .1


def a_leader_is_picked_as_often_as_the_exponential_mechanism_says(make_gate):
    plan = statistics.plan_top_k(cells=500, k=1, keys=400, per_key=1, cost=10**9)
    ahead = round(plan.pick_scale * math.log(499))
    exact = np.zeros(500, dtype=np.int64)
    exact[77] = ahead
    odds = math.exp(ahead / plan.pick_scale)
    picked = np.mean([statistics.draw_top_k(exact, plan)[0][0] == 77 for _ in range(120)])
    assert picked == pytest.approx(odds / (odds + 499), abs=0.25)  # 5.5 standard deviations; half the noise gives .998


def a_quantile_is_chosen_as_often_as_the_exponential_mechanism_says(make_gate):
    plan = statistics.plan_quantile(candidates=(1, 2, 3), alpha=0.5, per_person=1, cost=10**7)
    scores = statistics._scores(plan.candidates, plan.alpha)
    per_row = scores(np.array([2.0]))[0] - scores(np.array([2.0]))[1]
    values = np.full(round(2 * plan.scale / per_row), 2.0)
    weights = np.exp(-np.array(scores(values)) / plan.scale)
    middle = np.mean([statistics.draw_quantile(values, plan) == 2 for _ in range(400)])
    # .79, within 5.6 standard deviations; half the noise gives .965, farther beyond
    assert middle == pytest.approx(weights[1] / weights.sum(), abs=0.115)


CHECKS = (
    noise_has_the_promised_spread,
    the_price_is_that_of_the_noise_for_the_bounds,
    noise_of_two_releases_is_independent,
    empty_cells_are_noised_like_full_ones,
    one_person_moves_counts_by_the_bounds,
    a_number_is_shown_by_its_noisy_count_alone,
    a_single_person_is_hidden,
    a_release_is_paid_in_full,
    a_repeated_query_is_free_and_equal,
    every_release_is_in_the_log,
    who_is_not_allowed_gets_nothing,
    a_quantile_is_near_the_truth,
    top_k_finds_the_leaders_at_the_promised_price,
    laplace_noise_has_the_promised_spread,
    a_leader_is_picked_as_often_as_the_exponential_mechanism_says,
    a_quantile_is_chosen_as_often_as_the_exponential_mechanism_says,
)


def no_bound_on_cells(patch):
    patch.setattr(bounds_module, "_most_visited", lambda person, cell, units, lines, most: np.arange(len(person)))


def no_bound_on_rows(patch):
    patch.setattr(release_module, "bounded_counts", lambda rows, query, _: bounds_module.bounded_counts(
        rows, query, Bounds(BOUNDS.max_merchants, BOUNDS.max_cells, 10**6)))  # fmt: skip


def no_cap_of_merchants(patch):
    patch.setattr(bounds_module, "cap_merchants", lambda rows, k_max: rows)


def bound_per_merchant_instead_of_per_person(patch):
    honest = bounds_module.bounded_counts

    def each(rows, query, bounds):
        return sum(
            (honest(part, query, bounds) for _, part in rows.groupby("merchant_id")),
            start=np.zeros(query.cells, dtype=np.int64),
        )

    patch.setattr(release_module, "bounded_counts", each)


def half_noise(patch):
    honest = statistics._noise_mechanism
    patch.setattr(statistics, "_noise_mechanism", lambda shape, cells, scale, zcdp=False: honest(
        shape, cells, scale if zcdp or shape == "laplace" else scale / 2))  # fmt: skip
    patch.setattr(statistics, "plan_counts", _planned_by(honest))


def _planned_by(mechanism):
    """Plans made with the honest price, so that only the draw is weaker."""
    plans = statistics.plan_counts.__wrapped__

    def plan(**arguments):
        inner = pytest.MonkeyPatch()
        inner.setattr(statistics, "_noise_mechanism", mechanism)
        try:
            return plans(**arguments)
        finally:
            inner.undo()

    return plan


def no_noise(patch):
    patch.setattr(statistics, "draw_counts", lambda exact, plan: exact)


def reused_noise(patch):
    honest, kept = statistics.draw_counts, {}

    def draw(exact, plan):
        if plan.cells not in kept:
            kept[plan.cells] = honest(np.zeros(plan.cells, dtype=np.int64), plan)
        return exact + kept[plan.cells]

    patch.setattr(statistics, "draw_counts", draw)


def one_draw_for_all_cells(patch):
    honest = statistics.draw_counts
    patch.setattr(statistics, "draw_counts", lambda exact, plan: exact + honest(np.zeros_like(exact), plan)[0])


def noise_shared_by_neighbours(patch):
    honest = statistics.draw_counts
    patch.setattr(
        statistics, "draw_counts", lambda exact, plan: exact + np.repeat(honest(np.zeros_like(exact), plan)[::2], 2)
    )


def noise_where_somebody_is(patch):
    honest = statistics.draw_counts
    patch.setattr(statistics, "draw_counts", lambda exact, plan: np.where(exact > 0, honest(exact, plan), 0))


def one_cell_paid_for_many(patch):
    patch.setattr(
        statistics, "_sensitivity", lambda shape, keys, per_key: per_key if shape == "laplace" else float(per_key)
    )


def rows_priced_as_persons(patch):
    honest = statistics._sensitivity
    patch.setattr(statistics, "_sensitivity", lambda shape, keys, per_key: honest(shape, keys, 1))


def half_price(patch):
    honest = statistics._fit

    def fit(scale, cost, map_of):
        scale, price = honest(scale, cost, map_of)
        return scale, price // 2

    patch.setattr(statistics, "_fit", fit)


def threshold_before_noise(patch):
    honest = release_module.ReleaseGate._noisy

    def noisy(self, exact, plan, query):
        least = release_module.threshold(plan, delta=self.ledger.budget.delta)
        inner = pytest.MonkeyPatch()
        inner.setattr(release_module, "threshold", lambda plan, delta: None)
        try:
            answer = honest(self, exact, plan, query)
        finally:
            inner.undo()
        rows = tuple((n, c if there >= least else None) for (n, c), there in zip(answer.rows, exact, strict=True))
        return replace(answer, rows=rows, threshold=least)

    patch.setattr(release_module.ReleaseGate, "_noisy", noisy)


def no_threshold(patch):
    patch.setattr(release_module, "threshold", lambda plan, delta: None)


def threshold_of_one(patch):
    patch.setattr(release_module, "threshold", lambda plan, delta: 1)


def no_reserve(patch):
    patch.setattr(Ledger, "reserve", lambda self, purpose, key, cost: Reservation(1, "people", "", purpose, key, cost))


def reserve_and_commit_skipped(patch):
    no_reserve(patch)

    def commit(self, reservation, within=None):
        with self.books.transaction() as connection:
            within(connection)

    patch.setattr(Ledger, "commit", commit)


def reserve_of_one(patch):
    honest = Ledger.reserve
    patch.setattr(Ledger, "reserve", lambda self, purpose, key, cost: honest(self, purpose, key, 1))


def never_committed(patch):
    patch.setattr(Ledger, "commit", lambda self, reservation, within=None: None)


def no_stored_answer(patch):
    patch.setattr(Answers, "store_within", lambda self, connection, **stored: None)


def stored_answer_ignored(patch):
    patch.setattr(Answers, "find", lambda self, *arguments, **others: None)


def stored_answer_noised_again(patch):
    honest = Answers.find

    def find(self, *arguments, **others):
        found = honest(self, *arguments, **others)
        return found and replace(found, rows=tuple((name, (count or 0) + 1) for name, count in found.rows))

    patch.setattr(Answers, "find", find)


def release_not_logged(patch):
    _log_without(patch, "release")


def access_not_logged(patch):
    _log_without(patch, "access")


def _log_without(patch, dropped):
    honest = Log.append_within
    patch.setattr(Log, "append_within", lambda self, connection, kind, body: (
        None if kind == dropped else honest(self, connection, kind, body)))  # fmt: skip


def policy_not_asked(patch):
    patch.setattr(PolicyEngine, "decide", lambda self, request: Decision(True, "", "", ""))


def quantile_upside_down(patch):
    def chooser(candidates, alpha, scale):
        dp = statistics._opendp()
        return statistics._scores(candidates, alpha) >> dp.m.then_noisy_max(
            dp.zero_concentrated_divergence(), scale=scale
        )

    patch.setattr(statistics, "_chooser", chooser)


def top_k_without_noise(patch):
    def draw(exact, plan):
        best = np.argsort(-exact)[: plan.k]
        return best, exact[best]

    patch.setattr(statistics, "draw_top_k", draw)


def half_laplace(patch):
    honest = statistics._noise_mechanism
    patch.setattr(statistics, "_noise_mechanism", lambda shape, cells, scale, zcdp=False: honest(
        shape, cells, scale if zcdp or shape == "gaussian" else scale / 2, zcdp=zcdp))  # fmt: skip


def picked_without_noise(patch):
    honest = statistics._picker

    def picker(cells, k, scale):
        made = honest(cells, k, scale)
        return _Mapped(lambda exact: list(np.argsort(-np.asarray(exact), kind="stable")[:k]), made.map)

    patch.setattr(statistics, "_picker", picker)


def picked_with_half_noise(patch):
    honest = statistics._picker
    patch.setattr(statistics, "_picker", lambda cells, k, scale: _Mapped(
        honest(cells, k, scale / 2), honest(cells, k, scale).map))  # fmt: skip


def quantile_with_half_noise(patch):
    honest = statistics._chooser
    patch.setattr(statistics, "_chooser", lambda candidates, alpha, scale: _Mapped(
        honest(candidates, alpha, scale / 2), honest(candidates, alpha, scale).map))  # fmt: skip


def quantile_without_noise(patch):
    honest = statistics._chooser
    patch.setattr(statistics, "_chooser", lambda candidates, alpha, scale: _Mapped(
        lambda values: int(np.argmin(statistics._scores(candidates, alpha)(values))),
        honest(candidates, alpha, scale).map))  # fmt: skip


class _Mapped:
    """A mechanism that draws in one way and is priced in another."""

    def __init__(self, draw, price):
        self._draw, self.map = draw, price

    def __call__(self, data):
        return self._draw(data)


MUTANTS = {
    no_bound_on_cells: one_person_moves_counts_by_the_bounds,
    no_bound_on_rows: one_person_moves_counts_by_the_bounds,
    no_cap_of_merchants: one_person_moves_counts_by_the_bounds,
    bound_per_merchant_instead_of_per_person: one_person_moves_counts_by_the_bounds,
    half_noise: noise_has_the_promised_spread,
    no_noise: noise_has_the_promised_spread,
    reused_noise: noise_of_two_releases_is_independent,
    one_draw_for_all_cells: noise_has_the_promised_spread,
    noise_shared_by_neighbours: noise_of_two_releases_is_independent,
    noise_where_somebody_is: empty_cells_are_noised_like_full_ones,
    one_cell_paid_for_many: the_price_is_that_of_the_noise_for_the_bounds,
    rows_priced_as_persons: the_price_is_that_of_the_noise_for_the_bounds,
    half_price: the_price_is_that_of_the_noise_for_the_bounds,
    threshold_before_noise: a_number_is_shown_by_its_noisy_count_alone,
    no_threshold: a_single_person_is_hidden,
    threshold_of_one: a_single_person_is_hidden,
    no_reserve: a_release_is_paid_in_full,
    reserve_and_commit_skipped: a_release_is_paid_in_full,
    reserve_of_one: a_release_is_paid_in_full,
    never_committed: a_release_is_paid_in_full,
    no_stored_answer: a_repeated_query_is_free_and_equal,
    stored_answer_ignored: a_repeated_query_is_free_and_equal,
    stored_answer_noised_again: a_repeated_query_is_free_and_equal,
    release_not_logged: every_release_is_in_the_log,
    access_not_logged: every_release_is_in_the_log,
    policy_not_asked: who_is_not_allowed_gets_nothing,
    quantile_upside_down: a_quantile_is_near_the_truth,
    top_k_without_noise: top_k_finds_the_leaders_at_the_promised_price,
    half_laplace: laplace_noise_has_the_promised_spread,
    picked_without_noise: a_leader_is_picked_as_often_as_the_exponential_mechanism_says,
    picked_with_half_noise: a_leader_is_picked_as_often_as_the_exponential_mechanism_says,
    quantile_with_half_noise: a_quantile_is_chosen_as_often_as_the_exponential_mechanism_says,
    quantile_without_noise: a_quantile_is_chosen_as_often_as_the_exponential_mechanism_says,
}


STOPPED = {no_reserve: "reserve before committing", no_stored_answer: "is committed already"}
"""Mutants that the ledger stops by itself, and how it says so; every other one must fail an assertion."""


@pytest.fixture(autouse=True)
def _fresh_plans():
    """Plans are remembered; a mutant must not meet plans of the honest code, nor leave its own behind."""
    caches = (statistics.plan_counts, statistics.plan_top_k)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_honest_code_passes(check, make_gate):
    check(make_gate)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_mutant_is_killed(mutant, make_gate):
    patch = pytest.MonkeyPatch()
    mutant(patch)
    try:
        survived = _passes(MUTANTS[mutant], make_gate, stopped=STOPPED.get(mutant))
    finally:
        patch.undo()
    assert not survived, f"{mutant.__name__} survived {MUTANTS[mutant].__name__}"


def test_every_check_kills_something():
    assert set(MUTANTS.values()) == set(CHECKS)


def _passes(check, make_gate, *, stopped) -> bool:
    try:
        check(make_gate)
    except (AssertionError, pytest.fail.Exception):
        return False
    except PrivacyError as error:
        if stopped is None or stopped not in str(error):
            raise
        return False
    return True
