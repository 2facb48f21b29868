"""Rolling origins: where the windows lie, and which requests are refused."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.dataset import Period
from retail.errors import ConfigError
from retail.splits import Split, rolling_origins

YEAR = Period(dt.date(2017, 1, 1), dt.date(2017, 12, 31), public=True)


def day(text: str) -> int:
    return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days


def days(count: int) -> Period:
    start = dt.date(2020, 1, 1)
    return Period(start, start + dt.timedelta(days=count - 1), public=True)


def test_the_last_of_four_origins_of_2017_is_tested_on_its_last_four_weeks():
    splits = rolling_origins(YEAR)
    assert len(splits) == 4
    assert splits[-1] == Split(
        origin=3,
        fit_end=day("2017-11-06"),
        valid=(day("2017-11-06"), day("2017-12-04")),
        test=(day("2017-12-04"), day("2018-01-01")),
    )


@given(st.integers(1, 6), st.integers(1, 40), st.integers(1, 40), st.integers(0, 100), st.integers(0, 50))
def test_windows_touch_without_overlap_and_leave_the_history_asked_for(origins, window, step, history, spare):
    period = days(history + 2 * window + (origins - 1) * step + spare)
    splits = rolling_origins(period, origins=origins, window_days=window, step_days=step, history_days=history)
    assert [split.origin for split in splits] == list(range(origins))
    assert splits[-1].test[1] == period.end_day
    for split in splits:
        assert split.fit_end == split.valid[0]
        assert split.valid[1] == split.test[0]
        assert split.test[1] - split.test[0] == split.valid[1] - split.valid[0] == window
    for older, newer in pairwise(splits):
        assert newer.test[0] - older.test[0] == step
    assert splits[0].fit_end - period.start_day == history + spare


@given(st.integers(1, 6), st.integers(1, 40), st.integers(1, 40), st.integers(1, 100))
def test_a_period_one_day_too_short_is_refused(origins, window, step, history):
    period = days(history + 2 * window + (origins - 1) * step - 1)
    with pytest.raises(ConfigError, match=r"need \d+ days"):
        rolling_origins(period, origins=origins, window_days=window, step_days=step, history_days=history)


def test_the_refusal_says_how_many_origins_would_fit():
    with pytest.raises(ConfigError, match="at most 9 origins fit"):
        rolling_origins(YEAR, origins=12)
    assert len(rolling_origins(YEAR, origins=9)) == 9


def test_when_not_even_one_origin_fits_the_refusal_says_what_to_shorten():
    with pytest.raises(ConfigError, match="shorten window_days or history_days"):
        rolling_origins(days(30))


@pytest.mark.parametrize("name", ["origins", "window_days", "step_days"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "4"])
def test_a_length_that_is_no_whole_number_of_at_least_one_is_refused(name, value):
    with pytest.raises(ConfigError, match=rf"split\.{name} = "):
        rolling_origins(YEAR, **{name: value})


def test_no_history_is_allowed_but_negative_history_is_not():
    assert rolling_origins(days(56), origins=1, history_days=0)[0].fit_end == days(56).start_day
    with pytest.raises(ConfigError, match="history_days = -1"):
        rolling_origins(YEAR, history_days=-1)
