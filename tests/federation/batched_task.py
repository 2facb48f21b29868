"""The weekday task, once for many merchants at a time, and once with faults that depend on rows."""

from typing import ClassVar

import numpy as np
from weekday_task import WeekdayTask

LINES = 70  # in the history of a shopper of few merchants alone


class BatchedWeekdays(WeekdayTask):
    """Computes merchants at once, one row for each."""

    seen: ClassVar[list[int]] = []

    def node_bytes(self, round_, node):
        return self.options.get("block", 1)

    def person_updates(self, model, round_, node):
        parts = [part.sum(axis=0) for part in super().person_updates(model, round_, node)]
        yield np.sum(parts, axis=0)[None]

    def node_updates(self, model, round_, batch):
        self.seen.append(len(batch.nodes))
        yield np.concatenate([part for one in batch.nodes for part in self.person_updates(model, round_, one)])


class Odd(WeekdayTask):
    """Goes wrong at merchants where somebody bought much."""

    def person_updates(self, model, round_, node):
        rows = np.bincount(node.history.rows(), minlength=len(node.persons)) > LINES
        for start, part in enumerate(super().person_updates(model, round_, node)):
            broken = rows[start * 50 : start * 50 + 50]
            if broken.any() and self.settings.options["fail_on"] == "raise":
                raise ValueError("somebody bought much")
            if broken.any() and self.settings.options["fail_on"] == "shape":
                part = np.zeros((part.shape[0], round_.size + 1))
            if broken.any() and self.settings.options["fail_on"] == "nan":
                part = np.where(broken[:, None], np.nan, part.toarray() if hasattr(part, "toarray") else part)
            yield part
