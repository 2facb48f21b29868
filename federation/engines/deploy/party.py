"""One party's folder in a deployment: its keys, its data, and what only its owner decides."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, get_args

import tomli_w

from federation import nodes
from federation.access import Access
from federation.config import FederationConfig
from federation.engines.deploy.book import Book
from federation.engines.deploy.holdings import own_source
from federation.engines.deploy.keys import read_identity
from privacy.units import NoisePlacement
from retail.errors import ConfigError, DataError
from retail.faces.source import FaceSource
from retail.files import atomic_write
from retail.merchants import By

FILE: Final = "party.toml"
ROSTER: Final = "roster.txt"
BOOKS: Final = "books/log.sqlite"
LEDGER: Final = "books/ledger.sqlite"
RESULTS: Final = "results"
SERVER: Final = "server"
_LISTS: Final = ("members", "packs", "noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """What `party.toml` in a party's folder says. Nothing of it comes from whoever starts a run.

    Attributes:
        folder: of the party.
        merchant: id in the list of members; None for the server.
        members: the merchants of the federation, in order.
        data: folder of the party's tables, within its own; its name is the data set's, the same at all parties.
        faces: folder with the pictures of people, within its own, likewise named; empty for none. A server keeps the
            name alone.
        responses: Parquet file of responses, within its own; its name without the ending is the data set's; likewise.
        server: host and port of the server.
        most_epsilon: of one run; more is refused.
        most_delta: likewise.
        most_total_epsilon: of all runs on the same people together, which a merchant's own books add up, fixed by the
            first of them; None for `most_epsilon`.
        by: how shoppers were enrolled at merchants; a run that says otherwise is refused.
        k_max: at how many merchants they were enrolled; likewise.
        noise: who may add the noise.
        secure: whether runs without secure aggregation are refused.
        timeout_s: how long the server waits for one exchange.
        packs: of the rules under which it reads, as `Access`.
        regime: likewise.
        jurisdiction: likewise.
        consents: likewise; within the folder.
    """

    folder: Path
    merchant: int | str | None
    members: tuple[int | str, ...]
    data: str
    server: str
    most_epsilon: float
    most_delta: float = 1e-4
    most_total_epsilon: float | None = None
    faces: str = ""
    responses: str = ""
    by: By = "home_store"
    k_max: int = 1
    noise: tuple[str, ...] = get_args(NoisePlacement)
    secure: bool = True
    timeout_s: float = 600.0
    packs: tuple[str, ...] = ()
    regime: str = ""
    jurisdiction: Any = "none"
    consents: str = ""

    @classmethod
    def read(cls, folder: Path) -> Party:
        """Read a party's folder.

        Raises: ConfigError: there is none, or its file cannot be used.
        """
        path = folder / FILE
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
            for name in set(_LISTS) & set(raw):
                raw[name] = tuple(raw[name])
            party = cls(folder=folder, merchant=raw.pop("merchant", None), **raw)
        except FileNotFoundError as error:
            raise ConfigError(f"{folder} is no party's folder: it has no {FILE}; name another, or make one") from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{path} cannot be used ({error}); put it right") from error
        if party.merchant is not None and party.merchant not in party.members:
            raise ConfigError(f"{path}: merchant {party.merchant!r} is not among the members; put it right")
        return party

    def write(self) -> None:
        """Write `party.toml`.

        Raises: DataError: it cannot be written.
        """
        held = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "folder"}
        said = {name: value for name, value in held.items() if value not in (None, "")}
        for name in _LISTS:
            said[name] = list(said[name])
        atomic_write(self.folder / FILE, lambda path: path.write_text(tomli_w.dumps(said), encoding="utf-8"))

    @property
    def name(self) -> str:
        """What its folder is called."""
        return party_name(self.merchant)

    @property
    def place(self) -> int:
        """Position among the members."""
        if self.merchant is None:
            raise ConfigError("the server has no place among the members")
        return self.members.index(self.merchant)

    @property
    def tables(self) -> Path:
        """Folder of its tables."""
        return self.folder / self.data

    def roster(self) -> str:
        """Return the members' public identities.

        Raises: ConfigError: there are none.
        """
        try:
            return (self.folder / ROSTER).read_text(encoding="ascii").strip()
        except OSError as error:
            raise ConfigError(f"{self.folder / ROSTER} cannot be read; the server's owner hands it out") from error

    def secrets(self) -> dict[str, str]:
        """Return what a node needs in a secure aggregation."""
        return {"roster": self.roster(), "identity": read_identity(self.folder)}

    def admit(self, config: FederationConfig, *, trial: bool = False) -> FederationConfig:
        """Turn the settings of a run into this party's: its own tables, and at the server its own ledger.

        Args:
            config: from whoever started the run.
            trial: leave the party's limits out; only for tests on data that are nobody's.

        Raises: ConfigError: the party's owner has not agreed to such runs.
        """
        if not trial:
            self._check_limits(config)
        mine = replace(config, source=own_source(self, config))
        if self.merchant is None and str(config.ledger) != ":memory:":
            mine = replace(mine, ledger=self.folder / LEDGER)
        # Merchants of pictures have no ids but their places.
        same = nodes.count_nodes(mine) if isinstance(mine.source, FaceSource) else nodes.merchants(mine)
        if same not in (self.members, len(self.members)):
            raise ConfigError(f"the run is of other merchants than the {len(self.members)} members of this federation")
        return mine

    def book(self, config: FederationConfig) -> Book:
        """Open a merchant's own account of a run, with what its owner allows to all runs together."""
        total = self.most_epsilon if self.most_total_epsilon is None else self.most_total_epsilon
        return Book(self.folder / BOOKS, config, epsilon=total)

    def access(self) -> Access:
        """Return the rules under which this party reads, and where its decisions are written down."""
        books = self.folder / BOOKS
        try:
            books.parent.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise DataError(f"cannot make {books.parent} ({error.strerror}); check permissions") from error
        return Access(
            packs=self.packs,
            regime=self.regime,
            jurisdiction=self.jurisdiction,
            log=str(books),
            consents=str(self.folder / self.consents) if self.consents else "",
            place=None if self.merchant is None else self.place,
        )

    def _check_limits(self, config: FederationConfig) -> None:
        if config.mode != "deployment" or config.epsilon is None:
            raise ConfigError(
                f'mode = "{config.mode}", epsilon = {config.epsilon}: a party answers runs with mode = "deployment" '
                "and an epsilon alone"
            )
        if config.epsilon > self.most_epsilon:
            raise ConfigError(
                f"epsilon = {config.epsilon:g} is more than the {self.most_epsilon:g} that this party allows; lower "
                f"it, or have its owner raise most_epsilon in {FILE}"
            )
        if config.delta > self.most_delta:
            raise ConfigError(f"delta = {config.delta:g} is more than the {self.most_delta:g} that this party allows")
        if (config.by, config.k_max) != (self.by, self.k_max):
            raise ConfigError(
                f'by = "{config.by}", k_max = {config.k_max}: shoppers were enrolled by "{self.by}" at '
                f"{self.k_max} merchants at most; write the same"
            )
        if config.noise not in self.noise:
            raise ConfigError(f'noise = "{config.noise}": this party allows {", ".join(self.noise)}')
        if self.secure and config.aggregation != "secure":
            raise ConfigError('this party answers runs with aggregation = "secure" alone; write that')


def party_name(merchant: int | str | None) -> str:
    """Return what a party's folder is called."""
    return SERVER if merchant is None else f"merchant-{merchant}"
