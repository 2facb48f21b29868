"""`tradefair match`: how many people two parties share, counted without either showing the other who they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.command.experiment import Json

if TYPE_CHECKING:
    from matching.psi.party import Party, SharedCount

app = typer.Typer(help="Count the people whom two parties share; no id leaves either.", no_args_is_help=True)

Column = Annotated[str | None, typer.Option("--column", help="Column of ids; person_id, or the only one, if left out.")]
Places = Annotated[
    int, typer.Option("--places", help="Public number that neither list passes; both are filled up to it.")
]  # fmt: skip
Epsilon = Annotated[
    float, typer.Option("--epsilon", help="Of this party's noise on the count; the other adds its own.")
]
Total = Annotated[float, typer.Option("--epsilon-total", help="Budget of all counts about these people, fixed once.")]
Delta = Annotated[float, typer.Option("--delta", help="Of the budget; below 1 / places.")]
Books = Annotated[Path, typer.Option("--books", help="This party's folder: budget, log, sessions, keys.")]
Role = Annotated[str, typer.Option("--role", help="What this party does in the market.")]
Purpose = Annotated[str, typer.Option("--purpose", help="What the count is for; each party's policy decides.")]
Policies = Annotated[
    list[str] | None, typer.Option("--policy", metavar="NAME|DIR", help="Pack or folder of rules. May be repeated.")
]
Regime = Annotated[str | None, typer.Option("--regime", help="Add the rules of this regime.")]
Jurisdiction = Annotated[str, typer.Option("--jurisdiction", help="Whose law switches on.")]
Most = Annotated[int, typer.Option("--most", help="Sessions with one other party in 30 days.")]
Me = Annotated[str, typer.Option("--me", help="Name of this party.")]
To = Annotated[Path, typer.Option("--to", help="File for the message to the other party.")]


@app.command(short_help="Play both parties here, to try it.")
def count(
    first: Path,
    second: Path,
    places: Places,
    epsilon: Epsilon = 1.0,
    epsilon_total: Total = 4.0,
    delta: Delta = 1e-6,
    books: Books = Path("books/match"),
    column: Column = None,
    purpose: Purpose = "own_business",
    most: Most = 12,
    as_json: Json = False,
) -> None:
    """Count the people in FIRST and in SECOND, two CSV files, with the messages that two hosts would send.

    Whoever runs this has both lists, so it protects nobody from them: it shows what a session costs and tells.
    """
    from matching.psi.asking import checked_ids
    from matching.psi.id_file import read_ids
    from matching.psi.messages import Question, Reply
    from matching.psi.terms import Terms

    terms = Terms.fresh("first", "second", places=places, purpose=purpose)
    lists = [checked_ids(read_ids(path, column=column), terms) for path in (first, second)]
    shared_settings: dict[str, Any] = {"budget": (epsilon_total, delta, places), "most": most}
    asker = _party("first", "merchant", books / "first", **shared_settings)
    answerer = _party("second", "merchant", books / "second", **shared_settings)
    question, pending = asker.start(lists[0], "second", places=places, purpose=purpose, epsilon=epsilon)
    sent = question.to_bytes()
    back = answerer.answer(Question.read(sent), lists[1], epsilon=epsilon).to_bytes()
    shared = asker.finish(Reply.read(back), pending, epsilon=epsilon)
    _tell(asker, shared, as_json, sent=len(sent) + len(back))


@app.command(short_help="First step, at whoever asks: write the question.")
def start(
    people: Path,
    me: Me,
    other: Annotated[str, typer.Option("--other", help="Name of the party that is asked.")],
    places: Places,
    to: To,
    epsilon: Epsilon = 1.0,
    epsilon_total: Total = 4.0,
    delta: Delta = 1e-6,
    books: Books = Path("books/match"),
    role: Role = "merchant",
    column: Column = None,
    purpose: Purpose = "own_business",
    policies: Policies = None,
    regime: Regime = None,
    jurisdiction: Jurisdiction = "none",
    most: Most = 12,
    as_json: Json = False,
) -> None:
    """Ask how many of PEOPLE, a CSV file of ids, the other party has too. Hand the file of --to to it."""
    from apps.command import tables
    from apps.command.output import require_place
    from experiments.documents import write_bytes
    from matching.psi.asking import checked_ids
    from matching.psi.id_file import read_ids
    from matching.psi.terms import Terms

    require_place(to, "--to")
    ids = read_ids(people, column=column)
    checked_ids(ids, Terms.fresh(me, other, places=places, purpose=purpose))  # before any book is opened
    party = _party(
        me, role, books, budget=(epsilon_total, delta, places), most=most, policies=policies, regime=regime,
        jurisdiction=jurisdiction,
    )  # fmt: skip
    question, pending = party.start(ids, other, places=places, purpose=purpose, epsilon=epsilon)
    kept = pending.save(books)
    message = question.to_bytes()
    write_bytes(to, message)
    row = {"session": pending.terms.session, "people": len(ids), "places": places, "bytes": len(message)}
    said = (
        f"session {pending.terms.session}: {len(ids):,} people among {places:,} points, {len(message):,} bytes in {to}"
    )
    tables.tell(f"{said}\nThe key stays in {kept} until the reply is counted.", row, as_json)


@app.command(short_help="Second step, at the other party: write the reply.")
def answer(
    question: Path,
    people: Path,
    me: Me,
    to: To,
    epsilon: Epsilon = 1.0,
    epsilon_total: Total = 4.0,
    delta: Delta = 1e-6,
    books: Books = Path("books/match"),
    role: Role = "merchant",
    column: Column = None,
    policies: Policies = None,
    regime: Regime = None,
    jurisdiction: Jurisdiction = "none",
    most: Most = 12,
    as_json: Json = False,
) -> None:
    """Answer QUESTION, a file from another party, about PEOPLE, a CSV file of ids. Hand the file of --to back."""
    from apps.command import tables
    from apps.command.output import require_place
    from experiments.documents import write_bytes
    from matching.psi.asking import checked_ids
    from matching.psi.id_file import read_ids
    from matching.psi.messages import Question

    require_place(to, "--to")
    asked = Question.read(_message(question))
    ids = checked_ids(read_ids(people, column=column), asked.terms)
    party = _party(
        me, role, books, budget=(epsilon_total, delta, asked.terms.places), most=most, policies=policies,
        regime=regime, jurisdiction=jurisdiction,
    )  # fmt: skip
    reply = party.answer(asked, ids, epsilon=epsilon)
    message = reply.to_bytes()
    write_bytes(to, message)
    left = party.remaining
    row = {"session": asked.terms.session, "asker": asked.terms.asker, "people": len(ids), "bytes": len(message),
           "error_95": reply.noise.error(), "remaining": left}  # fmt: skip
    tables.tell(
        f"session {asked.terms.session} of {asked.terms.asker}, for {asked.terms.purpose}: {len(message):,} bytes "
        f"in {to}; our noise on the count is plus or minus {reply.noise.error():,} at 95%; {left:,} nano-rho are left",
        row,
        as_json,
    )


@app.command(short_help="Third step, at whoever asked: count.")
def finish(
    reply: Path,
    me: Me,
    epsilon: Epsilon = 1.0,
    epsilon_total: Total = 4.0,
    delta: Delta = 1e-6,
    books: Books = Path("books/match"),
    role: Role = "merchant",
    policies: Policies = None,
    regime: Regime = None,
    jurisdiction: Jurisdiction = "none",
    as_json: Json = False,
) -> None:
    """Count the people in REPLY, the file that came back, and end the session."""
    from matching.psi.messages import Reply
    from matching.psi.pending import Pending

    answered = Reply.read(_message(reply))
    pending = Pending.load(books, answered.terms.session)
    party = _party(
        me, role, books, budget=(epsilon_total, delta, answered.terms.places), policies=policies, regime=regime,
        jurisdiction=jurisdiction,
    )  # fmt: skip
    shared = party.finish(answered, pending, epsilon=epsilon)
    Pending.forget(books, pending.terms.session)
    _tell(party, shared, as_json)


def _party(
    name: str,
    role: str,
    books: Path,
    *,
    budget: tuple[float, float, int],
    most: int = 12,
    policies: list[str] | None = None,
    regime: str | None = None,
    jurisdiction: str = "none",
) -> Party:
    """Open a party's books; what is missing is made."""
    from matching.psi.party import Party
    from matching.psi.sessions import Limit
    from privacy.budget import Budget
    from privacy.ledger import Ledger
    from privacy.log import Log, SigningKey
    from privacy.policy import Dataset, PolicyEngine, Register
    from privacy.policy import Party as Registered

    played: Any = role
    place: Any = jurisdiction
    register = Register([Registered(name, played)])
    register.add(Dataset("people", name, "transactions", "dp", about_persons=True))
    engine = PolicyEngine.load(policies or ["base"], register=register, regime=regime)
    limit = Limit(most=most)
    spend = Budget(f"people of {name}", *budget)
    books.mkdir(parents=True, exist_ok=True)
    ledger = Ledger.open(books / "books.sqlite", scope="persistent", budget=spend, run="match")
    log = Log.open(ledger.books, origin=None, key=SigningKey.load_or_create(books / "log-key.pem"))
    return Party(
        name, dataset="people", ledger=ledger, engine=engine, log=log, limit=limit, jurisdiction=place, regime=regime
    )


def _message(path: Path) -> bytes:
    from retail.errors import DataError

    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check the path") from error


def _tell(party: Party, shared: SharedCount, as_json: bool, *, sent: int | None = None) -> None:
    """Print the count, with what it cost."""
    from apps.command import tables

    head = party.log.sign_head()
    if as_json:
        row = {"name": "shared_people", "value": shared.count, "error_95": shared.error_95, "unit": "persons",
               "least": shared.least, "cost": shared.cost, "remaining": party.remaining}  # fmt: skip
        tables.print_json(
            {"runs": [], "rows": [row], "session": shared.terms.session, "bytes": sent, "log": head.to_json()}
        )
        return
    if shared.count is None:
        tables.say(
            f"fewer than {shared.least} shared people, plus or minus {shared.error_95:,} at 95%; no number is shown"
        )
    else:
        tables.say(f"{shared.count:,} shared people, plus or minus {shared.error_95:,} at 95% (noise of both parties)")
    left = f"{party.remaining:,} nano-rho are left ({party.remaining // shared.cost:,} such counts)"
    tables.say(f"cost {shared.cost:,} nano-rho; {left}" + ("" if sent is None else f"; {sent / 1e6:.1f} MB were sent"))
    tables.say(f"log of {head.size} entries, root {head.root_hex}")
