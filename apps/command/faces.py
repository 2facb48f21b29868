"""`tradefair faces`: recognise customers who agreed to it, show their card, take payments; and let them leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from apps.command.books import Person, read_json, read_person
from apps.command.experiment import Json
from apps.command.face_shop import BOOKS, Books, evaluate, off, on, open_, status

if TYPE_CHECKING:
    from experiments.assistant import Picture
    from matching.face.decision import NoMatch, Refused

app = typer.Typer(
    help="Recognise customers who agreed to it. No photo is kept, and of a visitor who did not agree nothing is.",
    no_args_is_help=True,
)
_PICTURE: Final = "An image file; or orl:31/4 (person/picture of ORL) or drawn:5/2 (a drawing of nobody)."
_NOT_THEM: Final = "not recognised as the person named; nothing was charged"
Photos = Annotated[list[str], typer.Argument(metavar="PHOTO...", help=_PICTURE)]
Photo = Annotated[str, typer.Argument(metavar="PHOTO", help=_PICTURE)]

app.command("open", short_help="Set up a merchant's folder.")(open_)


@app.command(short_help="Enrol a person who agreed.")
def enrol(
    person: Person,
    photos: Photos,
    agree: Annotated[
        list[str] | None,
        typer.Option("--agree", help="What the person agreed to: in_store_recognition, payment, recommendation."),
    ] = None,
    consent: Annotated[
        list[str] | None,
        typer.Option(
            "--consent",
            help="Receipt in JSON, one for each use, as made by: tradefair consent template --register "
            "faces/consent.sqlite --controller m1 --notice faces-1 --purpose payment --level separate --data "
            "face_templates",
        ),
    ] = None,
    shopper: Annotated[
        str, typer.Option("--shopper", help="Of the merchant of `open`; drawn by the seed when left out.")
    ] = "",
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Enrol PERSON from 1 to 20 photos, for what the person agreed to. Each use needs an agreement of its own.

    Exit code 0: enrolled; 1: refused, nothing stored; 2: bad input, nothing stored.
    """
    from apps.command import tables
    from experiments.assistant import Shop, read_receipts, receipts_for
    from experiments.assistant import enrol as enrol_at
    from matching.face.decision import Refused
    from retail.errors import ConfigError

    if bool(agree) == bool(consent):
        given = "both are given" if agree else "neither is given"
        raise ConfigError(f"say what the person agreed to with --agree, or give receipts with --consent; {given}")
    person = read_person(person)
    pictures = _pictures(photos)
    documents = [read_json(one) for one in consent or []]
    shop = Shop.open(books)
    receipts = receipts_for(shop, person, agree) if agree else read_receipts(shop, person, documents)
    found = enrol_at(shop, person, pictures, receipts, shopper=shopper)
    if isinstance(found, Refused):
        raise typer.Exit(_say_no(found, as_json))
    pairing = found.pairing
    row = {
        "outcome": "enrolled",
        "uses": list(found.uses),
        "agreed": list(found.agreed),
        "photos": found.photos,
        "shopper": None if pairing is None else pairing.shopper,
        "store": None if pairing is None else pairing.store,
    }
    count = "1 photo" if found.photos == 1 else f"{found.photos} photos"
    text = f"enrolled from {count} for {' and '.join(found.uses)}; no photo was kept"
    tables.tell(text, row, as_json)
    if as_json:
        return
    kept = [one for one in found.agreed if one not in found.uses]
    if kept and pairing is None:
        tables.say(f"on record, too: {' and '.join(kept)}; this shop has no recommender, so nothing comes of it yet")
    if pairing is not None:
        from experiments.assistant.pairings import MADE_UP

        how = "drawn by the seed" if pairing.drawn else "as you said"
        tables.say(f"paired with shopper {pairing.shopper} of merchant {pairing.store}, {how}: {MADE_UP}")


@app.command(short_help="Recognise somebody, and show the card.")
def card(
    photo: Photo,
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Recognise who is on PHOTO, if it is somebody who agreed, and show their card. Of others nothing stays.

    Exit code 0: an answer, the card or that nobody was recognised; 1: refused, nothing was compared; 2: bad input.
    """
    from dataclasses import asdict

    from apps.command import tables
    from experiments.assistant import Shop, greet
    from matching.face.decision import NoMatch, Refused

    (picture,) = _pictures([photo])
    found = greet(Shop.open(books), picture)
    if isinstance(found, NoMatch | Refused):
        raise typer.Exit(_say_no(found, as_json))
    if as_json:
        tables.print_json({"runs": [], "rows": [{"outcome": "match", **asdict(found)}]})
        return
    from apps.command.face_card import print_card

    print_card(found)


@app.command(short_help="Take a payment by face.")
def pay(
    person: Person,
    photos: Photos,
    amount: Annotated[str, typer.Option("--amount", help="Such as 12.50.")],
    key: Annotated[
        str,
        typer.Option("--key", help="Chosen once for a purchase, 8 characters or more; sent again, it charges once."),
    ],
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217.")] = "EUR",
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Charge PERSON, who says who they are and shows their face. The money itself moves elsewhere.

    Exit code 0: charged, now or before under this key; 1: not charged, and another way is named; 2: bad input.
    """
    from dataclasses import asdict

    from apps.command import tables
    from experiments.assistant import Shop
    from experiments.assistant import pay as pay_at
    from matching.face.decision import Match

    person = read_person(person)
    pictures = _pictures(photos)
    paid = pay_at(Shop.open(books), person, pictures, amount=amount, currency=currency, key=key)
    if paid.receipt is None:
        assert not isinstance(paid.decision, Match)
        code = _say_no(paid.decision, as_json, nobody=_NOT_THEM, alternative=paid.alternative)
        raise typer.Exit(max(1, code))
    row = {"outcome": "charged", **asdict(paid.receipt), "alternative": paid.alternative}
    text = f"charged {amount} {currency} at {paid.receipt.at[:19]} UTC, log entry {paid.receipt.entry}"
    text += f", receipt {paid.receipt.id[:16]}... (64 digits; --json shows them all)"
    tables.tell(text, row, as_json)


@app.command(short_help="Delete a person's templates.")
def revoke(
    person: Person,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="End what the person agreed to, too.")] = False,
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Delete and overwrite PERSON's templates and pairing; works while recognition is off or settings are damaged, too.

    Exit code 0: something went; 1: there was nothing; 2: bad input.
    """
    from dataclasses import asdict

    from apps.command import tables
    from experiments.assistant.damaged import leave

    person = read_person(person)
    found = leave(books, person, withdraw=withdraw)
    stand = _in_force(books, person)
    gone = bool(found.templates or found.withdrawn or found.pairing)
    text = f"templates deleted: {found.templates}; agreements ended: {found.withdrawn}"
    if stand:
        text += f" (agreed to and still in force: {', '.join(stand)}; --withdraw ends it)"
    if not gone:
        text = f"there was nothing to delete; {text}" if stand else "there was nothing of this person"
    tables.tell(text, {**asdict(found), "in_force": stand}, as_json)
    if not gone:
        raise typer.Exit(1)


app.command(short_help="Show the state of a shop.")(status)
app.command(short_help="Switch recognition off.")(off)
app.command(short_help="Switch recognition on again.")(on)
app.command(short_help="Measure a shop's error rates.")(evaluate)


def _in_force(books: Path, person: str) -> list[str]:
    """Name what a person agreed to and is in force; nothing is in a shop that cannot be opened."""
    from experiments.assistant import Shop
    from experiments.assistant.card import agreements_of
    from retail.errors import TradefairError

    try:
        return [one.purpose for one in agreements_of(Shop.open(books), person)]
    except TradefairError:
        return []


def _pictures(given: list[str]) -> list[Picture]:
    from experiments.assistant import read_picture

    return [read_picture(one) for one in given]


def _say_no(
    decision: NoMatch | Refused, as_json: bool, *, nobody: str = "nobody was recognised", alternative: str = ""
) -> int:
    """Say that nobody was recognised or why nothing was compared, and return the exit code."""
    from apps.command import tables
    from matching.face.decision import Refused

    refused = isinstance(decision, Refused)
    row: dict[str, Any] = {"outcome": "refused"} if refused else {"outcome": "no_match", "message": nobody}
    text = nobody
    if isinstance(decision, Refused):
        row |= {"reason": decision.reason, "message": decision.message}
        text = f"refused ({decision.reason}): {decision.message}"
    if alternative:
        row["alternative"] = alternative
        text += f". Another way: {alternative}"
    tables.tell(text, row, as_json)
    return int(refused)
