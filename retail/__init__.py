"""The shop's world: products, baskets, shoppers, merchants.

Enters: the Complete Journey (installed), a user's folder of CSV or Parquet tables, or a generated data set.
Leaves: `RetailData` (tables with the names of `retail.columns`), its partition into merchants, time splits,
purchases as arrays, and ranking measures.

    from retail import complete_journey, partition, rolling_origins
    data = complete_journey.load()
    shops = partition(data, by="home_store", merchants=complete_journey.MEMBER_STORES)
    last = rolling_origins(data.period)[-1]
    print(len(shops.merchants), len(shops.node(0)), last.test)

Names are loaded when they are first used, so that importing one module does not pay for the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retail.dataset import LazyTable, Period, RetailData
    from retail.errors import ConfigError, ConsentError, DataError, PolicyError, PrivacyError, TradefairError
    from retail.evaluation import measure
    from retail.folder import check_folder, load_folder
    from retail.generator import generate
    from retail.interactions import Catalogue, Interactions, catalogue
    from retail.merchants import Partition, partition
    from retail.splits import Split, rolling_origins

__all__ = [
    "Catalogue",
    "ConfigError",
    "ConsentError",
    "DataError",
    "Interactions",
    "LazyTable",
    "Partition",
    "Period",
    "PolicyError",
    "PrivacyError",
    "RetailData",
    "Split",
    "TradefairError",
    "catalogue",
    "check_folder",
    "generate",
    "load_folder",
    "measure",
    "partition",
    "rolling_origins",
]

_HOME = {
    "dataset": ("LazyTable", "Period", "RetailData"),
    "errors": ("ConfigError", "ConsentError", "DataError", "PolicyError", "PrivacyError", "TradefairError"),
    "evaluation": ("measure",),
    "folder": ("check_folder", "load_folder"),
    "generator": ("generate",),
    "interactions": ("Catalogue", "Interactions", "catalogue"),
    "merchants": ("Partition", "partition"),
    "splits": ("Split", "rolling_origins"),
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"retail.{module}"), name)
    raise AttributeError(f"module 'retail' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
