"""Cutting one folder of tables, or of pictures, into what merchants would hold: for trials on one machine.

Whoever does this sees all rows. It plays the registry, which in a real federation enrols each shopper.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from federation.engines.deploy.keys import private_folder
from privacy.units import cap_merchants
from retail import columns as c
from retail.dataset import RetailData
from retail.errors import ConfigError, DataError
from retail.faces.source import FaceSource
from retail.merchants import By, partition


def public_part(data: RetailData, folder: Path) -> None:
    """Write the public tables of a data set as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("products", data.products), ("stores", data.stores)):
        if len(table):
            table.dropna(axis="columns", how="all").to_parquet(folder / f"{name}.parquet", index=False)


def check_enrolment(by: str, k_max: int) -> None:
    """Refuse ways to enrol shoppers that no deployment has.

    Raises: ConfigError: so it is.
    """
    if by not in ("home_store", "store"):
        raise ConfigError(f'by = "{by}": merchants of a deployment are stores; write "home_store" or "store"')
    if k_max < 1 or (by == "home_store" and k_max != 1):
        raise ConfigError(f'k_max = {k_max} with by = "{by}": write 1 with a home store, and 1 or more with stores')


def merchants_of(data: RetailData, merchants: Sequence[int | str] | None) -> tuple[int | str, ...]:
    """Return the members of a federation of stores: those named, or all in the stores table.

    Raises: ConfigError: fewer than two, or one that the table does not have.
    """
    known = tuple(sorted(data.stores[c.STORE].tolist())) if len(data.stores) else ()
    if not known:
        raise ConfigError(f"{data.name} has no stores table, so there is no public list of merchants; add one")
    chosen = known if merchants is None else tuple(merchants)
    strange = [str(one) for one in chosen if one not in known]
    if strange or len(set(chosen)) < len(chosen) or len(chosen) < 2:
        wrong = f"{', '.join(strange[:5])} not among them" if strange else "name two or more, each once"
        raise ConfigError(f"merchants must be stores of {data.name}: {wrong}")
    return chosen


def own_rows(
    data: RetailData, merchants: Sequence[int | str], *, by: By, k_max: int, before: int
) -> list[pd.DataFrame]:
    """Return the rows that each merchant keeps.

    Args:
        data: all rows.
        merchants: in order.
        by: "home_store" or "store".
        k_max: at how many merchants a shopper may take part.
        before: day of enrolment, days since 1970-01-01; where a shopper belongs is decided by rows before it.

    Returns: of each merchant the rows, on all days, of the shoppers who are enrolled there, without DAY.
    """
    past = data.transactions[data.transactions[c.DAY].to_numpy() < before]
    enrolled = cap_merchants(
        partition(replace(data, transactions=past), by=by, merchants=merchants).transactions[
            [c.PERSON, c.MERCHANT, c.BASKET, c.PRODUCT, c.DAY, c.QUANTITY]
        ],
        k_max=k_max,
    )
    kept = []
    for merchant in merchants:
        here = enrolled.loc[enrolled[c.MERCHANT] == merchant, c.PERSON].unique()
        rows = data.transactions[data.transactions[c.STORE] == merchant]
        kept.append(rows[rows[c.PERSON].isin(here)].drop(columns=c.DAY))
    return kept


def write_rows(rows: pd.DataFrame, folder: Path) -> None:
    """Write a merchant's rows beside the public tables, for its owner's eyes alone."""
    private_folder(folder)
    path = folder / "transactions.parquet"
    path.touch(mode=0o600)
    rows.to_parquet(path, index=False)


def people_of(pictures: Path, merchants: int) -> list[tuple[str, ...]]:
    """Return whose pictures each merchant keeps: everybody is dealt by name, as a run in one process deals them.

    Args:
        pictures: folder with a folder of pictures for each person.
        merchants: how many.

    Raises: DataError: pictures cannot be used.
    """
    source = FaceSource(source="face-folder", path=str(pictures), merchants=merchants, folds=1)
    return [source.at(place).names for place in range(merchants)]


def copy_pictures(pictures: Path, people: Sequence[str], folder: Path) -> None:
    """Copy the pictures of some people, for their merchant's eyes alone.

    Raises: DataError: one cannot be copied.
    """
    private_folder(folder)
    try:
        for name in people:
            private_folder(folder / name)
            for file in sorted(one for one in (pictures / name).iterdir() if one.is_file()):
                copied = folder / name / file.name
                copied.touch(mode=0o600)
                shutil.copyfile(file, copied)
    except OSError as error:
        raise DataError(f"cannot copy {error.filename} ({error.strerror}); check space and permissions") from error
