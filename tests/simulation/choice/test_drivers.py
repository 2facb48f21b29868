import numpy as np
import pytest

from retail.errors import DataError
from simulation.choice.drivers import offer_effects


def panel(seed=0, *, brands=3, stores=40, weeks=52, effects=(0.5, 1.0), drift=0.0):
    """Sales with known effects of two offers; stores and weeks differ, and offers stand where sales are high anyway."""
    rng = np.random.default_rng(seed)
    store = rng.gamma(2.0, 1.0, (brands, stores, 1))
    week = rng.gamma(2.0, 0.5, (brands, 1, weeks))
    offers = {}
    for name in ("display", "mailer"):
        wanted = store / store.mean() + week / week.mean() + rng.standard_normal((brands, stores, weeks))
        offers[name] = wanted > 2.8
    rate = store + week + sum(effect * offers[name] for effect, name in zip(effects, offers, strict=True))
    rate = rate + drift * np.roll(offers["display"], -1, axis=2)
    return rng.poisson(rate).astype(float), offers


def test_effects_are_found_again_where_a_plain_comparison_errs():
    sold, offers = panel()
    found = {one.name: one for one in offer_effects(sold, offers)}
    plain = sold[offers["display"]].mean() - sold[~offers["display"]].mean()
    assert abs(found["display"].value - 0.5) < 3 * found["display"].error
    assert abs(found["mailer"].value - 1.0) < 3 * found["mailer"].error
    assert plain > 0.5 + 6 * found["display"].error
    value, lo, hi = found["display"].pct
    assert value == pytest.approx(100 * found["display"].value / sold[~offers["display"] & ~offers["mailer"]].mean())
    assert lo < value < hi


def test_it_is_the_regression_with_a_dummy_for_each_store_and_week_of_a_brand():
    sold, offers = panel(brands=2, stores=6, weeks=8)
    rows = np.indices(sold.shape).reshape(3, -1)
    dummies = [rows[0] * 6 + rows[1], 100 + rows[0] * 8 + rows[2]]
    x = np.column_stack(
        [offers["display"].ravel(), offers["mailer"].ravel()]
        + [column == value for column in dummies for value in np.unique(column)]
    ).astype(float)
    wanted = np.linalg.lstsq(x, sold.ravel(), rcond=None)[0][:2]
    assert np.allclose([one.value for one in offer_effects(sold, offers)], wanted)


def test_intervals_hold_the_truth_as_often_as_they_say():
    inside = np.zeros(2)
    for seed in range(100):
        for place, (one, truth) in enumerate(zip(offer_effects(*panel(seed, weeks=20)), (0.5, 1.0), strict=True)):
            inside[place] += abs(one.value - truth) < 1.96 * one.error
    assert (inside >= 87).all()  # 95 expected


def test_leads_are_nothing_where_stores_move_alike_and_show_it_where_they_do_not():
    def lead(drift):
        found = {one.name: one for one in offer_effects(*panel(2, drift=drift), leads=True)}
        return found["display_ahead"]

    assert abs(lead(0.0).value) < 3 * lead(0.0).error
    assert lead(0.8).value > 5 * lead(0.8).error


def test_what_all_stores_do_in_a_week_and_a_store_does_always_changes_nothing():
    sold, offers = panel()
    moved = sold + np.arange(52)[None, None, :] + np.arange(40)[None, :, None]
    before, after = (offer_effects(one, offers) for one in (sold, moved))
    assert np.allclose([one.value for one in before], [one.value for one in after])
    assert np.allclose([one.error for one in before], [one.error for one in after])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda sold, offers: (sold[:, :1], {n: o[:, :1] for n, o in offers.items()}), "two stores and weeks"),
        (lambda sold, offers: (sold, {}), "one at least"),
        (lambda sold, offers: (sold, {"display": offers["display"][:, :5]}), "the shape of the sales"),
        (lambda sold, offers: (sold * np.nan, offers), "two stores and weeks"),
        (lambda sold, offers: (sold, {"display": np.ones_like(sold, dtype=bool)}), "nothing to compare"),
        (lambda sold, offers: (sold, {**offers, "again": offers["display"]}), "do not vary apart"),
        (lambda sold, offers: (sold, {"season": np.broadcast_to(np.arange(52) > 20, sold.shape)}), "do not vary apart"),
    ],
)
def test_panels_that_tell_nothing_are_refused(change, says):
    with pytest.raises(DataError, match=says):
        offer_effects(*change(*panel()))
