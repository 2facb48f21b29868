"""Which two sides the comparison opens with: an arm that leads the scenario, less the reference of its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from experiments.pair_figures import Side
from experiments.runs import RunStore
from retail.errors import TradefairError

_USUAL: Final = ("isolated", "pooled", "popularity")
"""What everybody compares with, by name, the most telling first."""


def opening_pair(store: RunStore, sides: Sequence[Side]) -> tuple[int, int]:
    """Return the places of the two sides of a scenario that are compared first; first and last where no table tells."""
    try:
        document = store.document(store.root / sides[0].scenario / "summary.json") or {}
        references = references_of(document)
        leading = leading_arm(document, references)
    except (TradefairError, KeyError, TypeError, AttributeError, ValueError):
        return 0, len(sides) - 1
    first = next((place for place, side in enumerate(sides) if side.arm == leading), 0)
    for reference in references:
        for place, side in enumerate(sides):
            if side.arm == reference and side.sweep == sides[first].sweep and place != first:
                return first, place
    return first, len(sides) - 1 if first != len(sides) - 1 else 0


def references_of(document: Mapping[str, Any]) -> list[str]:
    """List the arms that a table compares others with: the usual ones first, then those of most arms."""
    compared: Counter[str] = Counter()
    for pair in {tuple(str(one["name"]).removesuffix(")").split(", ")[-2:]) for one in document["differences"]}:
        if len(pair) == 2:
            compared[pair[1]] += 1
    return sorted(
        compared, key=lambda name: (_USUAL.index(name) if name in _USUAL else len(_USUAL), -compared[name], name)
    )


def leading_arm(document: Mapping[str, Any], references: Sequence[str]) -> str:
    """Return the arm that a scenario is about: federated, or a market with a firewall; else its first but references.

    Raises:
        ValueError: there is no arm beside the references.
    """
    rows = [row for row in document["rows"] if row["arm"] not in references[:1]]
    usual = [row for row in rows if row.get("method") == "federated" or row.get("regime") == "firewall"]
    others = [row for row in rows if row["arm"] not in references]
    for row in (*usual, *others, *rows):
        return str(row["arm"])
    raise ValueError("no arm beside the references")
