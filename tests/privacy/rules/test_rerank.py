"""With the ranking function in hand the change is exact."""

import numpy as np
import pandas as pd
import pytest

from privacy.rules import rerank
from retail.errors import ConfigError, DataError
from retail.market_log import MarketLog, check


@pytest.fixture
def listed(impressions):
    return check(MarketLog(impressions=impressions(queries=40))).impressions


def test_a_ranking_that_ignores_the_flag_moves_nothing(listed):
    found = rerank(listed, lambda table: table["rating"])
    assert (found.outcome, found.effect, found.rows) == ("no_evidence", 0.0, ())


def test_a_bonus_is_a_breach_with_every_moved_product_named(listed):
    found = rerank(listed, lambda table: table["rating"] + 0.5 * table["own"])
    assert found.outcome == "breach"
    assert found.effect > 0
    row = next(row for row in found.rows if row["own"])
    part = listed[listed["list"] == row["list"]]
    scores = part["rating"] + 0.5 * part["own"]
    mine = part["product"] == row["product"]
    without = part.loc[mine, "rating"].iloc[0]
    assert row["place"] == 1 + (scores[~mine] > scores[mine].iloc[0]).sum()
    assert row["place_flipped"] == 1 + (scores[~mine] > without).sum()


def test_products_that_were_not_shown_are_ranked_along(listed):
    def score(table):
        return table["rating"] + 0.5 * table["own"]

    order = listed.assign(score=score(listed)).sort_values(["list", "score"], ascending=[True, False])
    whole = order.assign(position=order.groupby("list").cumcount() + 1).drop(columns="score")
    cut = whole.assign(position=whole["position"].where(whole["position"] <= 4))
    first, second = rerank(whole, score), rerank(cut, score)
    assert second.effect == first.effect
    assert second.observations == first.observations


def test_a_bonus_too_small_to_move_anything_is_told_and_is_no_breach(listed):
    found = rerank(listed, lambda table: table["rating"] + 1e-12 * table["own"])
    assert found.outcome == "no_evidence"
    assert "changes scores" in found.reason


def test_a_malus_for_own_products_is_not_called_a_preference(listed):
    assert rerank(listed, lambda table: table["rating"] - 0.5 * table["own"]).outcome == "no_evidence"


def test_what_is_no_score_is_refused(listed):
    with pytest.raises(DataError, match="one finite number"):
        rerank(listed, lambda table: table["rating"] * np.nan)
    with pytest.raises(DataError, match="one finite number"):
        rerank(listed, lambda table: [1.0])
    with pytest.raises(ConfigError, match="ranking function"):
        rerank(listed, "rating")
    nobody = rerank(pd.DataFrame(listed).assign(own=False), lambda table: table["rating"])
    assert nobody.outcome == "inconclusive"
