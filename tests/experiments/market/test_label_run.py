"""Real categories as lists: observed shares, prices that are best answers, draws of a coefficient, the whole spine."""

import datetime as dt
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.command.tables import print_summary
from experiments.execute import run_scenario
from experiments.market.figures import LABEL_METRICS
from experiments.market.label_market import choice_chances, drawn_coefficients, logsums, ranked_category
from experiments.market.label_prices import answered_prices, implied_markups
from experiments.market.label_run import CATEGORIES_FILE, figures, label_fingerprint, outcome
from experiments.market.spec import SEEDS_FILE
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario, validate
from retail import columns as c
from retail.errors import ConfigError, DataError
from retail.folder import load_folder
from retail.private_label import PriceCoefficient, label_setting

PAGE = Path(__file__).parents[3] / "docs" / "market-semi-empirical.md"
MONDAY = pd.Timestamp(dt.date(2024, 1, 1))
QUALITY = np.array([3.4, 2.6, 2.4, 2.0, 2.9, -2.0, -2.2])
PRICE = np.array([3.0, 2.5, 2.0, 1.5, 3.5, 2.0, 2.0])
OWN = np.array([False, False, True, True, False, True, False])
RULES = ("as_is", "none", "ranked_up")


def write_shop(folder: Path, *, weeks=30, visits=600) -> Path:
    """A shop in which every visit makes one logit choice among seven teas and none, and buys bread."""
    rng = np.random.default_rng(3)
    price = (PRICE * np.exp(0.15 * rng.standard_normal((weeks, 7)))).round(2)
    power = np.exp(np.column_stack([QUALITY - 1.5 * price, np.zeros(weeks)]))
    chance = power / power.sum(axis=1, keepdims=True)
    week = np.repeat(np.arange(weeks), visits)
    choice = (rng.random(len(week))[:, None] > chance.cumsum(axis=1)[week]).sum(axis=1)
    basket = np.arange(len(week))
    tea = choice < 7
    lines = pd.DataFrame(
        {
            c.PERSON: np.concatenate([basket, basket[tea]]) % 200,
            c.BASKET: np.concatenate([basket, basket[tea]]),
            c.PRODUCT: np.concatenate([np.full(len(week), 900), 100 + choice[tea]]),
            c.STORE: 1,
            c.TIME: MONDAY + pd.to_timedelta(7 * np.concatenate([week, week[tea]]) + 2, unit="D"),
            c.QUANTITY: 1,
            c.SALES: np.concatenate([np.ones(len(week)), price[week[tea], choice[tea]]]),
        }
    )
    products = pd.DataFrame(
        {
            c.PRODUCT: [*range(100, 107), 900],
            c.TYPE: "",
            c.CATEGORY: ["TEA"] * 7 + ["BREAD"],
            c.MANUFACTURER: [1, 1, 0, 0, 2, 0, 3, 9],
            c.BRAND: [*np.where(OWN, "Private", "National"), "National"],
            c.DEPARTMENT: "GROCERY",
        }
    )
    folder.mkdir()
    lines.to_csv(folder / "transactions.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S")
    products.to_csv(folder / "products.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return write_shop(tmp_path_factory.mktemp("label") / "shop")


@pytest.fixture(scope="module")
def tea(shop):
    return label_setting(load_folder(shop), "TEA", least_visits=400)


def raw(shop, **changes):
    return {
        "kind": "market",
        "name": "teas",
        "method": "label",
        "replications": 60,
        "reference": "as-is",
        "data": {"source": "folder", "path": str(shop), "currency": "EUR"},
        "label": {"categories": ["TEA"]},
        "arms": [
            {"name": "as-is", "own_label": "as_is"},
            {"name": "none", "label": "No own label", "own_label": "none"},
            {"name": "up", "own_label": "ranked_up", "settings": {"bonus": 0.5}},
            {"name": "answered", "own_label": "none", "prices": "answered"},
        ],
        "targets": {"difference(own_revenue, up, as-is)": "> 0", "consumer_surplus(as-is)": "< 0"},
    } | changes


@pytest.fixture(scope="module")
def done(shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return run_scenario(validate(raw(shop), source="teas"), store=folder, jobs=1), RunStore(folder)


def ranked(tea, attention=0.5, sharpness=3.0):
    return ranked_category(tea, attention=attention, sharpness=sharpness, seed=0)


@given(attention=st.floats(0, 1.2), sharpness=st.floats(0, 8))
@settings(max_examples=15, deadline=None)
def test_lists_without_a_bonus_give_the_observed_shares(tea, attention, sharpness):
    category = ranked(tea, attention, sharpness)
    assert tea.pooled.any()
    found = choice_chances(category.value, category.log_attention("as_is", 0.0)).mean(axis=0)
    assert found == pytest.approx(tea.share, rel=1e-8)


def test_where_places_are_worth_nothing_it_is_the_plain_logit_market(tea):
    category, b = ranked(tea, attention=0.0), tea.price_coefficient.value
    for rule, there in (("as_is", np.ones(len(tea.own), bool)), ("none", ~tea.own), ("ranked_up", None)):
        one = outcome(category, np.array([b]), rule, bonus=2.0)
        assert one.share[0] == pytest.approx(tea.shares(present=there))
        assert one.surplus[0] == pytest.approx(tea.surplus(present=there))
        assert one.taste[0] == pytest.approx(one.surplus[0])
    assert tea.price + implied_markups(category) / b == pytest.approx(tea.implied_costs())


def test_no_bonus_changes_nothing_and_a_bonus_moves_sales_and_first_places_to_the_own_label(tea):
    category, b = ranked(tea), np.array([-1.5])
    plain, zero, up = (
        figures([outcome(category, b, rule, bonus=w)], 1, answered=False)
        for rule, w in (("as_is", 0.5), ("ranked_up", 0.0), ("ranked_up", 0.5))
    )
    assert plain == zero
    assert up["own_first"] > plain["own_first"]
    assert up["own_revenue"] > plain["own_revenue"]
    assert up["merchant_revenue"] < plain["merchant_revenue"]


def test_targets_may_ask_for_the_figures_that_there_are(tea):
    one = outcome(ranked(tea), np.array([-1.5]), "as_is", bonus=0.0)
    assert tuple(figures([one], 1, answered=True)) == LABEL_METRICS


def test_the_chance_of_the_first_place_is_that_of_the_drawn_rankings(tea):
    category = ranked(tea, sharpness=1.0)
    place = np.exp(category.log_attention("ranked_up", 0.7) / -0.5)  # attention = place^-.5
    first = (place[:, tea.own & ~tea.pooled] < 1.5).any(axis=1).mean()
    assert category.own_first("ranked_up", 0.7) == pytest.approx(first, abs=0.08)
    assert category.own_first("none", 0.7) == 0


def test_surplus_without_the_nuisance_is_what_choices_are_worth_by_taste():
    utility, attention = np.array([0.3, -0.2]), np.log([[1.0, 0.4]])
    rng = np.random.default_rng(1)
    noise = rng.gumbel(size=(400_000, 3))
    seen = noise + np.array([0, 0.3, -0.2 + attention[0, 1]])
    chosen = seen.argmax(axis=1)
    rows = np.arange(len(noise))
    nuisance = seen[rows, chosen].mean() - np.euler_gamma
    taste = (noise + np.array([0, 0.3, -0.2]))[rows, chosen].mean() - np.euler_gamma
    assert logsums(utility, attention) == pytest.approx((nuisance, taste), abs=0.01)


def test_prices_as_observed_are_best_answers_and_stay(tea):
    category, b = ranked(tea), -1.5
    attention, everything = category.log_attention("as_is", 0.0), category.present("as_is")
    price, held = answered_prices(category, b, implied_markups(category), attention, everything)
    assert price == pytest.approx(tea.price, abs=1e-6)
    assert not held.any()


def test_no_seller_gains_by_another_price_after_the_answer(tea):
    category, b = ranked(tea), -1.5
    attention, there = category.log_attention("none", 0.0), category.present("none")
    markup = implied_markups(category)
    price, _ = answered_prices(category, b, markup, attention, there)
    cost = tea.price + markup / b

    def profit(prices, seller):
        chance = choice_chances(category.value + b * (prices - tea.price), attention).mean(axis=0)
        return ((prices - cost) * chance)[category.seller == seller].sum()

    for product in np.flatnonzero(there & ~tea.pooled):
        seller = category.seller[product]
        best = profit(price, seller)
        for move in (-0.05, -0.005, 0.005, 0.05):
            other = price.copy()
            other[product] += move
            assert profit(other, seller) < best
    assert (price[there & ~tea.pooled] > tea.price[there & ~tea.pooled]).all()  # less competition


def test_a_product_whose_cost_would_be_negative_keeps_its_price(tea):
    category, b = ranked(tea), -0.3
    one = outcome(category, np.array([b]), "none", answered=True)
    there = category.present("none")
    assert one.held[0, there].all()
    assert one.price[0] == pytest.approx(tea.price)


def test_draws_are_as_sure_as_the_estimate_below_zero_and_the_same_for_all():
    estimate = PriceCoefficient(-0.5, 0.2, 0.2, 0.1, 100.0, 5, "estimated")
    drawn = drawn_coefficients(estimate, "TEA", range(2000))
    assert (drawn < 0).all()
    assert np.median(drawn) == pytest.approx(-0.5, abs=0.02)
    assert drawn.std() == pytest.approx(0.2, abs=0.02)
    assert (drawn[5:9] == drawn_coefficients(estimate, "TEA", range(5, 9))).all()
    assert (drawn != drawn_coefficients(estimate, "RICE", range(2000))).any()


def test_the_spine_pairs_arms_by_draw_and_says_how_sure_the_coefficient_is(done):
    summary, store = done
    assert not summary.failures
    rows = {row["arm"]: row for row in summary.rows}
    tables = {
        row["arm"]: pd.read_parquet(store.root / "teas" / row["run_ids"][0] / "artifacts" / SEEDS_FILE)
        for row in summary.rows
    }
    values = tables["as-is"]["consumer_surplus"]
    lo, middle, hi = np.quantile(values, (0.025, 0.5, 0.975))
    row = rows["as-is"]
    assert (row["consumer_surplus_lo"], row["consumer_surplus"], row["consumer_surplus_hi"]) == (lo, middle, hi)
    assert "price coefficients" in row["interval"]
    assert rows["none"]["own_sales"] == rows["none"]["own_first"] == rows["none"]["own_revenue"] == 0
    (gain,) = [one for one in summary.differences if one.name == "difference(consumer_surplus, none, as-is)"]
    assert gain.unit == "EUR a visit"
    assert gain.value == np.median(tables["none"]["consumer_surplus"] - values)
    assert {one.name: one.met for one in summary.targets} == {
        "difference(own_revenue, up, as-is)": True,
        "consumer_surplus(as-is)": False,
    }
    for row in summary.rows:
        folder = store.root / "teas" / row["run_ids"][0] / "artifacts"
        each = pd.read_parquet(folder / CATEGORIES_FILE)
        assert each["consumer_surplus"].tolist() == tables[row["arm"]]["consumer_surplus"].tolist()


def test_intervals_do_not_shrink_with_more_draws(done, shop, tmp_path):
    summary, _ = done
    arms = raw(shop)["arms"][:1]
    more = validate(raw(shop, replications=600, arms=arms, targets={}), source="teas")
    (row,) = run_scenario(more, store=tmp_path, jobs=1).rows
    width, before = (one["consumer_surplus_hi"] - one["consumer_surplus_lo"] for one in (row, summary.rows[0]))
    assert width == pytest.approx(before, rel=0.35)


def test_the_same_command_again_runs_nothing_and_gives_the_same_table(done, shop):
    summary, store = done
    again = run_scenario(validate(raw(shop), source="teas"), store=store.root, jobs=1)
    assert again.document() == summary.document()


def test_the_printed_table_has_the_currency_and_says_what_intervals_mean(done, capsys):
    summary, _ = done
    print_summary(json.loads(json.dumps(summary.document())))
    out = capsys.readouterr().out
    assert "less as-is, in EUR a visit" in out
    assert "No own label" in out
    assert "simulated markets" not in out
    assert "draws of the price coefficients" in out


def test_other_purchases_are_other_runs(shop, tmp_path):
    before = label_fingerprint(validate(raw(shop), source="teas"))
    assert before == label_fingerprint(validate(raw(shop), source="teas"))
    other = write_shop(tmp_path / "shop", weeks=29)
    assert before != label_fingerprint(validate(raw(other), source="teas"))
    same_place = (other / "transactions.csv").read_text()
    first = label_fingerprint(validate(raw(other), source="teas"))
    (other / "transactions.csv").write_text(same_place.replace("1.0", "1.1", 1))
    assert first != label_fingerprint(validate(raw(other), source="teas"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": None}, "label is missing"),
        ({"label": {"categories": []}}, "categories"),
        ({"label": {"categories": ["TEA", "TEA"]}}, "lists 'TEA' twice"),
        ({"label": {"categories": ["TEA"], "price_coefficient": 1.0}}, "price_coefficient"),
        ({"label": {"categories": ["TEA"], "price_coefficient": -1.0, "hold_offers": True}}, "remove one"),
        ({"replications": 20}, "replications = 20"),
        ({"data": {"source": "folder"}}, "data.path is missing"),
        ({"data": {"source": "folder", "path": "/nowhere"}}, "is no folder"),
        ({"data": {"source": "complete-journey", "path": "/nowhere"}}, "remove it"),
        ({"settings": {"merchants": 5}}, "settings.merchants is not read"),
        ({"settings": {"attention": -1}}, "attention = -1"),
        ({"arms": [{"name": "a"}]}, "own_label is missing"),
        ({"arms": [{"name": "a", "own_label": "banned"}]}, "own_label"),
        ({"arms": [{"name": "a", "own_label": "none", "regime": "pure"}]}, "regime is not read"),
        ({"method": "regimes", "arms": [{"name": "a", "regime": "pure"}]}, "data is not read"),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_line_before_any_run(changes, words, shop, tmp_path):
    given = {key: value for key, value in raw(shop, targets={}, reference=None, **changes).items() if value is not None}
    with pytest.raises(ConfigError) as refused:
        run_scenario(validate(given, source="teas"), store=tmp_path, jobs=1)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ({"categories": ["COFFEE"]}, "nothing of the category 'COFFEE'"),
        ({"categories": ["BREAD"]}, "needs two products"),
        ({"categories": ["TEA"], "hold_offers": True}, "no promotions"),
    ],
)
def test_a_category_that_cannot_be_used_is_refused_with_its_reason(label, words, shop, tmp_path):
    arms = raw(shop)["arms"][:1]
    summary = run_scenario(
        validate(raw(shop, label=label, arms=arms, targets={}), source="teas"), store=tmp_path, jobs=1
    )
    (failure,) = summary.failures
    assert failure["refused"]
    assert words in failure["message"]


def test_attention_too_steep_for_the_shares_is_refused(tea):
    with pytest.raises(DataError, match="lower it"):
        ranked(tea, attention=1e5)


@pytest.mark.slow
def test_two_real_categories_give_what_the_page_says(tmp_path):
    scenario = load_scenario("market-label", ['label.categories=["FROZEN PIZZA", "COLD CEREAL"]', "sweep={}"])
    summary = run_scenario(scenario, store=tmp_path, jobs=1)
    assert not summary.failures
    by = {}
    for row in summary.rows:
        folder = tmp_path / scenario.name / row["run_ids"][0] / "artifacts"
        by[row["arm"]] = pd.read_parquet(folder / CATEGORIES_FILE).set_index("category")
    for name in ("FROZEN PIZZA", "COLD CEREAL"):
        assert page_row(name) == table_row(by, name)


def page_row(name: str) -> list[str]:
    (line,) = re.findall(rf"^\| {re.escape(name)} \| (\d[^\n]*%) \|$", PAGE.read_text(), flags=re.MULTILINE)
    return line.split(" | ")


def table_row(by, name: str) -> list[str]:
    """One category's line in the page."""
    as_is, none, up = (by[arm].loc[name] for arm in ("as-is", "no-own-label", "ranked-up"))
    lost, middle, least = np.quantile(none["consumer_surplus"] - as_is["consumer_surplus"], (0.025, 0.5, 0.975))

    def percent(metric, other):
        return f"{100 * (other[metric] / as_is[metric] - 1).median():+.1f}%"

    return [
        f"{100 * as_is['own_sales'].median():.1f}%",
        f"{100 * as_is['own_first'].median():.1f}%",
        f"{middle:+.3f} [{lost:+.3f}, {least:+.3f}]",
        percent("merchant_revenue", none),
        f"{100 * up['own_first'].median():.1f}%",
        percent("own_revenue", up),
    ]
