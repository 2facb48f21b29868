"""Registers made from what the lines of a log claim, for an audit that has nothing better."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import pandas as pd

from privacy.access import schema as a
from privacy.policy import Dataset, Party, Register
from retail.problems import shown


def worlds(requests: pd.DataFrame) -> tuple[list[tuple[Register, pd.DataFrame]], tuple[str, ...]]:
    """Split requests into parts that one register can describe each.

    Where lines disagree about an actor or a data set, every description gets its part. An owner that never acts is
    taken for a merchant, a unit by itself: the reading under which most is refused.

    Args:
        requests: columns of the schema, one row for each different request.

    Returns: (register, its rows), and notes about assumptions and contradictions.
    """
    parties = [_party(row) for row in _rows(requests, (a.ACTOR, a.ROLE, a.UNIT))]
    datasets = [
        _dataset(row) for row in _rows(requests, (a.DATASET, a.OWNER, a.KIND, a.FORM, a.ABOUT_PERSONS, a.PUBLIC))
    ]
    of_party, of_dataset = _variants(requests[a.ACTOR], parties), _variants(requests[a.DATASET], datasets)
    acting: dict[str, Party] = {}
    for party in parties:
        if party is not None:
            acting.setdefault(party.id, party)
    part_of: dict[tuple[int, int], list[int]] = {}
    for at, which in enumerate(zip(of_party, of_dataset, strict=True)):
        part_of.setdefault(which, []).append(at)
    split = []
    assumed: set[str] = set()
    for rows in part_of.values():
        register = Register()
        owned = [datasets[at] for at in rows]
        for dataset in owned:
            if dataset is not None:
                register.add(dataset)
                if dataset.owner not in acting:
                    assumed.add(dataset.owner)
                register.add(acting.get(dataset.owner, Party(dataset.owner, "merchant")))
        for at in rows:
            party = parties[at]
            if party is not None:
                register.add(party)
        split.append((register, requests.iloc[rows]))
    return split, tuple(_notes(of_party, requests[a.ACTOR], of_dataset, requests[a.DATASET], assumed))


def _rows(requests: pd.DataFrame, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return list(requests[list(names)].itertuples(index=False, name=None))


def _party(row: tuple[Any, ...]) -> Party | None:
    return Party(*row) if row[1] else None


def _dataset(row: tuple[Any, ...]) -> Dataset | None:
    return Dataset(*row) if all(row[1:4]) else None


def _variants(ids: Iterable[Hashable], described: Iterable[Hashable]) -> list[int]:
    """Number the descriptions of each id, in the order in which they appear."""
    seen: dict[Hashable, dict[Hashable, int]] = {}
    found = []
    for id_, description in zip(ids, described, strict=True):
        known = seen.setdefault(id_, {})
        found.append(known.setdefault(description, len(known)))
    return found


def _notes(
    of_party: list[int], actors: Iterable[object], of_dataset: list[int], names: Iterable[object], assumed: set[str]
) -> list[str]:
    notes = []
    for what, ids, variants in (("actor", actors, of_party), ("data set", names, of_dataset)):
        several = sorted({str(one) for one, variant in zip(ids, variants, strict=True) if variant})
        if several:
            notes.append(f"lines describe {what} {_listed(several)} in more than one way; each was judged as described")
    if assumed:
        notes.append(f"nothing tells who owner {_listed(sorted(assumed))} is: taken for a merchant on its own")
    return notes


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return ", ".join(shown(one, most=40) for one in ids[:5]) + more
