"""`tradefair match`: how many people two parties share, counted without either showing the other who they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.command import match_enrol
from apps.command.experiment import Json
from apps.command.match_party import (
    BOOKS_FILE,
    Books,
    Column,
    Delta,
    Epsilon,
    Jurisdiction,
    Me,
    Most,
    Places,
    Policies,
    Population,
    Purpose,
    Regime,
    Role,
    To,
    Total,
    given_key,
    open_party,
    read_message,
)

if TYPE_CHECKING:
    from matching.psi.party import Party
    from matching.psi.shared_count import SharedCount

app = typer.Typer(help="Count the people whom two parties share; no id leaves either.", no_args_is_help=True)


@app.command(short_help="Play both parties here, to try it.")
def count(
    first: Path,
    second: Path,
    places: Places,
    epsilon: Epsilon = 1.0,
    epsilon_total: Total = None,
    delta: Delta = None,
    population: Population = None,
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
    shared_settings: dict[str, Any] = {
        "places": places, "epsilon": epsilon, "budget": (epsilon_total, delta, population), "most": most
    }  # fmt: skip
    asker = open_party("first", "merchant", books / "first", **shared_settings)
    answerer = open_party("second", "merchant", books / "second", **shared_settings)
    question, pending = asker.start(lists[0], "second", places=places, purpose=purpose, epsilon=epsilon)
    sent = question.to_bytes()
    back = answerer.answer(
        Question.read(sent), lists[1], places=places, epsilon=epsilon, asker_key=asker.key.public_hex
    ).to_bytes()
    shared = asker.finish(Reply.read(back), pending, epsilon=epsilon, answerer_key=answerer.key.public_hex)
    _tell(asker, shared, as_json, sent=len(sent) + len(back))


@app.command(short_help="First step, at whoever asks: write the question.")
def start(
    people: Path,
    me: Me,
    other: Annotated[str, typer.Option("--other", help="Name of the party that is asked.")],
    places: Places,
    to: To,
    epsilon: Epsilon = 1.0,
    epsilon_total: Total = None,
    delta: Delta = None,
    population: Population = None,
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
    party = open_party(
        me, role, books, places=places, epsilon=epsilon, budget=(epsilon_total, delta, population), most=most,
        policies=policies, regime=regime, jurisdiction=jurisdiction,
    )  # fmt: skip
    question, pending = party.start(ids, other, places=places, purpose=purpose, epsilon=epsilon)
    kept = pending.save(books)
    party.log.sign_head()
    message = question.to_bytes()
    write_bytes(to, message)
    row = {"session": pending.terms.session, "people": len(ids), "places": places, "bytes": len(message),
           "key": party.key.public_hex}  # fmt: skip
    tables.tell(
        f"session {pending.terms.session}: {len(ids):,} people among {places:,} points, {len(message):,} bytes in "
        f"{to}\nTell {other} by another way: --places {places} and our key, --asker-key {party.key.public_hex}\n"
        f"The secret of this session stays in {kept} until the reply is counted.",
        row,
        as_json,
    )


@app.command(short_help="Second step, at the other party: write the reply.")
def answer(
    question: Path,
    people: Path,
    me: Me,
    places: Places,
    to: To,
    asker_key: Annotated[
        str | None, typer.Option("--asker-key", help="Public key of the asker, or its file; told by another way.")
    ] = None,
    epsilon: Epsilon = 1.0,
    epsilon_total: Total = None,
    delta: Delta = None,
    population: Population = None,
    books: Books = Path("books/match"),
    role: Role = "merchant",
    column: Column = None,
    policies: Policies = None,
    regime: Regime = None,
    jurisdiction: Jurisdiction = "none",
    most: Most = 12,
    as_json: Json = False,
) -> None:
    """Answer QUESTION, a file from another party, about PEOPLE, a CSV file of ids. Hand the file of --to back.

    Without --asker-key the first question under a name fixes its key; all askers whose keys nobody confirmed are held
    to --most sessions together.
    """
    from apps.command import tables
    from apps.command.output import require_place
    from experiments.documents import write_bytes
    from matching.psi.asking import checked_ids
    from matching.psi.id_file import read_ids
    from matching.psi.messages import Question
    from matching.psi.party import checked_question

    require_place(to, "--to")
    given = given_key(asker_key)
    asked = Question.read(read_message(question))
    checked_question(asked, me, places=places, given=given)  # before any book is opened
    ids = checked_ids(read_ids(people, column=column), asked.terms)
    party = open_party(
        me, role, books, places=places, epsilon=epsilon, budget=(epsilon_total, delta, population), most=most,
        policies=policies, regime=regime, jurisdiction=jurisdiction,
    )  # fmt: skip
    asker = party.parties.find(asked.terms.asker, asked.signer, given=given)
    reply = party.answer(asked, ids, places=places, epsilon=epsilon, asker_key=given)
    message = reply.to_bytes()
    write_bytes(to, message)
    party.log.sign_head()
    row = {"session": asked.terms.session, "asker": asker.name, "asker_key": asker.key, "trust": asker.trust,
           "confirmed": asker.confirmed, "people": len(ids), "bytes": len(message),
           "error_95": reply.noise.error(), "remaining": party.remaining, "key": party.key.public_hex}  # fmt: skip
    who = "" if asker.confirmed else (
        f"\nNobody confirmed the key of {asker.name}, {asker.key} ({asker.trust}): ask it by another way, and give "
        "--asker-key"
    )  # fmt: skip
    tables.tell(
        f"session {asked.terms.session} of {asker.name}, for {asked.terms.purpose}: {len(message):,} bytes in {to}; "
        f"our noise on the count is plus or minus {reply.noise.error():,} at 95%; {_left(party, epsilon)}{who}\n"
        f"Our key, for {asker.name}: --answerer-key {party.key.public_hex}",
        row,
        as_json,
    )


@app.command(short_help="Third step, at whoever asked: count.")
def finish(
    reply: Path,
    me: Me,
    answerer_key: Annotated[
        str | None, typer.Option("--answerer-key", help="Public key of the other party, or its file.")
    ] = None,
    epsilon: Epsilon = 1.0,
    books: Books = Path("books/match"),
    role: Role = "merchant",
    policies: Policies = None,
    regime: Regime = None,
    jurisdiction: Jurisdiction = "none",
    as_json: Json = False,
) -> None:
    """Count the people in REPLY, the file that came back, and end the session. Asked again, it shows the same count."""
    from matching.psi.messages import Reply
    from matching.psi.pending import Pending
    from retail.errors import DataError

    given = given_key(answerer_key)
    answered = Reply.read(read_message(reply))
    if not (books / BOOKS_FILE).is_file():
        raise DataError(f"there are no books in {books}; name the folder that `match start` used: --books")
    party = open_party(
        me, role, books, places=answered.terms.places, epsilon=epsilon, budget=(None, None, None), policies=policies,
        regime=regime, jurisdiction=jurisdiction,
    )  # fmt: skip
    shared = party.counted(answered.terms.session)
    if shared is None:
        pending = Pending.load(books, answered.terms.session)
        try:
            shared = party.finish(answered, pending, epsilon=epsilon, answerer_key=given)
        finally:
            if not party.sessions.is_open(pending.terms, "asker"):
                Pending.forget(books, pending.terms.session)
    _tell(party, shared, as_json)


def _left(party: Party, epsilon: float) -> str:
    """Say what the budget still has."""
    from privacy.accounting import cap

    more = party.remaining // cap(epsilon=epsilon, delta=party.delta)
    return f"the budget has {party.remaining:,} nano-rho left, {more:,} more such counts"


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
    left = f"the budget has {party.remaining:,} left, {party.remaining // shared.cost:,} more such counts"
    tables.say(f"cost {shared.cost:,} nano-rho; {left}" + ("" if sent is None else f"; {sent / 1e6:.1f} MB were sent"))
    tables.say(f"log of {head.size} entries, root {head.root_hex}")


app.add_typer(match_enrol.app, name="enrol")
