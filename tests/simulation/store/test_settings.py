import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retail.errors import ConfigError
from simulation.store.lifts import KINDS, parameter_of
from simulation.store.settings import GROUPS, PARAMETERS, WHOLE, StoreSettings


def test_settings_hold_exactly_the_registered_parameters():
    assert [field.name for field in dataclasses.fields(StoreSettings)] == list(PARAMETERS)
    assert sum(len(group) for group in GROUPS.values()) == len(PARAMETERS)


def test_the_default_is_every_central_value():
    assert dataclasses.asdict(StoreSettings.default()) == {name: one.value for name, one in PARAMETERS.items()}
    assert StoreSettings.default().outside() == ()


def test_every_parameter_says_where_it_comes_from():
    assert all(one.note and one.source in {"data", "literature", "assumption"} for one in PARAMETERS.values())


def test_the_lifts_and_till_times_are_those_of_the_design():
    settings = StoreSettings.default()
    assert (settings.lift_store_front, settings.lift_rear_end_cap) == (1.45, 1.40)
    assert (settings.lift_front_end_cap, settings.lift_side_aisle, settings.lift_other) == (1.32, 1.17, 1.0)
    assert (settings.till_fixed_s, settings.till_item_s, settings.tray_s) == (35.0, 2.8, 40.0)


@given(st.integers(0, 2**32))
def test_drawn_values_stay_within_their_ranges(seed):
    drawn = StoreSettings.drawn(np.random.default_rng(seed))
    assert drawn.outside() == ()
    assert all(getattr(drawn, name) == int(getattr(drawn, name)) for name in WHOLE)


def test_drawn_values_are_triangular_as_scipy_draws_them():
    rng = np.random.default_rng(5)
    drawn = [StoreSettings.drawn(rng) for _ in range(4000)]
    for name in ("walk_speed", "patience_s", "lift_front_end_cap"):
        one = PARAMETERS[name]
        width = one.hi - one.lo
        law = stats.triang((one.value - one.lo) / width, loc=one.lo, scale=width)
        assert stats.kstest([getattr(settings, name) for settings in drawn], law.cdf).pvalue > 1e-3


def test_fixing_a_parameter_leaves_the_draws_of_the_others():
    every = StoreSettings.drawn(np.random.default_rng(3))
    some = StoreSettings.drawn(np.random.default_rng(3), vary=("dwell_s", "till_item_s"))
    assert (some.dwell_s, some.till_item_s) == (every.dwell_s, every.till_item_s)
    assert some.walk_speed == PARAMETERS["walk_speed"].value


def test_a_value_outside_its_range_is_allowed_and_named():
    assert StoreSettings.default().with_values(till_fixed_s=5.0).outside() == ("till_fixed_s",)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"walk_speed": -1.0}, "walk_speed = -1.0 must be 0 or more"),
        ({"walk_speed": 0.0}, "shoppers must move"),
        ({"dwell_s": float("nan")}, "dwell_s = nan is no finite number"),
        ({"dwell_s": True}, "dwell_s = True is no finite number"),
        ({"consent_rate": 1.5}, "consent_rate = 1.5 must be between 0 and 1"),
        ({"express_items": 7.5}, "express_items = 7.5 must be a whole number"),
        ({"patience_s": 0.0}, "patience_s = 0.0 must be above 0"),
        ({"lift_end_cap": 1.2}, "no such store parameter: lift_end_cap"),
    ],
)
def test_a_value_without_a_meaning_is_refused(values, says):
    with pytest.raises(ConfigError, match=says):
        StoreSettings.default().with_values(**values)


def test_drawing_an_unknown_parameter_is_refused():
    with pytest.raises(ConfigError, match="no such store parameter: speed"):
        StoreSettings.drawn(np.random.default_rng(0), vary=("speed",))


def test_a_kind_of_display_without_a_lift_of_its_own_has_the_other_one():
    assert parameter_of("front_end_cap") == "lift_front_end_cap"
    assert parameter_of("ceiling") == "lift_other"
    assert set(KINDS.values()) <= set(PARAMETERS)
