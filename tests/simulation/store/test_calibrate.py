import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from retail import columns as c
from retail.complete_journey import load
from retail.dataset import LazyTable, Period, RetailData
from retail.errors import ConfigError, DataError
from simulation.store.calibrate import DISPLAY_CODES, Promoted, estimate_lifts, fit_detours, read_promotions
from simulation.store.calibrate.promotions import WEEKS
from simulation.store.demand_model import DemandModel
from simulation.store.demand_model.trips import trips_of
from simulation.store.lifts import parameter_of
from simulation.store.plan import load_plan, rasterise
from simulation.store.settings import PARAMETERS

PLANTED = dict(zip(DISPLAY_CODES, (1.5, 1.4, 1.0, 1.2), strict=True))
CODES = list(DISPLAY_CODES.values())


def planted(*, products=400, stores=30, weeks=20, mailer_lift=2.5, seed=0):
    """Sales with known lifts; displays go with the mailer, and a third of the stores do not carry a product."""
    rng = np.random.default_rng(seed)
    trips = np.zeros((stores, WEEKS))
    trips[:, 1 : weeks + 1] = rng.integers(50, 400, (stores, 1))
    carries = rng.random((products, stores)) < 0.67
    base = rng.gamma(2.0, 0.01, products)
    mailed = rng.random((products, weeks)) < 0.3
    share = np.where(mailed, 0.4, 0.08)[:, None, :]
    shown = np.where(rng.random((products, stores, weeks)) < share, rng.integers(1, 5, (products, stores, weeks)), 0)
    shown *= carries[:, :, None]
    lift = np.array([1.0, *PLANTED.values()])[shown]
    mean = base[:, None, None] * trips[None, :, 1 : weeks + 1] * lift * np.where(mailed, mailer_lift, 1.0)[:, None, :]
    baskets = rng.poisson(mean * carries[:, :, None])
    bought = baskets.sum(axis=1) > 0
    mailer = np.where(mailed, "A", "0")
    number = (np.arange(products)[:, None, None] * stores + np.arange(stores)[None, :, None]) * WEEKS
    key = number + np.arange(1, weeks + 1)
    listed = ((shown > 0) | mailed[:, None, :]) & bought[:, None, :]
    return Promoted(
        products=np.arange(products),
        category=np.where(np.arange(products) < products // 2, "first", "second"),
        trips=trips,
        sold_key=key[baskets > 0],
        sold_baskets=baskets[baskets > 0].astype(float),
        sold_log_price=np.zeros((baskets > 0).sum()),
        listed_key=key[listed],
        listed_display=np.array(["0", *CODES])[shown[listed]],
        listed_mailer=np.broadcast_to(mailer[:, None, :], shown.shape)[listed],
    )


def test_planted_lifts_are_found_where_the_naive_ratio_is_misled():
    found = {one.kind: one for one in estimate_lifts(planted(), draws=200)}
    for kind, truth in PLANTED.items():
        one = found[kind]
        assert one.lift == pytest.approx(truth, rel=0.06)
        assert one.lo - 0.03 < truth < one.hi + 0.03
        assert one.naive > 1.25 * truth
        assert one.lo < one.lift < one.hi
        assert one.price_gap == 0


def test_only_the_chosen_categories_are_used():
    promoted = planted(products=100)
    every, some = (estimate_lifts(promoted, categories=names, draws=20)[0] for names in (None, ["first"]))
    assert some.products < every.products
    assert some.bought < every.bought
    with pytest.raises(ConfigError, match="no product of the categories third was sold"):
        estimate_lifts(promoted, categories=["third"])


def test_what_a_lower_price_would_have_sold_anyway_is_taken_out():
    promoted = planted(products=100)
    on_display = np.isin(promoted.sold_key, promoted.listed_key[promoted.listed_display != "0"])
    cheaper = Promoted(**{**vars(promoted), "sold_log_price": np.where(on_display, -0.2, 0.0)})
    for before, after in zip(estimate_lifts(promoted, draws=20), estimate_lifts(cheaper, draws=20), strict=True):
        assert after.price_gap == pytest.approx(-0.2)
        for name in ("lift", "lo", "hi"):
            assert getattr(after, name) == pytest.approx(getattr(before, name) * math.exp(-0.2 * 2.62))
        assert after.naive == before.naive


def test_too_little_is_refused():
    promoted = planted(products=30)
    with pytest.raises(ConfigError, match="draws = 1"):
        estimate_lifts(promoted, draws=1)
    nothing = Promoted(**{**vars(promoted), "listed_display": np.full(len(promoted.listed_key), "0")})
    with pytest.raises(DataError, match="no sale on a store_front display"):
        estimate_lifts(nothing)


def tables(folder, promotions=True):
    day = (dt.date(2017, 1, 4) - dt.date(1970, 1, 1)).days
    lines = pd.DataFrame(
        [
            (1, 10, 100, 5, day, 1, 2.0),
            (1, 10, 101, 5, day, 2, 4.0),
            (2, 11, 100, 5, day, 2, 2.0),
            (2, 12, 100, 6, day + 7, 1, 3.0),
            (2, 13, 102, 9, day, 1, 3.0),
        ],
        columns=[c.PERSON, c.BASKET, c.PRODUCT, c.STORE, c.DAY, c.QUANTITY, c.SALES],
    )
    listed = pd.DataFrame(
        [(100, 5, 2, "1", "A"), (100, 6, 2, "0", "A"), (100, 6, 4, "3", "0"), (103, 6, 2, "5", "0")],
        columns=[c.PRODUCT, c.STORE, c.WEEK, c.DISPLAY, c.MAILER],
    )
    listed.to_parquet(folder / "promotions.parquet")
    products = pd.DataFrame({c.PRODUCT: [100, 101, 102, 103], c.CATEGORY: ["tea", None, "tea", "tea"]})
    products = products.assign(**{name: "x" for name in c.TAXONOMY if name != c.CATEGORY})
    return RetailData(
        name="made",
        timezone="UTC",
        currency="EUR",
        period=Period(dt.date(2017, 1, 1), dt.date(2017, 12, 31), public=True),
        transactions=lines,
        products=products,
        customers=pd.DataFrame(),
        stores=pd.DataFrame(),
        campaigns=pd.DataFrame(),
        promotions=LazyTable(folder / "promotions.parquet") if promotions else None,
        fingerprint="0",
    )


def test_promotions_stand_next_to_the_sales_of_their_stores_and_weeks(tmp_path):
    promoted = read_promotions(tables(tmp_path))
    assert promoted.products.tolist() == [100, 101]
    assert promoted.category.tolist() == ["tea", ""]
    assert promoted.trips[:, 2:4].tolist() == [[2, 0], [0, 1]]
    key = [(0 * 2 + 0) * WEEKS + 2, (0 * 2 + 1) * WEEKS + 3, (1 * 2 + 0) * WEEKS + 2]
    assert promoted.sold_key.tolist() == key
    assert promoted.sold_baskets.tolist() == [2, 1, 1]
    assert np.allclose(promoted.sold_log_price, [math.log(2) / 2, math.log(3), math.log(2)])
    assert promoted.listed_key.tolist() == [2, WEEKS + 2]
    assert promoted.listed_display.tolist() == ["1", "0"]
    assert promoted.listed_mailer.tolist() == ["A", "A"]


def test_data_without_promotions_are_refused(tmp_path):
    with pytest.raises(DataError, match="made has no promotions"):
        read_promotions(tables(tmp_path, promotions=False))


def wants(floor, n=300):
    rng = np.random.default_rng(4)
    basket = np.repeat(np.arange(n), 4)
    return DemandModel(
        "made",
        "EUR",
        "0",
        trips_of(
            basket=basket,
            hour=8 + basket % 12,
            category=rng.choice(floor.categories, len(basket)),
            quantity=np.ones(len(basket)),
            spend=np.ones(len(basket)),
        ),
    )


def test_the_fitted_rate_gives_the_path_that_was_asked_for():
    floor = rasterise(load_plan("supermarket"))
    arguments = {"floor": floor, "model": wants(floor), "least_categories": 3, "days": 2, "shoppers": 60}
    shortest, longest = (fit_detours(path_m=far, **arguments) for far in (1.0, 1e4))
    assert (shortest.rate, shortest.met, longest.rate, longest.met) == (0.0, False, 1.0, False)
    assert shortest.path_m < longest.path_m
    middle = (shortest.path_m + longest.path_m) / 2
    fit = fit_detours(path_m=middle, **arguments)
    assert fit.met
    assert fit.path_m == pytest.approx(middle, rel=0.01)
    assert 0.2 < fit.rate < 0.8
    assert fit.error > 0


def test_a_fit_without_enough_to_compare_is_refused():
    floor = rasterise(load_plan("supermarket"))
    with pytest.raises(ConfigError, match="at least 2 days"):
        fit_detours(floor, wants(floor), days=1)
    with pytest.raises(ConfigError, match="no trip of 9 categories or more"):
        fit_detours(floor, wants(floor), least_categories=9, days=2, shoppers=20)


@pytest.mark.slow
def test_the_lifts_in_use_are_those_of_the_complete_journey():
    promoted = read_promotions(load())
    found = estimate_lifts(promoted)
    for one in found:
        used = PARAMETERS[parameter_of(one.kind)]
        assert abs(one.lift / used.value - 1) < 0.1
        assert used.lo < one.lift < used.hi
        assert 1.2 * one.lift < one.naive < 2.4
    milk = {one.kind: one for one in estimate_lifts(promoted, categories=["FLUID MILK PRODUCTS"])}["front_end_cap"]
    assert milk.lo < 1.0 < milk.hi
