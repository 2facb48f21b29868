"""Counts of visits that leave only with noise: all that stays of people who are not enrolled."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from privacy.consent.standing import now_utc
from retail import columns as c
from retail.errors import DataError


class VisitCounts:
    """Visits by day, in memory: an exact count is never written, and a restart loses what was not released.

    The rows go to a `privacy.release.ReleaseGate`. Who the visitors are is not known, so each visit counts as a person
    of its own: the epsilon of a release protects a visit, and somebody who comes ten times is protected ten times less.

    Args:
        merchant: party id.
        clock: for tests.
    """

    def __init__(self, merchant: str, *, clock: Callable[[], dt.datetime] = now_utc) -> None:
        self.merchant = merchant
        self._clock = clock
        self._days: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self) -> None:
        """Count one visit, today."""
        day = self._clock().date().isoformat()
        with self._lock:
            self._days[day] += 1

    def rows(self, columns: tuple[str, ...]) -> pd.DataFrame:
        """Return one row for each visit, as the release gate reads them.

        Args:
            columns: of person_id, merchant_id, basket_id (both numbers of the visit) and day (text, ISO 8601).

        Raises: DataError: another column.
        """
        with self._lock:
            days = dict(sorted(self._days.items()))
        day = np.repeat(np.array(list(days), dtype=object), list(days.values())) if days else np.array([], dtype=object)
        number = np.arange(len(day))
        known = {
            c.PERSON: pd.Series(number, dtype="int64"),
            c.MERCHANT: pd.Series([self.merchant] * len(day), dtype="str"),
            c.BASKET: pd.Series(number, dtype="int64"),
            c.DAY: pd.Series(day, dtype="str"),
        }
        missing = [name for name in columns if name not in known]
        if missing:
            raise DataError(f"visits have no column {', '.join(missing)}; ask for {', '.join(known)}")
        return pd.DataFrame({name: known[name] for name in columns})
