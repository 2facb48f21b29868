"""`tradefair release`: ask protected data a question, see its price first, and get a noisy answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.command.experiment import Json

if TYPE_CHECKING:
    from privacy.release import ReleaseGate
    from retail.datasource import DataSource

DATASET = "transactions"
"""Id of the data set that this command releases statistics of; a question that names another one is refused."""

app = typer.Typer(help="Ask protected data, with noise and a budget.", no_args_is_help=True)

Data = Annotated[
    str, typer.Option("--data", metavar="NAME|FOLDER", help="complete-journey, generated:2000, or a folder of tables.")
]
Population = Annotated[int | None, typer.Option("--population", help="Publicly known number of persons of a folder.")]
Timezone = Annotated[str, typer.Option("--timezone", help="IANA name, for a folder.")]
Currency = Annotated[str, typer.Option("--currency", help="ISO 4217, for a folder.")]
LedgerPath = Annotated[Path, typer.Option("--ledger", help="The books: budget, answers and log.")]
Budgeted = Annotated[str | None, typer.Option("--dataset", help="Name of the people's data in the ledger.")]
EpsilonTotal = Annotated[float, typer.Option("--epsilon-total", help="Budget of all releases together, fixed once.")]
Delta = Annotated[float, typer.Option("--delta", help="Of the budget; below 1 / population.")]
MaxMerchants = Annotated[int, typer.Option("--max-merchants", help="Merchants of one person that count.")]
MaxCells = Annotated[int, typer.Option("--max-cells", help="Cells of a count that one person is in.")]
MaxRows = Annotated[int, typer.Option("--max-rows", help="Days, baskets or rows of one person and cell.")]
Actor = Annotated[str, typer.Option("--actor", help="Who asks.")]
Role = Annotated[str, typer.Option("--role", help="What the actor does in the market.")]
Owner = Annotated[str, typer.Option("--owner", help="Whose data these are.")]
Policies = Annotated[
    list[str] | None, typer.Option("--policy", metavar="NAME|DIR", help="Pack or folder of rules. May be repeated.")
]
Regime = Annotated[str | None, typer.Option("--regime", help="Add the rules of this regime.")]
Jurisdiction = Annotated[str, typer.Option("--jurisdiction", help="Whose law switches on.")]
KeyPath = Annotated[Path | None, typer.Option("--key", help="Key that signs the log; beside the ledger when left out.")]


@app.command(short_help="Tell what a release would cost and how exact it would be.")
def preview(
    query: Path,
    data: Data = "complete-journey",
    population: Population = None,
    timezone: Timezone = "UTC",
    currency: Currency = "EUR",
    ledger: LedgerPath = Path("books/ledger.sqlite"),
    dataset: Budgeted = None,
    epsilon_total: EpsilonTotal = 4.0,
    delta: Delta = 1e-5,
    max_merchants: MaxMerchants = 5,
    max_cells: MaxCells = 10,
    max_rows: MaxRows = 10,
    as_json: Json = False,
) -> None:
    """Tell what releasing QUERY would cost and how exact it would be. Counts no row, spends nothing, makes no file.

    docs/release.md says how to write a query.
    """
    import dataclasses

    from apps.command import tables
    from privacy.statistics.query_file import read_query

    asked = read_query(query)
    gate = _gate(
        source=_source(data, population, timezone, currency),
        ledger=ledger,
        dataset=dataset,
        epsilon_total=epsilon_total,
        delta=delta,
        bounds=(max_merchants, max_cells, max_rows),
        only_look=True,
    )
    told = gate.preview(asked)
    if as_json:
        row = {**dataclasses.asdict(told), **dataclasses.asdict(told.exactness), "says": told.statement}
        del row["exactness"]
        tables.print_json({"runs": [], "rows": [row]})
        return
    how = told.exactness
    tables.say(told.statement)
    rows = [
        ("cells", told.cells),
        (f"95% error of one, in {how.unit}", how.error_95),
        ("95% error of all at once", how.error_95_all),
        ("noise", f"{how.noise}, scale {how.scale:.4g}"),
        ("cost, in nano-rho", told.cost),
        ("epsilon of this release alone", told.epsilon),
    ]
    tables.print_rows(("of this release", "value"), rows)


@app.command(short_help="Release an answer, or give the stored one again.")
def run(
    query: Path,
    data: Data = "complete-journey",
    population: Population = None,
    timezone: Timezone = "UTC",
    currency: Currency = "EUR",
    ledger: LedgerPath = Path("books/ledger.sqlite"),
    dataset: Budgeted = None,
    epsilon_total: EpsilonTotal = 4.0,
    delta: Delta = 1e-5,
    max_merchants: MaxMerchants = 5,
    max_cells: MaxCells = 10,
    max_rows: MaxRows = 10,
    actor: Actor = "aggregator",
    role: Role = "aggregator",
    owner: Owner = "aggregator",
    policies: Policies = None,
    regime: Regime = None,
    jurisdiction: Jurisdiction = "none",
    key: KeyPath = None,
    as_json: Json = False,
) -> None:
    """Answer QUERY with noise, charge the ledger and write the log; a question asked before costs nothing.

    docs/release.md says how to write a query.
    """
    from apps.command import tables
    from privacy.statistics.query_file import read_query

    asked = read_query(query)
    gate = _gate(
        source=_source(data, population, timezone, currency),
        ledger=ledger,
        dataset=dataset,
        epsilon_total=epsilon_total,
        delta=delta,
        bounds=(max_merchants, max_cells, max_rows),
        actor=(actor, role),
        owner=owner,
        policies=policies or ["base"],
        regime=regime,
        jurisdiction=jurisdiction,
        key=key or ledger.parent / "log-key.pem",
    )
    answer = gate.release(actor, asked)
    head = gate.log.sign_head()
    left = gate.ledger.remaining
    if as_json:
        document = answer.document()
        rows = [dict(zip(answer.columns, row, strict=True)) for row in document.pop("rows")]
        tables.print_json({"runs": [], "rows": rows, **document, "remaining": left, "log": head.to_json()})
        return
    tables.print_rows(answer.columns, answer.rows, title=asked.title)
    below = "" if answer.threshold is None else f" A dash is a number below {answer.threshold:,}."
    tables.say(f"Noise: each number plus or minus {answer.error_95:,} {answer.unit} at 95%.{below}")
    when = f"stored answer of {answer.made_at}, at no cost" if answer.stored else f"cost {answer.cost:,} nano-rho"
    tables.say(f"{when}; {left:,} of {gate.ledger.cap:,} nano-rho are left ({left // answer.cost:,} such releases).")
    tables.say(f"{ledger}: log of {head.size} entries, root {head.root_hex}")


def _source(data: str, population: int | None, timezone: str, currency: str) -> DataSource:
    from retail.datasource import DataSource
    from retail.errors import ConfigError

    if data == "complete-journey":
        return DataSource()
    name, _, size = data.partition(":")
    if name == "generated":
        if not size.isdecimal() or int(size) < 1:
            raise ConfigError(f"--data {data}: say how many shoppers to make, as in generated:2000")
        return DataSource(source="generated", shoppers=int(size))
    if not Path(data).is_dir():
        raise ConfigError(f"--data {data}: no such folder; choose complete-journey, generated:2000 or a folder")
    if population is None:
        raise ConfigError("--population is missing; say how many persons a folder is publicly known to hold")
    return DataSource(source="folder", path=data, timezone=timezone, currency=currency, population=population)


def _gate(
    *,
    source: DataSource,
    ledger: Path,
    dataset: str | None,
    epsilon_total: float,
    delta: float,
    bounds: tuple[int, int, int],
    actor: tuple[str, str] = ("aggregator", "aggregator"),
    owner: str = "aggregator",
    policies: list[str] | None = None,
    regime: str | None = None,
    jurisdiction: str = "none",
    key: Path | None = None,
    only_look: bool = False,
) -> ReleaseGate:
    """Put the parts together: books, policy and data. To only look, a ledger that is not there yet is not made."""
    from federation.config import dataset_name
    from privacy.budget import Budget
    from privacy.ledger import Ledger
    from privacy.log import Log, SigningKey
    from privacy.policy import Dataset, Party, PolicyEngine, Register
    from privacy.release import ReleaseGate
    from privacy.statistics.bounds import Bounds
    from privacy.statistics.rows import RetailRows

    limits = Bounds(*bounds)
    roles: dict[str, Any] = {owner: "aggregator", actor[0]: actor[1]}
    register = Register([Party(each, played) for each, played in roles.items()])
    register.add(Dataset(DATASET, owner, "transactions", "dp", about_persons=True))
    engine = PolicyEngine.load(policies or ["base"], register=register, regime=regime)
    opened = source.open()
    public: Any = opened.population
    budget = Budget(dataset or dataset_name(source), epsilon_total, delta, public)
    if only_look and not ledger.exists():
        books = Ledger.open(":memory:", scope="run", budget=budget)
    else:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        books = Ledger.open(ledger, scope="persistent", budget=budget, run="release")
    signer = None if key is None else SigningKey.load_or_create(key)
    rows = RetailRows(opened)
    place: Any = jurisdiction
    return ReleaseGate(
        dataset=DATASET,
        ledger=books,
        engine=engine,
        log=Log.open(books.books, origin=None, key=signer),
        rows=rows,
        bounds=limits,
        catalogue=rows.catalogue,
        jurisdiction=place,
        regime=regime,
    )
