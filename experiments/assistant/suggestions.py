"""What a shopper of the panel bought most, and what the federated recommender would suggest, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from retail import columns as c
from retail.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from experiments.sweep import RunSpec
    from federation.access import MarketPort
    from federation.config import FederationConfig
    from federation.task import NodeData

SUGGESTIONS: Final = 5
FAVOURITES: Final = 5
_MODEL: Final = "model.npz"
_METHOD: Final = "federated"


@dataclass(frozen=True, slots=True)
class Product:
    """A product for people.

    Attributes:
        id: in the catalogue.
        label: type and package, such as "FLUID MILK WHITE ONLY, 1 GA".
        type: of the catalogue.
    """

    id: str
    label: str
    type: str


@dataclass(frozen=True, slots=True)
class Favourite:
    """What a shopper keeps buying.

    Attributes:
        product: which.
        trips: in how many baskets.
        days_ago: when last, before the day up to which the recommender knows.
    """

    product: Product
    trips: int
    days_ago: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the recommender would show.

    Attributes:
        product: which.
        bought_before: whether the shopper has bought it.
        because: reasons in words, the strongest first; each with the log-odds that it adds.
    """

    product: Product
    bought_before: bool
    because: tuple[tuple[str, float], ...]


class Recommender:
    """The recommender that a finished run left, for the shoppers of its merchants.

    It holds the public model and the public catalogue, and nobody's rows: a merchant reads its own anew each time,
    through the data port (`panel`).

    Args:
        directory: of the run: `config.toml`, and `artifacts/model.npz` of a federated arm.

    Raises:
        DataError: the run is not finished, left no model, or its data cannot be read.
        ConfigError: nothing was federated in it.
    """

    def __init__(self, directory: Path) -> None:
        from experiments.arms import federation_config
        from experiments.attacking import read_spec
        from federation.nodes import merchants

        self.directory = directory
        if not (directory / "run.json").is_file():
            raise DataError(
                f"{directory} is no finished run; name a folder such as runs/demo/RUN_ID of a federated arm"
            )
        self.spec: RunSpec = read_spec(directory)
        if self.spec.task != "recommend" or self.spec.arm.method != _METHOD:
            raise ConfigError(
                f"run {directory.name} is arm {self.spec.arm.name} ({self.spec.arm.method}); the card needs a run of a "
                'recommender with method = "federated"'
            )
        self.config: FederationConfig = federation_config(self.spec, directory)
        self.model = _read_model(directory / "artifacts" / _MODEL)
        self.merchants = tuple(str(one) for one in merchants(self.config))

    @property
    def source(self) -> str:
        """Which model this is, in words."""
        arm = self.spec.arm
        epsilon = "no epsilon claimed" if arm.epsilon is None else f"epsilon {arm.epsilon:g}"
        return f"{self.spec.scenario}, arm {arm.name} ({epsilon}), run {self.directory.name}"

    def store(self, wanted: str = "") -> str:
        """Return a merchant of the run by its id, or the first of the public list.

        Raises: ConfigError: the run has no such merchant.
        """
        if wanted and wanted not in self.merchants:
            few = ", ".join(self.merchants[:5])
            raise ConfigError(f"the run has no merchant {wanted!r:.40}; it has {few} and others")
        return wanted or self.merchants[0]

    def panel(self, market: MarketPort, store: str) -> Panel:
        """Have a merchant read its own rows through the data port, to serve its shoppers.

        Raises: PolicyError: it may not. PrivacyError: the read cannot be logged. ConfigError: as `store`.
        """
        return Panel(self, market.serve(self.merchants.index(self.store(store))))

    def product(self, id_: Any) -> Product:
        """Return a product of the catalogue for people, by its id there."""
        row = self._products.loc[id_]
        parts = [str(row[name]).strip() for name in (c.TYPE, c.PACKAGE) if name in row and isinstance(row[name], str)]
        label = ", ".join(part for part in parts if part) or f"product {id_}"
        return Product(str(id_), label, str(row[c.TYPE]))

    @cached_property
    def _products(self) -> pd.DataFrame:
        from retail.datasource import DataSource

        assert isinstance(self.config.source, DataSource)
        return self.config.source.open().products.set_index(c.PRODUCT)


@dataclass(frozen=True, eq=False)
class Panel:
    """What a merchant has just read of its own rows; for one card or one pairing, not to be kept.

    Attributes:
        recommender: of the run.
        node: the merchant's rows.
    """

    recommender: Recommender
    node: NodeData

    @property
    def shoppers(self) -> tuple[str, ...]:
        """Ids of the merchant's shoppers who have bought something, ascending."""
        bought = np.diff(self.node.history.indptr) > 0
        return tuple(str(one) for one in self.node.history.persons[bought])

    def favourites(self, shopper: str, *, most: int = FAVOURITES) -> tuple[Favourite, ...]:
        """Return what a shopper bought in the most baskets, at least two. Raises: DataError: no such shopper."""
        history, row = self.node.history, self.row(shopper)
        lines = slice(history.indptr[row], history.indptr[row + 1])
        product, day, basket = history.product[lines], history.day[lines], history.basket[lines]
        trips = np.unique(np.stack([product, basket]), axis=1)[0]
        codes, counts = np.unique(trips, return_counts=True)
        order = np.lexsort((codes, -counts))[:most]
        return tuple(
            Favourite(self._product(code), int(count), int(self.node.now - day[product == code].max()))
            for code, count in zip(codes[order], counts[order], strict=True)
            if count > 1
        )

    def suggestions(self, shopper: str, *, most: int = SUGGESTIONS) -> tuple[Suggestion, ...]:
        """Return what the model ranks first for a shopper: three products never bought, then two bought before.

        The model ranks both kinds together, and what people buy again always fills the top. Of the new ones each is of
        another type, and of none of the favourites' types: a fourth kind of milk is no suggestion to who buys milk.

        Raises: DataError: no such shopper.
        """
        from federation.recommend.reasons import reasons
        from federation.recommend.settings import RecommendOptions

        model, config = self.recommender.model, self.recommender.config
        options = RecommendOptions.read(config.options)
        found = reasons(model, self.node, self.row(shopper), options, config.window_days, most=len(model["candidates"]))
        types = {one.product.type for one in self.favourites(shopper)}
        new: list[Suggestion] = []
        again: list[Suggestion] = []
        for one in found:
            if len(again if one.bought_before else new) >= (most // 2 if one.bought_before else most - most // 2):
                continue
            product = self._product(one.product)
            if one.bought_before:
                again.append(Suggestion(product, True, one.because))
            elif product.type not in types:
                types.add(product.type)
                new.append(Suggestion(product, False, one.because))
        return (*new, *again)

    def row(self, shopper: str) -> int:
        """Return the place of a shopper among the merchant's. Raises: DataError: there is no such shopper."""
        persons = [str(one) for one in self.node.history.persons]
        if shopper not in persons:
            raise DataError(
                f"merchant {self.node.merchant} has no shopper {shopper!r:.40}; leave --shopper out to draw one, or "
                "enrol the person anew"
            )
        return persons.index(shopper)

    def _product(self, code: int) -> Product:
        return self.recommender.product(self.node.catalogue.product_ids[code])


@lru_cache(maxsize=2)
def recommender(directory: Path) -> Recommender:
    """Return the recommender of a run; the last two are kept. Raises: see `Recommender`."""
    return Recommender(directory)


def _read_model(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            model = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise DataError(f"there is no {path}; the card needs a run of a federated arm, which leaves one") from error
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"{path} is no model of a run ({type(error).__name__}); run the scenario again") from error
    missing = {"popularity", "shares", "candidates", "average"} - set(model)
    if missing:
        raise DataError(f"{path} lacks {', '.join(sorted(missing))}; the card needs a run of task = recommend")
    return model
