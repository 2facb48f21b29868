"""Intervals of times at the tills: no time falls by more than all of it."""

import math

import numpy as np
import pytest

from experiments.store.checkout import _rows

MEASURED = ("service_s", "wait_s", "checkout_s")


def found(base, other, draws):
    """Rows of waiting for these days, and for draws of (base, other) on one day each."""
    both = {name: list(zip(base, other, strict=True)) for name in MEASURED}
    shifted = [[[pair] * len(MEASURED)] for pair in draws]
    rows = {one["name"]: one for one in _rows(both, shifted, "tray", "lanes")}
    return {kind: rows[f"{kind}(wait_s, tray, lanes)"] for kind in ("difference", "simulation_difference", "ratio")}


def test_the_interval_of_a_difference_is_that_of_the_ratio_and_stays_above_minus_everything():
    rng = np.random.default_rng(0)
    base = 40 * np.exp(rng.normal(0, 0.3, 8))
    draws = [(40.0, 40.0 * math.exp(-3 + rng.normal(0, 2))) for _ in range(16)]
    rows = found(base, base * 0.05, draws)
    ratio, change = rows["ratio"], rows["difference"]
    assert ratio["hi"] > 2 * ratio["value"]  # much is open
    assert -base.mean() < change["lo"] < change["value"] < change["hi"]
    assert change["lo"] == pytest.approx(base.mean() * (ratio["lo"] - 1))
    assert change["hi"] == pytest.approx(base.mean() * (ratio["hi"] - 1))


def test_a_sure_ratio_leaves_a_sure_difference_and_its_verdict():
    base = np.array([30.0, 40.0, 50.0, 35.0, 45.0, 41.0, 39.0, 38.0])
    rows = found(base, base / 2, [(one, one / 2) for one in base])
    assert rows["difference"]["verdict"] == "better"
    assert rows["difference"]["value"] == pytest.approx(-base.mean() / 2)
    assert rows["simulation_difference"]["hi"] == pytest.approx(-base.mean() / 2)


def test_where_nobody_waits_there_is_no_ratio_and_no_verdict():
    rows = found([0.0, 0.0], [0.0, 0.0], [(0.0, 0.0)] * 8)
    assert math.isnan(rows["ratio"]["value"])
    assert math.isnan(rows["difference"]["lo"])
    assert rows["difference"]["verdict"] == "not judged"
