"""Generated shoppers of any number, with known truth, for scale and causal experiments.

`generate` returns a data set in memory, `generate_tables` writes the same rows to a folder that `load_folder` reads.
Both work through chunks of people. A person's rows depend on the seed, the parameters and that person's id only, so
leaving somebody out changes nobody else's rows. Nothing here imitates a real shop's figures: see
docs/data-cards/generated.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retail import columns as c
from retail.dataset import Period, RetailData
from retail.errors import ConfigError
from retail.files import atomic_write
from retail.randomness import person_keys
from retail.trips import Habits, Lines, draw_lines
from retail.truth import People, Truth, draw_people, join_people
from retail.world import PERIOD_DAYS, Ints, World, build_world

VERSION: Final = 1
MOST_SHOPPERS: Final = 10_000_000
_CHUNK: Final = 50_000
_TIME: Final = "datetime64[s, UTC]"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the rows; its hash is the data set's fingerprint.

    Attributes:
        shoppers: number of people, ids 0 to shoppers - 1; public, it is a parameter.
        seed: of everything, at least 0.
        merchants: number of stores.
        products: number of products, at least 20.
        days: days covered, at least 28; the default is 52 weeks.
        baskets: mean baskets per person over all days.
        lines: mean lines drawn per basket.
        start: first day.
        treated_share: probability of getting the campaign.
        without: ids left out; everybody else's rows stay as they are.
    """

    shoppers: int
    seed: int
    merchants: int = 100
    products: int = 2_000
    days: int = 364
    baskets: float = 11.0
    lines: float = 3.2
    start: dt.date = dt.date(2024, 1, 1)
    treated_share: float = 0.5
    without: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be generated."""
        whole = {
            "shoppers": (1, MOST_SHOPPERS),
            "seed": (0, 2**63 - 1),
            "merchants": (1, 100_000),
            "products": (20, 1_000_000),
            "days": (PERIOD_DAYS, 3_660),
        }
        for name, (low, high) in whole.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"{name} = {value!r} cannot be generated; give a whole number from {low} to {high}")
        real = {"baskets": (1.0, 300.0), "lines": (1.0, 20.0), "treated_share": (0.0, 1.0)}
        for name, (least, most) in real.items():
            if not least <= getattr(self, name) <= most:
                raise ConfigError(f"{name} = {getattr(self, name)!r} cannot be generated; give {least} to {most}")
        if not all(0 <= person < self.shoppers for person in self.without):
            raise ConfigError(f"without = {self.without!r}: give ids from 0 to {self.shoppers - 1}")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all settings and the generator's version."""
        text = json.dumps({"generator": VERSION, **asdict(self)}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def period(self) -> Period:
        """The days covered; public, they are parameters."""
        return Period(self.start, self.start + dt.timedelta(days=self.days - 1), public=True)


@dataclass(frozen=True, eq=False)
class Generated:
    """A data set as any other, and the truth behind it."""

    data: RetailData
    truth: Truth


def generate(
    shoppers: int,
    *,
    seed: int,
    merchants: int = 100,
    products: int = 2_000,
    days: int = 364,
    baskets: float = 11.0,
    lines: float = 3.2,
    start: dt.date = dt.date(2024, 1, 1),
    treated_share: float = 0.5,
    without: Collection[int] = (),
    progress: Callable[[int], None] | None = None,
) -> Generated:
    """Generate a data set in memory.

    Args:
        shoppers: number of people.
        seed: of everything; same arguments, same bytes.
        merchants: number of stores, listed publicly in `stores`.
        products: catalogue size.
        days: days covered from `start`.
        baskets: mean baskets per person over all days.
        lines: mean lines drawn per basket.
        start: first local day (time zone UTC).
        treated_share: probability of getting the campaign.
        without: person ids to leave out (neighbouring data sets for privacy tests). `population` stays `shoppers`.
        progress: called with the number of people done after each chunk.

    Raises:
        ConfigError: a number is out of range.
    """
    settings = Settings(
        shoppers, seed, merchants, products, days, baskets, lines, start, treated_share, tuple(sorted(set(without)))
    )
    shop = _Shop(settings)
    held: dict[str, list[np.ndarray]] = {f.name: [] for f in fields(Lines)}
    people = []
    for part, rows in shop.chunks(progress):
        people.append(part)
        for name, parts in held.items():
            parts.append(getattr(rows, name))
    merged = join_people(people)
    joined = {name: np.concatenate(held.pop(name)) for name in list(held)}
    data = RetailData(
        name=f"generated-{shoppers}",
        timezone="UTC",
        currency="EUR",
        period=settings.period,
        transactions=_transactions(joined),
        products=shop.world.products,
        customers=_customers(merged),
        stores=shop.world.stores,
        campaigns=shop.campaigns,
        promotions=None,
        fingerprint=settings.fingerprint,
        population=shoppers,
    )
    return Generated(data, Truth(merged, shop.world, shop.campaign_category, shop.campaign_days))


def generate_tables(folder: Path, settings: Settings, *, progress: Callable[[int], None] | None = None) -> None:
    """Write the tables of a generated data set, one chunk of people in memory at a time.

    The folder gets transactions, products, customers, stores and campaigns as Parquet (readable with `load_folder`),
    `truth/people.parquet` and `truth/products.parquet`, and `generated.json` with the settings, in which `finished`
    becomes true last. Each file is whole or absent.

    Raises:
        DataError: the folder cannot be written.
    """
    shop = _Shop(settings)
    people: list[People] = []

    def stream(path: Path) -> None:
        with pq.ParquetWriter(path, _arrow_schema(), compression="zstd") as writer:
            for part, rows in shop.chunks(progress):
                people.append(part)
                frame = _transactions({f.name: getattr(rows, f.name) for f in fields(Lines)}).drop(columns=c.DAY)
                writer.write_table(pa.Table.from_pandas(frame, schema=_arrow_schema(), preserve_index=False))

    described = {**asdict(settings), "fingerprint": settings.fingerprint}
    _write_json(folder / "generated.json", {**described, "finished": False})
    atomic_write(folder / "transactions.parquet", stream)
    merged = join_people(people)
    tables = {
        "products": shop.world.products,
        "customers": _customers(merged),
        "stores": shop.world.stores,
        "campaigns": shop.campaigns,
        "truth/people": _people_frame(merged),
        "truth/products": shop.world.products[[c.PRODUCT]].assign(
            quality=Truth(merged, shop.world, shop.campaign_category, shop.campaign_days).quality.to_numpy()
        ),
    }
    for name, frame in tables.items():
        table = pa.Table.from_pandas(frame, preserve_index=False)
        atomic_write(folder / f"{name}.parquet", lambda path, table=table: pq.write_table(table, path))  # type: ignore[misc]
    _write_json(folder / "generated.json", {**described, "finished": True})


class _Shop:
    """One generated world and the way through its people."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        periods = -(-settings.days // PERIOD_DAYS)
        self.world: World = build_world(
            seed=settings.seed, merchants=settings.merchants, products=settings.products, periods=periods
        )
        by_category = np.bincount(self.world.category_of, weights=self.world.popularity.mean(axis=0))
        self.campaign_category = int(np.argsort(-by_category, kind="stable")[len(by_category) // 4])
        first = settings.period.start_day + settings.days // 2
        self.campaign_days = (first, min(first + PERIOD_DAYS, settings.period.end_day))

    def chunks(self, progress: Callable[[int], None] | None) -> Iterator[tuple[People, Lines]]:
        settings = self.settings
        habits = Habits(settings.period.start_day, settings.days, settings.baskets, settings.lines)
        left_out = np.asarray(settings.without, dtype=np.int64)
        for start in range(0, settings.shoppers, _CHUNK):
            persons = np.arange(start, min(start + _CHUNK, settings.shoppers))
            persons = persons[~np.isin(persons, left_out)]
            keys = person_keys(settings.seed, persons)
            about = {"campaign_category": self.campaign_category}
            people = draw_people(self.world, keys=keys, persons=persons, treated_share=settings.treated_share, **about)
            yield (
                people,
                draw_lines(self.world, people, keys=keys, habits=habits, campaign_days=self.campaign_days, **about),
            )
            if progress is not None:
                progress(min(start + _CHUNK, settings.shoppers))

    @property
    def campaigns(self) -> pd.DataFrame:
        days = pd.to_datetime(list(self.campaign_days), unit="D")
        return pd.DataFrame(
            {
                c.CAMPAIGN: [1],
                c.CAMPAIGN_KIND: [f"coupon CATEGORY {self.campaign_category + 1:04d}"],
                c.CAMPAIGN_START: [days[0]],
                c.CAMPAIGN_END: [days[1] - pd.Timedelta(days=1)],
            }
        )


def _transactions(lines: dict[str, Ints]) -> pd.DataFrame:
    """Name the columns; takes the arrays out of `lines` as it goes, so that each exists once."""
    second = lines.pop("second")
    named = {"person": c.PERSON, "basket": c.BASKET, "product": c.PRODUCT, "store": c.STORE}
    columns = {ours: lines.pop(theirs) for theirs, ours in named.items()}
    day = (second // 86_400).astype(np.int32)
    time = pd.Series(second.view("datetime64[s]"), copy=False).dt.tz_localize("UTC").astype(_TIME)
    return pd.DataFrame(
        {**columns, c.TIME: time, c.DAY: day, c.QUANTITY: lines.pop("quantity"), c.SALES: lines.pop("sales")},
        copy=False,
    )


def _arrow_schema() -> pa.Schema:
    whole = [(name, pa.int64()) for name in (c.PERSON, c.BASKET, c.PRODUCT, c.STORE)]
    return pa.schema([*whole, (c.TIME, pa.timestamp("ms", "UTC")), (c.QUANTITY, pa.int64()), (c.SALES, pa.float64())])


def _customers(people: People) -> pd.DataFrame:
    return pd.DataFrame({c.PERSON: people.person, "segment": people.segment, "treated": people.treated})


def _people_frame(people: People) -> pd.DataFrame:
    flat = {}
    for field in fields(People):
        values = getattr(people, field.name)
        flat[c.PERSON if field.name == "person" else field.name] = values if values.ndim == 1 else list(values)
    return pd.DataFrame(flat)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, default=str, indent=1)
    atomic_write(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
