"""Time splits: what a model may see, what it is tuned on, and what it is judged on, from several origins."""

from __future__ import annotations

from dataclasses import dataclass

from retail.dataset import Period
from retail.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Split:
    """One origin. All windows are half open, in days since 1970-01-01.

    While tuning, a model sees the days before `fit_end` and is compared on `valid`; once settings are chosen it may be
    refitted on everything before `test` starts, which is where `valid` ends.

    Attributes:
        origin: index, 0 for the oldest.
        fit_end: first day hidden while tuning; equals the start of `valid`.
        valid: (first day, day after the last) of the validation window.
        test: (first day, day after the last) of the test window.
    """

    origin: int
    fit_end: int
    valid: tuple[int, int]
    test: tuple[int, int]


def rolling_origins(
    period: Period, *, origins: int = 4, window_days: int = 28, step_days: int = 28, history_days: int = 84
) -> tuple[Split, ...]:
    """Splits whose test windows walk up to the end of the period.

    Args:
        period: days covered.
        origins: how many splits.
        window_days: length of each validation and each test window.
        step_days: distance between the starts of neighbouring test windows; below `window_days` they overlap, and
            their results are then not independent.
        history_days: least number of days before the oldest validation window.

    Returns: one split for each origin, oldest first; the last test window ends with the period.

    Raises:
        ConfigError: a length is not a whole number of at least 1 (`history_days`: 0), or the period is too short.
    """
    for name, value, least in (
        ("origins", origins, 1),
        ("window_days", window_days, 1),
        ("step_days", step_days, 1),
        ("history_days", history_days, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConfigError(f"split.{name} = {value!r} cannot be used; give a whole number of at least {least}")
    days = period.end_day - period.start_day
    needed = history_days + 2 * window_days + (origins - 1) * step_days
    if needed > days:
        fitting = (days - history_days - 2 * window_days) // step_days + 1
        advice = f"at most {fitting} origins fit" if fitting >= 1 else "shorten window_days or history_days"
        raise ConfigError(
            f"{origins} origins with windows of {window_days} days every {step_days} days after {history_days} days of "
            f"history need {needed} days, but {period.start} to {period.end} has {max(days, 0)}; {advice}"
        )
    splits = []
    for origin in range(origins):
        test_end = period.end_day - (origins - 1 - origin) * step_days
        test_start = test_end - window_days
        valid_start = test_start - window_days
        splits.append(Split(origin, valid_start, (valid_start, test_start), (test_start, test_end)))
    return tuple(splits)
