"""A party of `tradefair match` from its folder: books, signing key, policy; and what its commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from matching.psi.party import Party
    from privacy.budget import Budget

Column = Annotated[str | None, typer.Option("--column", help="Column of ids; person_id, or the only one, if left out.")]
Places = Annotated[
    int, typer.Option("--places", help="Public number that neither list passes; agree on it before. Both fill up.")
]
Epsilon = Annotated[
    float, typer.Option("--epsilon", help="Of this party's noise on the count; the other adds its own.")
]
Total = Annotated[
    float | None, typer.Option("--epsilon-total", help="Budget of all counts about these people, fixed once; 4.")
]
Delta = Annotated[float | None, typer.Option("--delta", help="Of the budget, fixed once; 1e-6.")]
Population = Annotated[
    int | None,
    typer.Option("--population", help="Public number of our people, fixed once with the budget; --places if left out."),
]
Books = Annotated[Path, typer.Option("--books", help="This party's folder: budget, log, sessions, keys.")]
Role = Annotated[str, typer.Option("--role", help="What this party does in the market.")]
Purpose = Annotated[str, typer.Option("--purpose", help="What the count is for; each party's policy decides.")]
Policies = Annotated[
    list[str] | None, typer.Option("--policy", metavar="NAME|DIR", help="Pack or folder of rules. May be repeated.")
]
Regime = Annotated[str | None, typer.Option("--regime", help="Add the rules of this regime.")]
Jurisdiction = Annotated[str, typer.Option("--jurisdiction", help="Whose law switches on.")]
Most = Annotated[
    int,
    typer.Option("--most", help="Sessions with one party in 30 days; those without a confirmed key count as one."),
]
Me = Annotated[str, typer.Option("--me", help="Name of this party.")]
To = Annotated[Path, typer.Option("--to", help="File for the message to the other party.")]

BOOKS_FILE = "books.sqlite"
KEY_FILE = "log-key.pem"


def open_party(
    name: str,
    role: str,
    books: Path,
    *,
    places: int,
    epsilon: float,
    budget: tuple[float | None, float | None, int | None],
    most: int = 12,
    policies: list[str] | None = None,
    regime: str | None = None,
    jurisdiction: str = "none",
) -> Party:
    """Open a party's books; what is missing is made.

    Args:
        name: of the party.
        role: in the market.
        books: its folder.
        epsilon: of one count.
        places: of the session; stands in for the population of a budget that is started here.
        budget: epsilon, delta and population; None for those on record, or the usual ones.
        most: sessions.
        policies: packs or folders.
        regime: id.
        jurisdiction: whose law.

    Raises: PrivacyError: the books are another party's, or hold another budget. ConfigError: one count would cost more
        than the whole budget; then no books are made, for a budget is fixed with them.
    """
    from matching.psi.party import Party, checked_epsilon
    from matching.psi.sessions import Limit
    from privacy.ledger import Ledger
    from privacy.log import Log, SigningKey
    from privacy.policy import Dataset, PolicyEngine, Register
    from privacy.policy import Party as Registered
    from retail.errors import ConfigError, DataError

    played: Any = role
    place: Any = jurisdiction
    register = Register([Registered(name, played)])
    register.add(Dataset("people", name, "transactions", "dp", about_persons=True))
    engine = PolicyEngine.load(policies or ["base"], register=register, regime=regime)
    limit = Limit(most=most)
    spend = _budget(name, books / BOOKS_FILE, places, *budget)
    checked_epsilon(epsilon)
    if epsilon > spend.epsilon:
        raise ConfigError(
            f"--epsilon {epsilon:g} of one count is more than all counts of {name} may cost together, epsilon "
            f"{spend.epsilon:g}; ask for less, or fix a larger --epsilon-total when the books are started"
        )
    try:
        books.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make {books}: {error.strerror}; choose another folder") from error
    ledger = Ledger.open(books / BOOKS_FILE, scope="persistent", budget=spend, run="match")
    key = SigningKey.load_or_create(books / KEY_FILE)
    log = Log.open(ledger.books, origin=None, key=key)
    return Party(
        name, dataset="people", ledger=ledger, engine=engine, log=log, key=key, limit=limit, jurisdiction=place,
        regime=regime,
    )  # fmt: skip


def read_message(path: Path) -> bytes:
    """Read a file from the other party.

    Raises: DataError: it cannot be read.
    """
    from retail.errors import DataError

    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check the path") from error


def given_key(key: str | None) -> str | None:
    """Return a public key that was given as digits or as a file. Raises: PrivacyError: it is neither."""
    from privacy.log.keys import read_public

    return None if key is None else read_public(key)


def _budget(
    name: str, file: Path, places: int, epsilon: float | None, delta: float | None, population: int | None
) -> Budget:
    """Return the budget that the books hold, with what the user gave in its place, so that a difference is refused."""
    from privacy.budget import Budget
    from privacy.ledger_record import read_ledger
    from retail.errors import PrivacyError

    dataset = f"people of {name}"
    usual: tuple[float, float, int] = (4.0, 1e-6, places)
    if file.exists():
        known = read_ledger(file).budgets.set_index("dataset")
        others = [one for one in known.index if one != dataset]
        if others:
            raise PrivacyError(f"{file} holds the budget of {others[0]}, and this is {name}; a party keeps books of "
                               "its own: --books")  # fmt: skip
        if dataset in known.index:
            row: dict[Any, Any] = dict(known.loc[dataset].items())
            usual = float(row["epsilon"]), float(row["delta"]), int(row["population"])
    return Budget(
        dataset,
        usual[0] if epsilon is None else epsilon,
        usual[1] if delta is None else delta,
        usual[2] if population is None else population,
    )
