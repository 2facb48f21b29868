"""A small world in which products are launched during the year: rows before their launches are taken out."""

import datetime as dt

import numpy as np
import pandas as pd

from retail import columns as c
from retail.generator import Settings, generate_tables

SHOPPERS = 400
START, END = dt.date(2024, 1, 1), dt.date(2024, 12, 29)


def write_launched(folder, *, without=()):
    """Write the tables of 400 shoppers at six merchants; 24 popular products are sold from some day on."""
    generate_tables(
        folder,
        Settings(
            SHOPPERS, seed=5, merchants=6, products=300, days=364, baskets=24.0, lines=4.0, start=START,
            treated_share=0.0, without=without,
        ),
    )  # fmt: skip
    for file in folder.glob("*.parquet"):
        if file.stem not in ("transactions", "products", "stores"):
            file.unlink()
    path = folder / "transactions.parquet"
    lines = pd.read_parquet(path)
    launched = pd.read_parquet(folder / "products.parquet")[c.PRODUCT].sort_values().to_numpy()[2:296:7]
    first = pd.Timestamp(START, tz="UTC") + pd.to_timedelta(100 + 4 * np.arange(len(launched)), unit="D")
    sold_from = lines[c.PRODUCT].map(dict(zip(launched, first, strict=True)))
    times = pd.to_datetime(lines[c.TIME], utc=True)
    lines[sold_from.isna() | (times >= sold_from.fillna(first[0]))].to_parquet(path)
    return folder


def launched_table(folder):
    """The `[data]` of a scenario over such a folder."""
    return {
        "source": "folder", "path": str(folder), "timezone": "UTC", "population": SHOPPERS, "start": START, "end": END,
    }  # fmt: skip
