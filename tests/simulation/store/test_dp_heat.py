import numpy as np
import pytest

from privacy.budget import Budget
from privacy.ledger import Ledger
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.statistics.bounds import bounded_counts
from retail.errors import ConfigError, PolicyError, PrivacyError
from simulation.store.behaviour import plan_day
from simulation.store.day import prepare
from simulation.store.demand_model import complete_journey_demand
from simulation.store.dp_heat import (
    Choice,
    PrivateHeat,
    choose_release,
    filled,
    movement_gate,
    movement_rows,
    on_floor,
    relative_error,
    release_presence,
)
from simulation.store.plan import load_plan
from simulation.store.routes import Presence, presence, within_reach
from simulation.store.settings import StoreSettings


def visits(day, *, plan="convenience", shoppers=300, settings=None):
    settings = settings or StoreSettings.default()
    store = prepare(load_plan(plan), settings)
    demand = complete_journey_demand().draw(day, seed=4, shoppers=shoppers, hours=store.hours, settings=settings)
    return presence(store.floor, plan_day(store.floor, demand, settings), side_cells=2)


@pytest.fixture(scope="module")
def simulated():
    return [visits(day) for day in range(3)]


@pytest.fixture
def make_gate():
    def make(rows, *, max_cells=20, epsilon=4.0, role="merchant"):
        ledger = Ledger.open(":memory:", scope="run", budget=Budget("visits", epsilon, 1e-5, 400))
        register = Register([Party("shop", "merchant"), Party("rival", "merchant")])
        register.add(Dataset("movement", "shop", "movement", "dp", about_persons=True))
        engine = PolicyEngine.load(["base"], register=register)
        log = Log.open(ledger.books, origin=None, key=None)
        return movement_gate(rows, ledger=ledger, engine=engine, log=log, max_cells=max_cells)

    return make


def test_a_release_is_paid_logged_and_given_again_for_nothing(simulated, make_gate):
    gate = make_gate(movement_rows(simulated[0]))
    before = gate.ledger.remaining
    first = release_presence(gate, "shop", simulated[0], epsilon=1.0)
    assert before - gate.ledger.remaining == first.cost > 0
    second = release_presence(gate, "shop", simulated[0], epsilon=1.0)
    assert np.array_equal(first.values, second.values, equal_nan=True)
    assert before - gate.ledger.remaining == first.cost
    assert [entry.kind for entry in gate.log.entries()].count("release") == 1


def test_a_map_lies_the_right_way_round(make_gate):
    square = np.repeat([1 * 4 + 3], 5000)  # row 1, column 3 of 3 x 4
    crowd = Presence(5000, 3, 4, 1.0, np.arange(5000), square, np.ones(5000, dtype=np.int64))
    private = release_presence(make_gate(movement_rows(crowd), max_cells=1), "shop", crowd, epsilon=1.0)
    assert private.values.shape == (3, 4)
    assert private.values[1, 3] == pytest.approx(5000, abs=100)
    assert np.abs(np.delete(private.values.ravel(), 7)).max() <= 100


def test_nobody_else_may_release_and_the_budget_holds(simulated, make_gate):
    gate = make_gate(movement_rows(simulated[0]), epsilon=1.0)
    with pytest.raises(PolicyError):
        release_presence(gate, "rival", simulated[0], epsilon=0.5)
    release_presence(gate, "shop", simulated[0], epsilon=0.9)
    with pytest.raises(PrivacyError, match="budget"):  # another grid is another question
        release_presence(gate, "shop", visits(0, plan="corner-shop"), epsilon=0.9)


def test_one_visit_changes_at_most_as_many_squares_as_the_bound_says(simulated):
    from simulation.store.dp_heat import _bounds, _query

    day = simulated[0]
    query = _query(day, "movement", 1.0, "own_business", "")
    rows = movement_rows(day)
    whole = bounded_counts(rows, query, _bounds(12))
    for visit in (0, 7, 100):
        less = bounded_counts(rows[rows["person_id"] != visit], query, _bounds(12))
        assert 0 < np.abs(whole - less).sum() <= 12
        assert np.abs(whole - less).max() <= 1


def test_a_person_with_many_visits_is_protected_as_one(simulated):
    from simulation.store.dp_heat import _bounds, _query

    day = simulated[0]
    rows = movement_rows(day, person=np.zeros(day.visits, dtype=np.int64))
    counts = bounded_counts(rows, _query(day, "movement", 1.0, "own_business", ""), _bounds(12))
    assert counts.sum() == 12


def test_filling_reads_counts_as_bayes_does():
    rng = np.random.default_rng(1)
    mean, spread, kept, sd = 100.0, 40.0, 0.8, 30.0
    truth = rng.normal(mean, spread, 400_000)
    noisy = kept * truth + rng.normal(0, sd, len(truth))
    one = np.ones((1, 1))
    choice = Choice(20, mean * one, spread * one, kept * one, 0.0, 0.0, ())
    for count in (30, 120):
        near = np.abs(noisy - count) < 1
        read = filled(PrivateHeat(count * one, 1.0, 20, 1.0, sd, 1), choice)
        assert read[0, 0] == pytest.approx(truth[near].mean(), abs=1.5)


def test_a_square_where_nobody_can_be_stays_empty():
    zero, one = np.zeros((1, 2)), np.ones((1, 2))
    private = PrivateHeat(np.array([[700.0, -700.0]]), 1.0, 20, 1.0, 300.0, 1)
    assert filled(private, Choice(20, zero, zero, one, 0.0, 0.0, ())).tolist() == [[0.0, 0.0]]


def test_the_plan_alone_clears_shelves_and_negative_counts():
    floor = prepare(load_plan("convenience"), StoreSettings.default()).floor
    reach = within_reach(floor, side_cells=2)
    rng = np.random.default_rng(0)
    private = PrivateHeat(rng.normal(20, 40, reach.shape), 1.0, 20, 1.0, 40.0, 1)
    read = on_floor(private, floor)
    assert (read[~reach] == 0).all()
    assert np.array_equal(read[reach], np.maximum(private.values[reach], 0.0))
    with pytest.raises(ConfigError, match="does not fit"):
        on_floor(PrivateHeat(np.zeros((3, 3)), 1.0, 20, 1.0, 40.0, 1), floor)


def test_a_stored_answer_says_what_it_cost_and_not_what_was_asked_again(simulated, make_gate):
    gate = make_gate(movement_rows(simulated[0]))
    first = release_presence(gate, "shop", simulated[0], epsilon=1.0)
    again = release_presence(gate, "shop", simulated[0], epsilon=0.25)
    assert again.epsilon == first.epsilon == pytest.approx(1.0, rel=0.01)
    assert again.noise_sd == first.noise_sd


def test_squares_of_any_side_make_a_grid(make_gate):
    crowd = Presence(
        1, 127, 134, 0.3, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    )
    private = release_presence(make_gate(movement_rows(crowd), max_cells=1), "shop", crowd, epsilon=1.0)
    assert private.values.shape == (127, 134)


def test_every_square_that_a_visit_enters_is_within_reach(simulated):
    floor = prepare(load_plan("convenience"), StoreSettings.default()).floor
    assert not (simulated[0].counts[~within_reach(floor, side_cells=2)] > 0).any()


def test_the_choice_takes_the_clip_with_the_least_error(simulated):
    choice = choose_release(simulated, epsilon=1.0, clips=(2, 40))
    errors = dict(choice.tried)
    assert choice.error == min(errors.values()) == errors[choice.max_cells]
    assert ((choice.kept >= 0) & (choice.kept <= 1)).all()
    assert choice.unaided > 0


def test_too_few_days_and_wrong_grids_are_refused(simulated):
    with pytest.raises(ConfigError, match="got 2"):
        choose_release(simulated[:2], epsilon=1.0)
    choice = choose_release(simulated, epsilon=1.0, clips=(5,))
    wrong = PrivateHeat(np.zeros((2, 2)), 1.0, 5, 1.0, 1.0, 1)
    with pytest.raises(ConfigError, match=r"\(2, 2\)"):
        filled(wrong, choice)


@pytest.mark.slow
def test_the_reference_day_meets_its_target_and_a_simulation_alone_is_told_beside_it():
    drawn = [StoreSettings.drawn(np.random.default_rng(number)) for number in range(5)]
    days = [visits(number, plan="supermarket", shoppers=2000, settings=one) for number, one in enumerate(drawn)]
    floor = prepare(load_plan("supermarket"), StoreSettings.default()).floor
    assert choose_release(days, epsilon=1.0, floor=floor).error <= 0.18  # without any prior
    choice = choose_release(days, epsilon=1.0)
    assert choice.error <= 0.12
    assert choice.unaided <= 0.3
    day = visits(100, plan="supermarket", shoppers=2000)
    assert day.rows * day.columns == pytest.approx(40 * 30, rel=0.3)
    assert relative_error(choice.mean, day.counts) < 0.18
