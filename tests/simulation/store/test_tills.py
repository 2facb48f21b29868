import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail.errors import ConfigError, DataError
from simulation.store.plan import Fixture, StorePlan
from simulation.store.settings import StoreSettings
from simulation.store.theory import erlang_c, mean_present, mgc_wait_s, mmc_wait_s
from simulation.store.tills import ALWAYS, TillSpec, fast, plan_tills, queues

DEFAULT = StoreSettings.default()
SURE = DEFAULT.with_values(service_cv=0.0)
KINDS = ("lane", "express", "self_checkout", "tray", "face", "tray_account")
HOURS = (ALWAYS, ((0.0, 500.0),), ((100.0, 900.0), (1500.0, 2000.0)), ((700.0, math.inf),))


def day(reach_s, items, *, pay_u=0.99, patience_s=np.inf, z=0.0):
    n = len(reach_s)
    fill = lambda value: np.broadcast_to(np.asarray(value, dtype=float), n).copy()  # noqa: E731
    return np.asarray(reach_s, dtype=float), np.asarray(items), fill(z), fill(pay_u), fill(patience_s)


def random_day(rng, shoppers, span_s=2500.0):
    reach_s = np.round(rng.random(shoppers) * span_s, rng.integers(0, 3))
    z = rng.standard_normal(shoppers) * rng.integers(0, 2)
    patience_s = rng.choice([0.0, 40.0, 300.0, np.inf], shoppers)
    return reach_s, rng.poisson(7, shoppers), z, rng.random(shoppers), patience_s


def random_tills(rng, most=5):
    others = [
        TillSpec(
            str(rng.choice(KINDS)),
            servers=int(rng.integers(1, 4)),
            max_items=(None, 5)[rng.integers(2)],
            opens=HOURS[rng.integers(len(HOURS))],
        )
        for _ in range(rng.integers(0, most))
    ]
    return [*others, TillSpec("lane", opens=HOURS[rng.integers(len(HOURS))])]


def assert_same_bytes(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert (a.dtype, a.shape) == (b.dtype, b.shape), field.name
        assert a.tobytes() == b.tobytes(), field.name


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shoppers=st.integers(0, 250))
def test_simpy_and_the_recursion_give_the_same_bytes(seed, shoppers):
    rng = np.random.default_rng(seed)
    given_day, tills = random_day(rng, shoppers), random_tills(rng)
    assert_same_bytes(fast.serve(*given_day, tills, DEFAULT), queues.serve(*given_day, tills, DEFAULT))


@pytest.mark.slow
def test_simpy_and_the_recursion_give_the_same_bytes_for_40_000_customers():
    rng = np.random.default_rng(1)
    given_day = random_day(rng, 40_000, span_s=400_000.0)
    tills = [*(TillSpec("lane"),) * 6, TillSpec("express"), TillSpec("self_checkout", servers=6), TillSpec("tray")]
    assert_same_bytes(fast.serve(*given_day, tills, DEFAULT), queues.serve(*given_day, tills, DEFAULT))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_everyone_pays_once_or_gives_up_and_no_server_has_two_shoppers(seed):
    rng = np.random.default_rng(seed)
    given_day, tills = random_day(rng, 120), random_tills(rng)
    served = fast.serve(*given_day, tills, DEFAULT)
    paid = served.till >= 0
    assert np.isnan(served.wait_s[~paid]).all()
    assert (served.wait_s[paid] >= 0).all()
    assert np.array_equal(served.done_s[~paid], given_day[0][~paid])
    assert (served.till[given_day[1] == 0] == -1).all()
    assert (served.busy_s <= served.staffed_s + 1e-6).all()
    for number, till in enumerate(tills):
        mine = served.till == number
        begins = served.done_s[mine] - served.service_s[mine]
        assert served.busy_s[number] == pytest.approx(served.service_s[mine].sum())
        at_once = [
            (begins < end - 1e-9).sum() - (served.done_s[mine] < end - 1e-9).sum() for end in served.done_s[mine]
        ]
        assert max(at_once, default=0) <= till.servers
        in_order = begins[np.argsort(given_day[0][mine], kind="stable")]
        assert (np.diff(in_order) >= -1e-9).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_in_which_shoppers_are_listed_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    reach_s = rng.permutation(100) * 7.5
    given_day, tills = (reach_s, *random_day(rng, 100)[1:]), random_tills(rng)
    shuffle = rng.permutation(100)
    one = fast.serve(*given_day, tills, DEFAULT)
    other = fast.serve(*(column[shuffle] for column in given_day), tills, DEFAULT)
    assert np.array_equal(one.till[shuffle], other.till)
    assert np.array_equal(one.wait_s[shuffle], other.wait_s, equal_nan=True)


def test_service_takes_as_long_as_the_kind_of_till_says():
    alone = day([0.0], [10])
    usual = {"lane": 35 + 28, "express": 35 + 28, "tray": 40, "face": 35 - 12 + 28, "tray_account": 40 - 12}
    for kind, seconds in usual.items():
        first = fast.serve(*alone, [TillSpec(kind, max_items=None), TillSpec("lane", opens=((9e4, 9e5),))], SURE)
        assert (first.till[0], first.service_s[0]) == (0, pytest.approx(seconds)), kind
    bank = fast.serve(*day([0.0], [10], pay_u=0.0), [TillSpec("lane"), TillSpec("self_checkout")], SURE)
    assert (bank.till[0], bank.service_s[0]) == (1, pytest.approx(45 + 45))


def test_service_times_have_the_mean_and_spread_of_the_settings():
    n = 200_000
    z = np.random.default_rng(0).standard_normal(n)
    served = fast.serve(*day(np.arange(n) * 1e3, np.full(n, 10), z=z), [TillSpec("lane")], DEFAULT)
    assert served.service_s.mean() == pytest.approx(63, rel=0.01)
    assert served.service_s.std() / served.service_s.mean() == pytest.approx(0.35, rel=0.01)


def test_shoppers_take_the_shortest_queue_and_of_equal_ones_the_smaller_number():
    served = fast.serve(*day([0, 1, 2, 3], [5] * 4), [TillSpec("lane"), TillSpec("lane")], SURE)
    assert served.till.tolist() == [0, 1, 0, 1]
    assert served.wait_s.tolist() == pytest.approx([0, 0, 49 - 2, 49 + 1 - 3])


def test_small_baskets_go_to_the_express_lane_and_large_ones_never():
    tills = [TillSpec("lane"), TillSpec("express", max_items=5)]
    served = fast.serve(*day([0, 1, 2, 3], [5, 6, 5, 6]), tills, SURE)
    assert served.till.tolist() == [1, 0, 1, 0]
    by_setting = fast.serve(*day([0, 1000], [10, 11]), [TillSpec("lane"), TillSpec("express")], SURE)
    assert by_setting.till.tolist() == [1, 0]


def test_a_shopper_who_likes_self_checkout_goes_there_even_where_a_lane_is_free():
    tills = [TillSpec("lane"), TillSpec("self_checkout", servers=2)]
    served = fast.serve(*day([0, 1, 2, 3], [5] * 4, pay_u=[0.39, 0.39, 0.39, 0.4]), tills, SURE)
    assert served.till.tolist() == [1, 1, 1, 0]
    assert served.wait_s[:3].tolist() == pytest.approx([0, 0, 45 + 22.5 - 2])


def test_who_expects_too_long_a_wait_leaves_without_paying():
    patience_s = [np.inf, 48.9, 49.0]
    served = fast.serve(*day([0, 0, 0], [5] * 3, patience_s=patience_s), [TillSpec("lane")], SURE)
    assert served.till.tolist() == [0, -1, 0]
    assert served.done_s[1] == 0
    assert np.isnan(served.service_s[1])


def test_a_till_serves_its_queue_after_closing_and_that_counts_as_staffed():
    tills = [TillSpec("lane", opens=((0.0, 50.0), (1000.0, math.inf)))]
    served = fast.serve(*day([0, 10, 60, 2000], [5] * 4), tills, SURE)
    start = served.done_s - served.service_s
    assert start.tolist() == pytest.approx([0, 49, 1000, 2000])
    assert served.busy_s.tolist() == pytest.approx([4 * 49])
    assert served.staffed_s.tolist() == pytest.approx([98 + 1049])
    shut = fast.serve(*day([10.0, 60.0], [5, 5]), [TillSpec("lane", opens=((0.0, 50.0),))], SURE)
    assert shut.till.tolist() == [0, -1]


def poisson_day(rng, n, *, load, servers, service_s):
    return np.cumsum(rng.exponential(service_s / (load * servers), n))


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (3, 0.8), (6, 0.9)])
def test_waiting_agrees_with_erlang_c_within_its_interval(servers, load):
    # Exponential service times from the lognormal factor: z is chosen so that the factor becomes the wanted time.
    runs, n, sigma = 12, 60_000, math.sqrt(math.log1p(1.0))
    one = SURE.with_values(service_cv=1.0, till_fixed_s=60.0, till_item_s=0.0)
    waits, chances = [], []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        z = (np.log(rng.exponential(1.0, n)) + sigma**2 / 2) / sigma
        reach_s = poisson_day(rng, n, load=load, servers=servers, service_s=60.0)
        served = fast.serve(*day(reach_s, np.ones(n, int), z=z), [TillSpec("lane", servers=servers)], one)
        waits.append(served.wait_s[5000:].mean())
        chances.append((served.wait_s[5000:] > 0).mean())
    for found, exact in (
        (waits, mmc_wait_s(servers, load * servers / 60, 60.0)),
        (chances, erlang_c(servers, load * servers)),
    ):
        half = 4.44 * np.std(found, ddof=1) / math.sqrt(runs)  # t, 11 degrees of freedom, 99.9 %
        assert abs(np.mean(found) - exact) <= half


@pytest.mark.parametrize(("servers", "cv"), [(1, 0.35), (1, 1.0), (4, 0.35), (4, 0.6)])
def test_waiting_agrees_with_lee_and_longton_within_five_percent(servers, cv):
    one = SURE.with_values(service_cv=cv, till_fixed_s=60.0, till_item_s=0.0)
    waits, n = [], 400_000
    for seed in range(4):
        rng = np.random.default_rng(seed)
        reach_s = poisson_day(rng, n, load=0.85, servers=servers, service_s=60.0)
        served = fast.serve(
            *day(reach_s, np.ones(n, int), z=rng.standard_normal(n)), [TillSpec("lane", servers=servers)], one
        )
        waits.append(served.wait_s[5000:].mean())
    assert np.mean(waits) == pytest.approx(mgc_wait_s(servers, 0.85 * servers / 60, 60.0, cv), rel=0.05)


def test_littles_law_holds_against_people_counted_at_random_moments():
    rng = np.random.default_rng(5)
    reach_s = poisson_day(rng, 40_000, load=0.8, servers=4, service_s=63.0)
    tills = [TillSpec("lane")] * 4
    served = fast.serve(*day(reach_s, np.full(40_000, 10), z=rng.standard_normal(40_000)), tills, DEFAULT)
    moments = rng.uniform(0, reach_s[-1], 40_000)
    counted = np.searchsorted(np.sort(reach_s), moments) - np.searchsorted(np.sort(served.done_s), moments)
    inside = mean_present(reach_s, served.done_s, start_s=0.0, end_s=float(reach_s[-1]))
    assert counted.mean() == pytest.approx(inside, rel=0.03)
    arrivals_per_s = len(reach_s) / reach_s[-1]
    assert inside == pytest.approx(arrivals_per_s * (served.wait_s + served.service_s).mean(), rel=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "drive-through"}, "till kind 'drive-through' is unknown; use one of lane"),
        ({"servers": 0}, "servers = 0 must be at least 1"),
        ({"max_items": 0}, "max_items = 0 must be at least 1"),
        ({"opens": ()}, "opens = \\(\\) must be rising"),
        ({"opens": ((5.0, 4.0),)}, "must be rising"),
        ({"opens": ((0.0, 5.0), (4.0, 9.0))}, "must be rising"),
        ({"opens": ((-1.0, 5.0),)}, "must be rising"),
        ({"opens": ((math.nan, 5.0),)}, "must be rising"),
    ],
)
def test_a_till_that_cannot_work_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        TillSpec(**{"kind": "lane", **change})


def test_tills_that_leave_some_basket_unserved_are_refused():
    for tills in ([], [TillSpec("express")], [TillSpec("lane", max_items=3)]):
        with pytest.raises(ConfigError, match="takes a basket of any size"):
            fast.serve(*day([0.0], [1]), tills, DEFAULT)


def test_shoppers_that_no_queue_can_handle_are_refused():
    tills = [TillSpec("lane")]
    with pytest.raises(DataError, match="lengths \\[1, 2\\]"):
        fast.serve(*day([0.0, 1.0], [1]), tills, DEFAULT)
    with pytest.raises(DataError, match="shopper 1 has an unusable reach_s"):
        queues.serve(*day([0.0, np.nan], [1, 1]), tills, DEFAULT)
    with pytest.raises(DataError, match="shopper 0 has an unusable patience_s"):
        fast.serve(*day([0.0], [1], patience_s=np.nan), tills, DEFAULT)


def test_a_plans_tills_are_read_with_hours_turned_into_seconds_after_opening():
    def till(name, **more):
        return Fixture(name, "till", 1.0, 1.0, 1.0, 1.0, **{"till": "lane", **more})

    tills = (
        till("a"),
        till("b", till="express", max_items=8, open_h=((6.0, 12.0), (16.0, 21.0))),
        till("c", servers=4, till="self_checkout", open_h=((10.0, 11.5),)),
    )
    plan = StorePlan("small", 10.0, 10.0, tills, opens_h=8.0, closes_h=21.0)
    assert plan_tills(plan) == (
        TillSpec("lane"),
        TillSpec("express", max_items=8, opens=((0.0, 14400.0), (28800.0, math.inf))),
        TillSpec("self_checkout", servers=4, opens=((7200.0, 12600.0),)),
    )
    with pytest.raises(ConfigError, match="has no till"):
        plan_tills(StorePlan("small", 10.0, 10.0, ()))
    with pytest.raises(ConfigError, match="never staffed while the store is open \\(8 to 21 h\\)"):
        plan_tills(dataclasses.replace(plan, fixtures=(till("a", open_h=((4.0, 7.0),)),)))
