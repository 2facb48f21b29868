"""A folder's public tables alone, for a party that holds nobody's rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from retail import columns as c
from retail.dataset import Period, RetailData
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError
from retail.folder import public_tables

_ROWS = (c.PERSON, c.BASKET, c.PRODUCT, c.STORE, c.TIME, c.DAY, c.QUANTITY, c.SALES)


@dataclass(frozen=True, slots=True)
class PublicSource(DataSource):
    """The same data by description, of which the products and the stores are opened and no row of a person.

    Guarantee: no file but those of products and stores is opened.
    """

    @classmethod
    def of(cls, source: DataSource, folder: Path) -> PublicSource:
        """Describe the public tables of a data source that lie in `folder`.

        Raises:
            ConfigError: the source is no folder.
        """
        if source.source != "folder":
            raise ConfigError(f'source = "{source.source}" has no tables in a folder; write source = "folder"')
        return cls(**{**asdict(source), "path": str(folder)})

    def open(self) -> RetailData:
        """Read the public tables; the last ones opened in this process are kept.

        Raises:
            DataError: a table cannot be used, or a table of rows lies beside them.
            ConfigError: the period or the number of persons is not declared.
        """
        return _open(self)


@lru_cache(maxsize=2)
def _open(what: PublicSource) -> RetailData:
    folder = Path(what.path or "")
    if what.start is None or what.end is None or what.population is None:
        raise ConfigError(
            "without rows the period and the number of persons must be declared; set data.start, data.end and "
            "data.population"
        )
    rows = next((one for one in ("transactions.csv", "transactions.parquet") if (folder / one).exists()), None)
    if rows is not None:
        raise DataError(f"{folder / rows} holds rows of persons, which have no business here; take it away")
    products, stores = public_tables(folder)
    nobody = pd.DataFrame({name: pd.Series(dtype="int64") for name in _ROWS})
    return RetailData(
        name=folder.resolve().name,
        timezone=what.timezone or "UTC",
        currency=what.currency or "EUR",
        period=Period(what.start, what.end, public=True),
        transactions=nobody,
        products=products,
        customers=pd.DataFrame(),
        stores=stores,
        campaigns=pd.DataFrame(),
        promotions=None,
        fingerprint="",
        population=what.population,
    )
