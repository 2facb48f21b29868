"""Demand learnt from a merchant's own tables."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from retail import columns as c
from retail.errors import DataError
from retail.folder import load_folder
from simulation.store.categories import CATEGORIES
from simulation.store.demand_model.complete_journey import UNNAMED, trips_in
from simulation.store.demand_model.model import DemandModel


def folder_demand(
    path: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    names: Iterable[str] = CATEGORIES,
    other: str | None = None,
    timezone: str = "UTC",
    currency: str = "EUR",
) -> DemandModel:
    """Learn demand from a folder of tables as `retail.folder.load_folder` reads it.

    The model holds the merchant's baskets without persons, products and days, and a drawn day holds copies of them:
    keep both where the baskets are kept.

    Args:
        path: the folder; `products` must name categories.
        mapping: category on the plan for each category of the products; capitals and outer spaces do not matter.
        names: categories on the plan; a product category of that name needs no entry in `mapping`.
        other: where all remaining categories and products without one go; None refuses them.
        timezone: as in `load_folder`; hours are local there.
        currency: ISO 4217 code.

    Raises:
        DataError: the folder has a problem, a category is not known, or nothing was bought.
        ConfigError: an argument cannot be used.
    """
    data = load_folder(Path(path), timezone=timezone, currency=currency)
    sold = data.transactions[data.transactions[c.QUANTITY] > 0].reset_index(drop=True)
    if sold.empty:
        raise DataError(f"{path}: no line has a quantity above 0; demand needs lines with something bought")
    known = {_plain(name): name for name in names} | {_plain(ours): theirs for ours, theirs in (mapping or {}).items()}
    table = {}
    for name in {*data.products[c.CATEGORY].dropna().astype(str), UNNAMED}:
        target = known.get(_plain(name), other)
        if target is not None:
            table[name] = target
    trips = trips_in(dataclasses.replace(data, transactions=sold), table)
    identity = json.dumps([data.fingerprint, sorted(table.items())])
    return DemandModel(data.name, currency, hashlib.sha256(identity.encode()).hexdigest(), trips)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
