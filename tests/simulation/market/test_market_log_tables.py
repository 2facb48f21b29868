"""The log of a run keeps the schema, and adds up to the run."""

import numpy as np
import pandas as pd
import pytest

from retail.errors import ConfigError
from retail.market_log import check, read_log, write_log
from simulation.market import MarketSettings, simulate

SETTINGS = MarketSettings(merchants=20, consumers=300, products=80, places=12)


@pytest.mark.parametrize("regime", ["pooled_self_preferencing", "affiliated_stores", "pure"])
def test_a_log_keeps_the_schema_and_survives_a_folder(regime, tmp_path):
    log = check(simulate(SETTINGS, regime, seed=1, periods=25, record="list").log())
    assert set(log.tables) == {"impressions", "products", "sales", "figures", "reads", "requests", "exposures"}
    write_log(log, tmp_path / "log")
    again = read_log(tmp_path / "log")
    for name, frame in log.tables.items():
        empty = [column for column in frame if frame[column].isna().all()]  # has no type that a file could keep
        assert again.tables[name][empty].isna().all(axis=None)
        rest = frame.columns.difference(empty)
        pd.testing.assert_frame_equal(frame[rest], again.tables[name][rest], check_dtype=False)


def test_sales_add_up_to_what_was_paid():
    run = simulate(SETTINGS, "pooled", seed=1, periods=15, record="list")
    paid = run.log().sales.groupby("period")["revenue"].sum()
    assert paid.to_numpy() == pytest.approx(run.by_period["payments"].to_numpy())


def test_a_run_without_lists_is_run_again_for_its_log():
    run = simulate(SETTINGS, "pooled", seed=1, periods=8)
    kept = simulate(SETTINGS, "pooled", seed=1, periods=8, record="list")
    assert run.recording is None
    for name, frame in kept.log().tables.items():
        pd.testing.assert_frame_equal(frame, run.log().tables[name])


def test_a_full_log_holds_a_list_for_everybody_who_came():
    run = simulate(SETTINGS, "self_preferencing", seed=1, periods=6, record="full")
    full = run.log(full=True).impressions
    assert full["list"].nunique() == run.by_period["arrivals"].sum()
    assert (full["shown"] == 1).all()
    lists = run.log().impressions
    whole = lists.groupby(["query", "position", "product"])["shown"].sum()
    each = full.groupby(["query", "position", "product"]).size()
    assert (whole == each).all()


def test_own_goods_of_the_log_are_those_of_the_run():
    run = simulate(SETTINGS, "self_preferencing", seed=1, periods=30, record="list")
    log = run.log()
    first = log.impressions[log.impressions["position"] == 1]
    share = (first["own"] * first["shown"]).groupby(first["period"]).sum() / first["shown"].groupby(
        first["period"]
    ).sum()
    assert share.to_numpy() == pytest.approx(run.by_period["own_first"].to_numpy())
    copies = log.products[log.products["own"]]
    assert copies["copy_of"].notna().all()
    assert (copies["seller"] == "platform").all()
    assert copies["copy_of"].isin(log.products["product"]).all()


def test_exposures_say_how_large_a_part_of_the_other_segments_likes_less_what_came_first():
    run = simulate(MarketSettings(), "firewall", seed=1, periods=12, record="list")
    exposures = run.log().exposures
    people, score = 0, 0.0
    for one in run.recording.periods:
        for category, segment in zip(*np.nonzero(one["arrivals"]), strict=True):
            told = one["told"][category, :, one["order"][category, segment, 0]]
            others, mine = np.delete(told, segment), told[segment]
            came = one["arrivals"][category, segment]
            people, score = people + came, score + came * ((others < mine) + (others == mine) / 2).mean()
    assert exposures["people"].sum() == people
    assert (exposures["score"] * exposures["people"]).sum() == pytest.approx(score)
    assert exposures["score"].between(0, 1).all()
    assert score / people > 0.6  # a ranking that goes by liking shows people what they like


def test_requests_are_answered_where_merchants_get_their_data_back():
    answered = {
        regime: simulate(SETTINGS, regime, periods=11).log().requests["answered"].notna()
        for regime in ("firewall", "pooled")
    }
    assert answered["firewall"].all()
    assert not answered["pooled"].any()


def test_the_logged_qualities_and_the_own_flag_explain_the_ranking():
    """Sorting by what the log says, with the bonus, gives the places but for the noise."""
    run = simulate(MarketSettings(), "self_preferencing", seed=1, periods=20, record="list")
    frame = run.log().impressions
    settings = run.settings
    frame = frame.assign(
        score=settings.sharpness * (frame["rating"] - settings.price_sensitivity * frame["price"] + frame["relevance"])
        + settings.bonus * frame["own"]
    )
    late = frame[frame["period"] >= 10]
    correlation = late.groupby("list")[["score", "position"]].corr(method="spearman").iloc[::2, 1]
    assert correlation.mean() < -0.5


def test_the_log_says_what_was_sponsored_where_places_are_sold_so_that_it_explains_the_ranking():
    settings = SETTINGS.with_values(sponsored_share=0.3, sponsored_bonus=2.0)
    frame = simulate(settings, "firewall", seed=1, periods=20, record="list").log().impressions
    assert set(frame["sponsored"]) == {0, 1}
    assert not (frame["own"] & (frame["sponsored"] == 1)).any()
    place = frame["position"].fillna(SETTINGS.places + 1).groupby(frame["sponsored"]).mean()
    assert place[1] < place[0]
    assert "sponsored" not in simulate(SETTINGS, "firewall", periods=2).log().impressions


@pytest.mark.parametrize("detail", ["all", True, 1])
def test_an_unknown_detail_is_refused(detail):
    with pytest.raises(ConfigError, match="record = "):
        simulate(SETTINGS, periods=1, record=detail)


def test_shown_lists_have_the_places_they_should():
    frame = simulate(SETTINGS, "pure", seed=1, periods=5).log().impressions
    assert frame["position"].max() <= SETTINGS.places
    lists = frame.groupby("list")["position"]
    assert np.array_equal(lists.max(), lists.count())
    assert np.array_equal(lists.max(), np.minimum(lists.size(), SETTINGS.places))


@pytest.mark.parametrize("detail", ["list", "full"])
def test_a_list_names_every_product_of_its_category_shown_or_not(detail):
    log = simulate(SETTINGS, "pooled", seed=1, periods=25, record=detail).log(full=detail == "full")
    frame = log.impressions
    assert frame["position"].isna().any()
    sold = log.sales[["period", "product"]].merge(log.products[["product", "category"]], on="product")
    listed = sold.groupby(["period", "category"])["product"].agg(frozenset)
    for _, part in frame.groupby("list"):
        at = (part["period"].iloc[0], part["query"].iloc[0] % SETTINGS.category_count)
        assert frozenset(part["product"]) == listed[at]
