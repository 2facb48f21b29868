"""An own label's market: made-up shops whose truth is known, a folder of CSV tables, and the Complete Journey."""

import datetime as dt
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from retail import columns as c
from retail import complete_journey
from retail.dataset import LazyTable, Period, RetailData
from retail.errors import ConfigError, DataError
from retail.folder import load_folder
from retail.private_label import (
    category_purchases,
    estimate_price_coefficient,
    given_price_coefficient,
    label_setting,
    largest_categories,
    outside_share,
    product_table,
    setting_of,
    weekly_offers,
    weekly_prices,
)
from retail.private_label.__main__ import _interval, _measured, main
from retail.private_label.purchases import OTHERS, OTHERS_OWN

PAGE = Path(__file__).parents[2] / "docs" / "market-semi-empirical.md"
MONDAY = dt.date(2024, 1, 1)
QUALITY = np.array([3.2, 2.6, 2.4, 2.0, 2.9])
OWN = np.array([False, False, True, True, False])
BASE_PRICE = np.array([3.0, 2.5, 2.0, 1.5, 3.5])


def made_up(
    rng, *, coefficient=-1.5, weeks=40, visits=1500, mailer=0.0, persons=200, quality=QUALITY, moving=True
) -> tuple[RetailData, dict]:
    """A shop in which every visit makes one logit choice among five teas and none; mailers come with low prices."""
    count = len(quality)
    base = np.resize(BASE_PRICE, count)
    mailed = rng.random((weeks, count)) < 0.3
    price = (
        base * np.where(mailed, 0.8, 1.0) * np.exp(0.05 * rng.standard_normal((weeks, count)))
        if moving
        else (np.tile(base, (weeks, 1)))
    )
    price = price.round(2)
    utility = quality + coefficient * price + mailer * mailed
    chance = np.exp(np.column_stack([utility, np.zeros(weeks)]))
    chance /= chance.sum(axis=1, keepdims=True)
    week = np.repeat(np.arange(weeks), visits)
    choice = (rng.random(len(week))[:, None] > chance.cumsum(axis=1)[week]).sum(axis=1)
    basket = np.arange(len(week))
    tea = choice < count
    lines = pd.DataFrame(
        {
            c.PERSON: np.concatenate([basket, basket[tea]]) % persons,
            c.BASKET: np.concatenate([basket, basket[tea]]),
            c.PRODUCT: np.concatenate([np.full(len(week), 900), 100 + choice[tea]]),
            c.STORE: 1,
            c.TIME: pd.Timestamp(MONDAY),
            c.DAY: (MONDAY - dt.date(1970, 1, 1)).days + 7 * np.concatenate([week, week[tea]]) + 2,
            c.QUANTITY: 1,
            c.SALES: np.concatenate([np.ones(len(week)), price[week[tea], choice[tea]]]),
        }
    )
    products = pd.DataFrame(
        {
            c.PRODUCT: [*range(100, 100 + count), 900],
            c.TYPE: "",
            c.CATEGORY: ["TEA"] * count + ["BREAD"],
            c.MANUFACTURER: [*(np.arange(count) % 3), 9],
            c.BRAND: [*np.where(np.resize(OWN, count), "Private", "National"), "National"],
            c.DEPARTMENT: "GROCERY",
        }
    )
    period = Period(MONDAY, MONDAY + dt.timedelta(days=7 * weeks - 1), public=True)
    empty = pd.DataFrame()
    data = RetailData("made-up", "UTC", "EUR", period, lines, products, empty, empty, empty, None, "x")
    return data, {"price": price, "mailed": mailed, "chance": chance}


def with_mailers(data: RetailData, mailed: np.ndarray, path: Path) -> RetailData:
    week, product = np.nonzero(mailed)
    listed = pd.DataFrame(
        {
            c.PRODUCT: [*(100 + product), 100],
            c.STORE: 1,
            c.WEEK: [*(week + 1), 1],
            c.DISPLAY: "0",
            c.MAILER: [*("A" for _ in week), "0"],
        }
    ).drop_duplicates([c.PRODUCT, c.WEEK])
    listed.to_parquet(path)
    return RetailData(
        **{**{name: getattr(data, name) for name in data.__dataclass_fields__}, "promotions": LazyTable(path)}
    )


def order(purchases) -> np.ndarray:
    """Places of products 100, 101, ... in a market."""
    return np.array([purchases.products.index(str(100 + one)) for one in range(len(QUALITY))])


@pytest.fixture(scope="module")
def shop():
    return made_up(np.random.default_rng(5))


@pytest.fixture(scope="module")
def journey():
    return complete_journey.load()


def test_the_known_price_coefficient_and_utilities_come_back(shop):
    data, truth = shop
    market = label_setting(data, "TEA")
    found = market.price_coefficient
    assert found.source == "estimated"
    assert abs(found.value + 1.5) < 3 * found.standard_error
    assert 0.01 < found.standard_error < 0.1
    assert market.outside == pytest.approx(truth["chance"][:, -1].mean(), abs=0.005)
    # Shares over a year are means over changing prices, so qualities come back only nearly.
    assert market.quality[order(market)] == pytest.approx(QUALITY, abs=0.25)
    assert market.own[order(market)].tolist() == OWN.tolist()


def test_intervals_hold_the_truth_in_about_95_of_100_shops():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        data, _ = made_up(rng, weeks=30, visits=250)
        low, high = estimate_price_coefficient(category_purchases(data, "TEA")).interval
        held += low < -1.5 < high
    assert held >= 52  # of 60; with a chance of .95 fewer come about once in 300 times, and these seeds are fixed


def test_newton_finds_what_a_general_optimiser_finds(shop):
    purchases = category_purchases(shop[0], "TEA")
    price, available = weekly_prices(purchases)
    assert available.all()
    chosen = np.zeros_like(price)
    np.add.at(chosen, (purchases.week, purchases.product), purchases.weight)

    def against(beta):
        utility = np.append(0.0, beta[:-1]) + beta[-1] * price
        return -(chosen * (utility - np.log(np.exp(utility).sum(axis=1))[:, None])).sum()

    found = minimize(against, np.zeros(price.shape[1]), method="BFGS", options={"gtol": 1e-4})
    assert estimate_price_coefficient(purchases).value == pytest.approx(found.x[-1], abs=1e-4)


def test_holding_mailers_takes_their_effect_out_of_the_prices(tmp_path):
    data, truth = made_up(np.random.default_rng(8), mailer=0.5)
    data = with_mailers(data, truth["mailed"], tmp_path / "promotions.parquet")
    purchases = category_purchases(data, "TEA")
    offers = weekly_offers(data, purchases)
    assert (offers["mailer"][:, order(purchases)] == truth["mailed"]).all()
    assert not offers["display"].any()
    plain = label_setting(data, "TEA").price_coefficient
    held = estimate_price_coefficient(purchases, offers={"mailer": offers["mailer"]})
    assert plain.value < -1.5 - 5 * plain.standard_error
    assert abs(held.value + 1.5) < 3 * held.standard_error
    assert held.held == ("mailer",)


def test_a_habit_of_households_widens_the_standard_error_of_households_only():
    rng = np.random.default_rng(4)
    data, _ = made_up(rng)
    alone = data.transactions.assign(**{c.PERSON: data.transactions[c.BASKET]})
    spread = RetailData(**{**{name: getattr(data, name) for name in data.__dataclass_fields__}, "transactions": alone})
    together = data.transactions.assign(**{c.PERSON: data.transactions[c.BASKET] // 1500 // 4})
    few = RetailData(**{**{name: getattr(data, name) for name in data.__dataclass_fields__}, "transactions": together})
    one, other = (estimate_price_coefficient(category_purchases(each, "TEA")) for each in (spread, few))
    assert one.value == other.value
    assert one.by_week == other.by_week
    assert one.by_household != other.by_household


def test_shares_sum_to_one_and_the_market_gives_back_what_was_observed(shop):
    market = label_setting(shop[0], "TEA", price_coefficient=-2.0)
    assert market.share.sum() + market.outside == pytest.approx(1)
    assert market.shares() == pytest.approx(market.share)
    assert market.price_coefficient == given_price_coefficient(-2.0)
    table = product_table(category_purchases(shop[0], "TEA"))
    assert table["units_share"].sum() == pytest.approx(1)
    assert table["visit_share"].to_numpy() == pytest.approx(market.share)


@given(
    st.lists(st.floats(0.1, 10), min_size=5, max_size=5),
    st.floats(-5, -0.2),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_a_logit_market_obeys_its_identities(prices, coefficient, present):
    purchases = category_purchases(SMALL, "TEA", least_visits=1)
    market = setting_of(purchases, given_price_coefficient(coefficient))
    price = np.array(prices)
    shares = market.shares(price=price, present=present)
    assert shares.sum() < 1
    assert (shares[~np.array(present)] == 0).all()
    surplus = market.surplus(price=price, present=present)
    assert surplus <= market.surplus(price=price) + 1e-12
    # Roy's identity: a cent more on a product costs a visit its share of a cent.
    for one in np.flatnonzero(present):
        higher, lower = price.copy(), price.copy()
        higher[one] += 1e-5
        lower[one] -= 1e-5
        slope = (market.surplus(price=higher, present=present) - market.surplus(price=lower, present=present)) / 2e-5
        assert slope == pytest.approx(-shares[one], abs=1e-5)


def test_observed_prices_are_best_answers_at_the_implied_costs(shop):
    market = label_setting(shop[0], "TEA")
    costs = market.implied_costs()
    sellers = np.array(["own" if own else seller for own, seller in zip(market.own, market.sellers, strict=True)])
    for seller in np.unique(sellers):
        mine = np.flatnonzero(sellers == seller)

        def loss(prices, mine=mine):
            price = market.price.copy()
            price[mine] = prices
            return -((price - costs) * market.shares(price=price))[mine].sum()

        best = minimize(loss, market.price[mine], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12})
        assert best.x == pytest.approx(market.price[mine], abs=1e-3)


def test_small_products_are_pooled_into_an_own_and_another_rest(shop):
    whole, pooled = (category_purchases(shop[0], "TEA", most=most) for most in (5, 1))
    assert pooled.products[1:] == (OTHERS_OWN, OTHERS)
    assert pooled.own.tolist()[1:] == [True, False]
    assert pooled.choices.sum() == whole.choices.sum()
    assert pooled.choices[pooled.own].sum() == whole.choices[whole.own].sum()
    assert outside_share(pooled) == outside_share(whole)
    none_small = category_purchases(shop[0], "TEA", least_visits=1)
    assert not none_small.pooled.any()


def test_a_visit_that_takes_two_products_makes_one_choice_in_halves():
    data = handmade(
        [
            (1, 1, 100, 1, 2.0, 0),
            (1, 1, 101, 2, 3.0, 0),
            (1, 2, 100, 1, 2.0, 8),
            (2, 3, 100, 3, 3.0, 1),
            (2, 4, 900, 1, 1.0, 1),
            (2, 5, 101, 1, 0.0, 1),
        ]
    )
    purchases = category_purchases(data, "TEA", least_visits=1)
    assert purchases.products == ("100", "101")
    assert purchases.choices.tolist() == [2.5, 0.5]
    assert (purchases.visits, purchases.buying_visits) == (5, 3)  # nothing was paid in basket 5
    assert purchases.week.tolist() == [0, 0, 1, 0]
    table = product_table(purchases).set_index(c.PRODUCT)
    assert table.loc["100", "price"] == pytest.approx(7 / 5)
    assert table["units_share"].to_list() == pytest.approx([5 / 7, 2 / 7])
    assert table["repeat_rate"].to_list() == [0.5, 0.0]
    market = setting_of(purchases, given_price_coefficient(-1.0))
    assert market.mean_utility == pytest.approx(np.log([0.5 / 0.4, 0.1 / 0.4]))


def handmade(lines, brand=("National", "Private")) -> RetailData:
    """Lines are (person, basket, product, quantity, sales, days after Monday)."""
    frame = pd.DataFrame(lines, columns=[c.PERSON, c.BASKET, c.PRODUCT, c.QUANTITY, c.SALES, c.DAY])
    frame[c.DAY] += (MONDAY - dt.date(1970, 1, 1)).days
    frame[c.STORE] = 1
    products = pd.DataFrame(
        {c.PRODUCT: [100, 101, 900], c.CATEGORY: ["TEA", "TEA", "BREAD"], c.BRAND: [*brand, "National"]}
    )
    for name in (c.TYPE, c.MANUFACTURER, c.DEPARTMENT):
        products[name] = None
    period = Period(MONDAY, MONDAY + dt.timedelta(days=13), public=True)
    empty = pd.DataFrame()
    return RetailData("handmade", "UTC", "EUR", period, frame, products, empty, empty, empty, None, "x")


SMALL = made_up(np.random.default_rng(2), weeks=2, visits=300)[0]


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_lines_and_the_names_of_persons_change_nothing(random):
    lines = SMALL.transactions
    shuffled = lines.iloc[random.sample(range(len(lines)), len(lines))]
    shuffled = shuffled.assign(**{c.PERSON: 7 * (1000 - shuffled[c.PERSON])})
    other = RetailData(
        **{**{name: getattr(SMALL, name) for name in SMALL.__dataclass_fields__}, "transactions": shuffled}
    )
    one, two = (category_purchases(data, "TEA", least_visits=1) for data in (SMALL, other))
    assert one.products == two.products
    assert one.choices == pytest.approx(two.choices)
    pd.testing.assert_frame_equal(product_table(one), product_table(two))


def write_folder(data: RetailData, folder: Path) -> Path:
    folder.mkdir()
    lines = data.transactions.assign(
        **{c.TIME: pd.to_datetime(data.transactions[c.DAY], unit="D").dt.strftime("%Y-%m-%dT12:00:00")}
    )
    lines.drop(columns=c.DAY).to_csv(folder / "transactions.csv", index=False)
    data.products.to_csv(folder / "products.csv", index=False)
    return folder


def test_a_merchants_own_csv_tables_give_the_same_market(tmp_path, shop, monkeypatch, capsys):
    folder = write_folder(shop[0], tmp_path / "shop")
    expected, found = label_setting(shop[0], "TEA"), label_setting(load_folder(folder), "TEA")
    assert found.products == expected.products
    assert found.share == pytest.approx(expected.share)
    assert found.price_coefficient.value == pytest.approx(expected.price_coefficient.value)
    monkeypatch.setattr("sys.argv", ["private_label", str(folder), "--json"])
    assert main() == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["category"] == "TEA"
    assert row["price_coefficient"] == pytest.approx(expected.price_coefficient.value)
    assert row["with_offers_held"] is None
    assert "no promotions" in row["with_offers_held_missing"]
    monkeypatch.setattr("sys.argv", ["private_label", str(folder)])
    assert main() == 0
    assert "TEA" in capsys.readouterr().out


def test_the_command_answers_bad_input_with_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["private_label", str(tmp_path / "nowhere")])
    assert main() == 2
    assert "give an existing folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda shop: category_purchases(shop, "COFFEE"), "nothing of the category 'COFFEE' was sold"),
        (lambda shop: category_purchases(shop, "TEA", least_visits=10**6), "lower least_visits"),
        (lambda shop: label_setting(shop, "BREAD", price_coefficient=-1.0), "no own-label product"),
        (lambda shop: weekly_offers(shop, category_purchases(shop, "TEA")), "has no promotions"),
        (lambda shop: estimate_price_coefficient(category_purchases(shop, "BREAD")), "needs two products"),
        (lambda shop: label_setting(made_up(np.random.default_rng(0), moving=False)[0], "TEA"), "prices that change"),
        (lambda shop: label_setting(made_up(np.random.default_rng(0), coefficient=0.0)[0], "TEA"), "cannot be told"),
        (lambda shop: largest_categories(handmade([(1, 1, 100, 1, 2.0, 0)])), "no category sold both"),
        (
            lambda shop: label_setting(
                handmade([(1, 1, 100, 1, 2.0, 0), (1, 2, 101, 1, 2.0, 0)]),
                "TEA",
                price_coefficient=-1.0,
                least_visits=1,
            ),
            "on every visit",
        ),
        (
            lambda shop: label_setting(
                handmade([(1, 1, 100, 1, 2.0, 0), (1, 2, 900, 1, 2.0, 0)], brand=("Private", "Private")),
                "TEA",
                price_coefficient=-1.0,
                least_visits=1,
            ),
            "only own-label products",
        ),
    ],
)
def test_what_the_data_cannot_give_is_said_in_one_sentence(shop, call, message):
    with pytest.raises(DataError, match=message) as caught:
        call(shop[0])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda shop: label_setting(shop, "TEA", price_coefficient=0.0),
        lambda shop: label_setting(shop, "TEA", price_coefficient=float("nan")),
        lambda shop: category_purchases(shop, "TEA", most=0),
        lambda shop: largest_categories(shop, 0),
        lambda shop: estimate_price_coefficient(category_purchases(shop, "TEA"), least_visits=0),
        lambda shop: estimate_price_coefficient(category_purchases(shop, "TEA"), offers={"ad": np.zeros((2, 2))}),
        lambda shop: label_setting(shop, "TEA", price_coefficient=-1.0).shares(price=[1.0]),
        lambda shop: label_setting(shop, "TEA", price_coefficient=-1.0).shares(bonus=float("inf")),
    ],
)
def test_arguments_without_meaning_are_refused(shop, call):
    with pytest.raises(ConfigError):
        call(shop[0])


def test_arrays_of_a_setting_cannot_be_changed(shop):
    market = label_setting(shop[0], "TEA", price_coefficient=-1.0)
    with pytest.raises(ValueError, match="read-only"):
        market.price[0] = 0.0


def test_the_complete_journey_gives_markets_with_an_own_label(journey):
    for category in ("CHEESE", "COLD CEREAL"):
        market = label_setting(journey, category)
        assert market.price_coefficient.interval[1] < 0
        assert market.share.sum() + market.outside == pytest.approx(1)
        assert market.shares() == pytest.approx(market.share)
        assert 0.2 < market.own_share < 0.7
        assert market.shares(present=~market.own).sum() < market.share.sum()


def test_prices_in_the_complete_journey_change_on_mondays(journey):
    """So weeks that begin on Mondays do not mix two prices."""
    lines = journey.transactions
    most = lines[c.PRODUCT].value_counts().index[:50]
    lines = lines[lines[c.PRODUCT].isin(most) & (lines[c.SALES] > 0)]
    days = (lines[c.SALES] / lines[c.QUANTITY]).groupby([lines[c.PRODUCT], lines[c.DAY]])
    paid = days.median().where(days.size() >= 5).unstack()
    jump = paid.diff(axis=1).abs().mean()
    weekday = (paid.columns.to_numpy() + 3) % 7
    means = np.array([jump[weekday == day].mean() for day in range(7)])
    assert means[0] > 2 * means[1:].max()


@pytest.mark.slow
def test_the_page_says_what_the_data_give(journey):
    """Two rows of the table in docs/market-semi-empirical.md."""
    for category in ("CHEESE", "FROZEN PIZZA"):
        row = _measured(journey, category)
        found = re.findall(rf"^\| {category} \|.*$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (line,) = (one for one in found if one.count("|") == 10)  # the page has narrower tables by category, too
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1:] == [
            f"{row['products']} ({row['own_products']})",
            f"{row['own_share']:.3f}",
            f"{row['pooled_share']:.2f}",
            f"{row['outside_share']:.3f}",
            _interval(row, "price_coefficient"),
            _interval(row, "with_offers_held"),
            f"{row['elasticity']:.2f}",
            f"{row['negative_costs']:.2f}",
        ]
