"""Figures by period: means over markets, their intervals, and differences market by market."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.documents import read_frame
from experiments.execute import run_scenario
from experiments.market.periods import COMPARED, MARKETS_FILE, PERIODS_FILE, differences, means, of_markets
from experiments.scenario_file import validate
from simulation.market import MarketSettings, simulate


def frame(**columns):
    return pd.DataFrame({"period": [0, 1], **columns})


def test_each_period_has_the_interval_of_a_mean_over_markets():
    values = [[1.0, 5.0], [2.0, 5.5], [4.0, 9.0]]
    found = means([frame(welfare=one) for one in values])
    assert found["period"].tolist() == [0, 1]
    for period in (0, 1):
        at = [one[period] for one in values]
        lo, hi = stats.t.interval(0.95, 2, loc=np.mean(at), scale=stats.sem(at))
        row = found.iloc[period]
        assert (row["welfare"], row["welfare_lo"], row["welfare_hi"]) == pytest.approx((np.mean(at), lo, hi))


def test_a_share_stays_one_and_a_figure_that_a_market_lacks_has_none():
    found = means([frame(own_first=[0.0, 0.9], envy=[1.0, np.nan]), frame(own_first=[0.4, 1.0], envy=[1.0, 2.0])])
    assert found["own_first_lo"].tolist()[0] == 0
    assert found["own_first_hi"].tolist() == [1, 1]
    assert (found["envy_lo"][0], found["envy_hi"][0]) == (1, 1)
    assert found.loc[1, ["envy", "envy_lo", "envy_hi"]].isna().all()


def test_one_market_has_no_interval():
    assert means([frame(welfare=[1.0, 2.0])])[["welfare_lo", "welfare_hi"]].isna().all(axis=None)


def test_arms_are_compared_market_by_market_so_that_what_markets_share_drops_out():
    def arm(gain):
        frames = [frame(**{name: [10.0 * k, 20.0 * k + gain] for name in COMPARED}) for k in range(3)]
        return of_markets((0, 1, 2), frames)

    found = differences(arm(3.0), arm(1.0), "welfare")
    assert found["value"].tolist() == [0, 2]
    assert found["lo"].tolist() == found["hi"].tolist() == [0, 2]
    none = differences(arm(1.0), arm(1.0).assign(seed=9), "welfare")
    assert none.empty


def test_a_run_keeps_both_tables(tmp_path):
    given = {
        "kind": "market", "name": "small", "replications": 3, "periods": 6,
        "settings": {"merchants": 12, "products": 60, "consumers": 300},
        "arms": [{"name": "one", "regime": "pure"}],
    }  # fmt: skip
    summary = run_scenario(validate(given, source="small"), store=tmp_path, jobs=1)
    folder = tmp_path / "small" / summary.runs[0] / "artifacts"
    each, mean = read_frame(folder / MARKETS_FILE), read_frame(folder / PERIODS_FILE)
    assert each.columns.tolist() == ["seed", "period", *COMPARED]
    alone = simulate(MarketSettings(merchants=12, products=60, consumers=300), "pure", seed=1, periods=6).by_period
    assert (each.loc[each["seed"] == 1, "welfare"].to_numpy() == alone["welfare"].to_numpy()).all()
    assert mean["welfare"].to_numpy() == pytest.approx(each.groupby("period")["welfare"].mean().to_numpy())
    assert (mean["welfare_lo"] < mean["welfare"]).all()
    assert (mean["welfare"] < mean["welfare_hi"]).all()
