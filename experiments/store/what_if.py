"""A what-if that nobody keeps: the same comparison and the same figures as a run, without a run store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from experiments.store.comparing import compared_rows
from experiments.store.summary import COMPARED, result_of
from simulation.store.comparison import Comparison


def what_if_document(
    found: Comparison, *, arm: str, reference: str, title: str, more: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return what `summary.json` would hold of one comparison, finished or as far as it got.

    Args:
        found: the comparison.
        arm: name of the changed store.
        reference: name of the store as it is.
        title: one line for people.
        more: further rows of figures, such as those of a search.
    """
    rows = [*compared_rows(found, arm, reference), *more]
    figures = [result_of(row, runs=(), sweep={}) for row in rows]
    return {
        "kind": "store",
        "scenario": arm,
        "title": title,
        "runs": [],
        "rows": [{"arm": arm, "label": title, "leading": found.leading}],
        "results": [one.record() for one in figures if not one.name.startswith(COMPARED)],
        "differences": [one.record() for one in figures if one.name.startswith(COMPARED)],
        "targets": [],
    }
