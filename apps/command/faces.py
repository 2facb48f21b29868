"""`tradefair faces`: recognise customers who agreed to it, show their card, take payments; and let them leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from apps.command.books import Person, read_json, read_person
from apps.command.experiment import Json, Store
from apps.command.output import require_place

if TYPE_CHECKING:
    from experiments.assistant import Picture
    from matching.face.decision import NoMatch, Refused

app = typer.Typer(
    help="Recognise customers who agreed to it. Nobody else is compared, and no photo is kept.", no_args_is_help=True
)
BOOKS: Final = Path("faces")
Books = Annotated[Path, typer.Option("--books", help="The merchant's folder; it holds everything.")]
_PICTURE: Final = "An image file; or orl:31/4 (person/picture of ORL) or drawn:5/2 (a drawing of nobody)."
Photos = Annotated[list[str], typer.Argument(metavar="PHOTO...", help=_PICTURE)]
Photo = Annotated[str, typer.Argument(metavar="PHOTO", help=_PICTURE)]


@app.command("open", short_help="Set up a merchant's folder.")
def open_(
    books: Books = BOOKS,
    merchant: Annotated[str, typer.Option("--merchant", help="Party id of the controller.")] = "m1",
    jurisdiction: Annotated[str, typer.Option("--jurisdiction", help="Whose law: EU, CN, US-IL, ...")] = "EU",
    alternative: Annotated[
        str | None, typer.Option("--alternative", help="How people are served without their face.")
    ] = None,
    encoder: Annotated[
        str,
        typer.Option("--encoder", help="drawn (trained here on drawings), dlib (extra faces), or a run's encoder.pt2."),
    ] = "drawn",
    people: Annotated[
        str, typer.Option("--calibrate-on", help="orl, drawn, or a folder of person/image; nobody of them is enrolled.")
    ] = "",
    gallery: Annotated[
        int | None,
        typer.Option("--gallery", min=1, help="Most people to be enrolled; the more, the stricter the door."),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", help="Recommender of the card: a scenario, a run's id or its folder.")
    ] = None,
    store: Store = Path("runs"),
    shoppers_of: Annotated[
        str, typer.Option("--shoppers-of", help="Merchant of that run whose shoppers people are paired with.")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the pairing.")] = 0,
    as_json: Json = False,
) -> None:
    """Set up a folder: encoder, thresholds, liveness check, vault, consent register, log. Nobody is enrolled yet.

    Thresholds come from people who are never enrolled here. Without enough of them for a false match rate of one in a
    thousand, payment stays off.
    """
    from apps.command import tables
    from experiments.assistant import open_shop
    from experiments.assistant.customers import free
    from experiments.assistant.recommender_run import find_run
    from experiments.assistant.setup import ALTERNATIVE

    shop = open_shop(
        books,
        merchant=merchant,
        jurisdiction=jurisdiction,
        alternative=ALTERNATIVE if alternative is None else alternative,
        encoder=encoder,
        people=people,
        gallery=gallery,
        run=None if run is None else find_run(run, store),
        store=shoppers_of,
        seed=seed,
        progress=lambda line: typer.echo(f"{line} ...", err=True),
    )
    s = shop.settings
    row = _state(shop)
    tables.tell(f"open: {books} of {s.merchant}, law of {s.jurisdiction}", row, as_json)
    if as_json:
        return
    tables.say(f"encoder: {s.model}, trained on {s.trained}")
    tables.say(f"calibrated on {s.calibrated}")
    tables.say(f"at the door: one stranger in {1 / row['fpir']:.0f} may be greeted, with up to {s.gallery} enrolled")
    tables.say(s.payment or "payment: one wrong face in 1,000 may pass; liveness is checked")
    tables.say(f"may be enrolled {free(shop)}")
    tables.say("To see how often it is right: tradefair faces evaluate" + _named(books))


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
        typer.Option("--consent", help="Receipt in JSON, as `tradefair consent template` makes them."),
    ] = None,
    shopper: Annotated[
        str, typer.Option("--shopper", help="Of the recommender's data; drawn by the seed when left out.")
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
        raise ConfigError("say what the person agreed to with --agree, or give receipts with --consent; not both")
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
        "photos": found.photos,
        "shopper": None if pairing is None else pairing.shopper,
        "store": None if pairing is None else pairing.store,
    }
    text = f"enrolled from {found.photos} photos for {' and '.join(found.uses)}; no photo was kept"
    tables.tell(text, row, as_json)
    if pairing is not None and not as_json:
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
    key: Annotated[str, typer.Option("--key", help="Chosen once for a purchase; sent again, it charges once.")],
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
        raise typer.Exit(max(1, _say_no(paid.decision, as_json, alternative=paid.alternative)))
    row = {"outcome": "charged", **asdict(paid.receipt), "alternative": paid.alternative}
    text = f"charged {amount} {currency} at {paid.receipt.at[:19]} UTC, receipt {paid.receipt.id[:16]}"
    tables.tell(f"{text}, log entry {paid.receipt.entry}", row, as_json)


@app.command(short_help="Delete a person's templates.")
def revoke(
    person: Person,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="End what the person agreed to, too.")] = False,
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Delete and overwrite PERSON's templates and pairing; works while recognition is off, too.

    Exit code 0: something went; 1: there was nothing; 2: bad input.
    """
    from dataclasses import asdict

    from apps.command import tables
    from experiments.assistant import Shop
    from experiments.assistant import revoke as revoke_at

    found = revoke_at(Shop.open(books), read_person(person), withdraw=withdraw)
    gone = bool(found.templates or found.withdrawn or found.pairing)
    text = f"templates deleted: {found.templates}; agreements ended: {found.withdrawn}"
    if not withdraw:
        text += " (what the person agreed to stands; --withdraw ends it)"
    tables.tell(text if gone else f"there was nothing of this person; {text}", {**asdict(found)}, as_json)
    if not gone:
        raise typer.Exit(1)


@app.command(short_help="Show the state of a shop.")
def status(books: Books = BOOKS, as_json: Json = False) -> None:
    """Show whether recognition is on, how many templates there are, and what the shop was made on. Names nobody."""
    from apps.command import tables
    from experiments.assistant import Shop
    from experiments.assistant.customers import free

    shop = Shop.open(books)
    row = _state(shop)
    if as_json:
        tables.print_json({"runs": [], "rows": [row]})
        return
    tables.print_rows(("", books.name), ([name, _text(value)] for name, value in row.items()))
    tables.say(f"may be enrolled {free(shop)}")


@app.command(short_help="Switch recognition off.")
def off(
    erase: Annotated[bool, typer.Option("--erase", help="Delete the templates of everybody, and the key.")] = False,
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Switch recognition off at once, for every process: nobody is compared, enrolled or charged. People can leave."""
    from apps.command import tables
    from experiments.assistant import Shop, switch

    gone = switch(Shop.open(books), on=False, erase=erase)
    text = f"off; templates deleted: {gone}" if erase else "off; enrolled people stay enrolled (--erase deletes them)"
    tables.tell(text, {"on": False, "templates": gone}, as_json)


@app.command(short_help="Switch recognition on again.")
def on(books: Books = BOOKS, as_json: Json = False) -> None:
    """Switch recognition on again. Consents are asked at every comparison, as before."""
    from apps.command import tables
    from experiments.assistant import Shop, switch

    switch(Shop.open(books), on=True)
    tables.tell("on", {"on": True, "templates": 0}, as_json)


@app.command(short_help="Measure a shop's error rates.")
def evaluate(
    people: Annotated[
        str, typer.Option("--people", help="orl (those who are left), drawn, or a folder of person/image.")
    ] = "orl",
    groups: Annotated[
        Path | None, typer.Option("--groups", help="CSV with columns person and group, for a table by group.")
    ] = None,
    det: Annotated[Path | None, typer.Option("--det", help="Write the DET curves to this CSV file.")] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=100, help="Of the bootstraps over people.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of bootstraps, galleries and the other camera.")] = 0,
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Measure error rates on people who are neither trained nor calibrated on, by a good camera and a cheap one.

    Rates "at the till" and "at the door" are those of the shop's own thresholds; they are what customers meet.
    """
    from apps.command import tables
    from apps.command.face_card import print_figures
    from experiments.assistant import Shop
    from experiments.assistant.figures import choose_judges, read_groups, write_det
    from experiments.assistant.figures import evaluate as measure

    if det is not None:
        require_place(det, "--det")
    shop = Shop.open(books)
    found = measure(
        shop,
        choose_judges(shop, people),
        groups=None if groups is None else read_groups(groups),
        seed=seed,
        resamples=resamples,
        progress=lambda line: typer.echo(line, err=True),
    )
    if det is not None:
        write_det(det, found)
    if as_json:
        from dataclasses import asdict

        rows = [one.record() for one in found.rows]
        facts = {"people": found.people, "groups": [asdict(one) for one in found.groups], "left_out": found.left_out}
        tables.print_json({"runs": [], "rows": rows, **facts})
        return
    print_figures(found)


def _pictures(given: list[str]) -> list[Picture]:
    from experiments.assistant import read_picture

    return [read_picture(one) for one in given]


def _say_no(decision: NoMatch | Refused, as_json: bool, *, alternative: str = "") -> int:
    """Say that nobody was recognised or why nothing was compared, and return the exit code."""
    from apps.command import tables
    from matching.face.decision import Refused

    refused = isinstance(decision, Refused)
    row: dict[str, Any] = {"outcome": "refused" if refused else "no_match"}
    text = "nobody was recognised"
    if isinstance(decision, Refused):
        row |= {"reason": decision.reason, "message": decision.message}
        text = f"refused ({decision.reason}): {decision.message}"
    if alternative:
        row["alternative"] = alternative
        text += f". Another way: {alternative}"
    tables.tell(text, row, as_json)
    return int(refused)


def _state(shop: Any) -> dict[str, Any]:
    from experiments.assistant.calibration import DOOR
    from experiments.assistant.shop import USES
    from matching.face.calibrate import Calibration

    s = shop.settings
    return {
        "on": shop.is_on,
        "merchant": s.merchant,
        "jurisdiction": s.jurisdiction,
        **{f"templates for {use}": shop.enrolled(use) for use in USES},
        "encoder": s.model,
        "trained": s.trained,
        "calibrated": s.calibrated,
        "fpir": Calibration.load(shop.folder / DOOR).thresholds[-1][0],
        "gallery": s.gallery,
        "payment": s.payment or "on",
        "recommender": s.run or None,
        "shoppers_of": s.store or None,
        "alternative": s.alternative,
    }


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str("-" if value is None else value)


def _named(books: Path) -> str:
    return "" if books == BOOKS else f" --books {books}"
