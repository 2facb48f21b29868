"""The merchant's side of `tradefair faces`: set up a folder, look at it, switch it off and on, measure it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from apps.command.experiment import Json, Store
from apps.command.output import require_place

if TYPE_CHECKING:
    from experiments.assistant import Shop

BOOKS: Final = Path("faces")
Books = Annotated[Path, typer.Option("--books", help="The merchant's folder; it holds everything.")]
_WORDS: Final = {
    "templates_in_store_recognition": "templates for in_store_recognition",
    "templates_payment": "templates for payment",
    "fpir": "false alarms at the door, asked for",
    "gallery": "enrolled at most",
    "payment_why": "why payment is off",
    "may_be_enrolled": "may be enrolled",
    "shoppers_of": "shoppers of merchant",
    "templates_deleted": "deleted now, consent ended",
}
"""What the table calls facts whose names in JSON are no words."""


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

    Exit code 0: set up; 2: bad input, or a folder that is in use; nothing stays of a failed attempt.
    """
    from dataclasses import asdict

    from apps.command import tables
    from apps.command.face_card import honest_words, usually_misses
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
    honest = shop.liveness.figures
    row = _state(shop) | {"liveness": {"bpcer": asdict(honest.bpcer), "people": honest.people}}
    tables.tell(f"open: {books} of {s.merchant}, law of {s.jurisdiction}", row, as_json)
    if as_json:
        return
    tables.say(f"encoder: {s.model}, trained on {s.trained}")
    tables.say(f"calibrated on {s.calibrated}")
    tables.say("of the people it was calibrated on; on others it may be more, which evaluate tells:")
    tables.say(f"at the door: one stranger in {1 / row['fpir']:.0f} may be greeted, with up to {s.gallery} enrolled")
    till = "payment: one wrong face in 1,000 may pass; liveness is checked"
    tables.say(s.payment or till)
    tables.say(honest_words(honest))
    if usually_misses(s.trained):
        tables.say(usually_misses(s.trained))
    tables.say(f"may be enrolled {free(shop)}")
    tables.say("to see how often it is right: tradefair faces evaluate" + _named(books))


def status(books: Books = BOOKS, as_json: Json = False) -> None:
    """Show whether recognition is on, how many templates there are, and what the shop was made on. Names nobody.

    First it deletes the templates of people whose consent has ended, by time or because it was withdrawn elsewhere; so
    do enrol, revoke, off and on. Then it signs the log, where something was written since: from then on nobody without
    the shop's key changes that unseen. Run it once a day.

    Exit code 0: shown; 2: there is no shop in the folder.
    """
    from apps.command import tables
    from experiments.assistant import Shop, sweep
    from experiments.assistant.sweep import vouch

    shop = Shop.open(books)
    ended = sweep(shop)
    vouch(shop)
    row = _state(shop) | {"templates_deleted": ended}
    if as_json:
        tables.print_json({"runs": [], "rows": [row]})
        return
    tables.print_rows(("", books.name), ([_WORDS.get(name, name), _text(value)] for name, value in row.items()))


def off(
    erase: Annotated[bool, typer.Option("--erase", help="Delete everybody's templates and replace the key.")] = False,
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Switch recognition off at once, for every process: nobody is compared, enrolled or charged. People can leave.

    With --erase also a shop that is damaged. What people agreed to stays on record until each of them withdraws.

    Exit code 0: it is off; 2: there is no shop in the folder.
    """
    from apps.command import tables
    from experiments.assistant import Shop
    from experiments.assistant.damaged import close

    gone = close(books, erase=erase)
    if gone is None:
        text = "this shop was damaged and cannot be opened; its templates, pairings and keys are overwritten and gone"
        tables.tell(text, {"on": False, "templates_deleted": None, "agreements_in_force": None}, as_json)
        return
    stand = _in_force(Shop.open(books))
    text = "off; enrolled people stay enrolled (--erase deletes them)"
    if erase:
        text = f"off; templates deleted: {gone}; the key is replaced"
        if stand:
            text += f"; agreements still in force: {stand}, which end by `tradefair faces revoke PERSON --withdraw`"
    tables.tell(text, {"on": False, "templates_deleted": gone, "agreements_in_force": stand}, as_json)


def on(books: Books = BOOKS, as_json: Json = False) -> None:
    """Switch recognition on again. Consents are asked at every comparison, as before.

    Exit code 0: it is on; 2: there is no shop in the folder.
    """
    from apps.command import tables
    from experiments.assistant import Shop, switch

    gone = switch(Shop.open(books), on=True)
    text = f"on; templates deleted, since their consent had ended: {gone}" if gone else "on"
    tables.tell(text, {"on": True, "templates_deleted": gone}, as_json)


def evaluate(
    people: Annotated[
        str, typer.Option("--people", help="orl (those who are left), drawn, or a folder of person/image.")
    ] = "orl",
    groups: Annotated[
        Path | None,
        typer.Option(
            "--groups", help="CSV with columns person and group, such as orl:31,glasses; for a table by group."
        ),
    ] = None,
    det: Annotated[Path | None, typer.Option("--det", help="Write the DET curves to this CSV file.")] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=100, help="Of the bootstraps over people.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of bootstraps, galleries and the other camera.")] = 0,
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Measure error rates on people who are neither trained nor calibrated on, by a good camera and one over the door.

    The camera over the door is a cheap one, simulated. Rates "at the till" and "at the door" are those of the shop's
    own thresholds; they are what customers meet.

    Exit code 0: measured; 2: bad input, or nobody to measure on.
    """
    from dataclasses import asdict

    from apps.command import tables
    from apps.command.face_card import honest_words, print_figures
    from experiments.assistant import Shop
    from experiments.assistant.figures import choose_judges, read_groups, write_det
    from experiments.assistant.figures import evaluate as measure

    if det is not None:
        require_place(det, "--det")
    shop = Shop.open(books)
    faces, honest = choose_judges(shop, people), shop.liveness.figures
    found = measure(
        shop,
        faces,
        groups=None if groups is None else _known(read_groups(groups), faces.names, groups),
        seed=seed,
        resamples=resamples,
        progress=lambda line: typer.echo(line, err=True),
    )
    if det is not None:
        write_det(det, found)
    if as_json:
        rows = [one.record() for one in found.rows]
        facts = {"people": found.people, "groups": [asdict(one) for one in found.groups], "left_out": found.left_out}
        liveness = {"bpcer": asdict(honest.bpcer), "people": honest.people}
        tables.print_json({"runs": [], "rows": rows, **facts, "liveness": liveness})
        return
    print_figures(found)
    tables.say(honest_words(honest))


def _state(shop: Shop) -> dict[str, Any]:
    from experiments.assistant.calibration import DOOR
    from experiments.assistant.customers import free
    from experiments.assistant.shop import USES
    from matching.face.calibration import Calibration

    s = shop.settings
    return {
        "on": shop.is_on,
        "merchant": s.merchant,
        "jurisdiction": s.jurisdiction,
        **{f"templates_{use}": shop.enrolled(use) for use in USES},
        "encoder": s.model,
        "trained": s.trained,
        "calibrated": s.calibrated,
        "fpir": Calibration.load(shop.folder / DOOR).thresholds[-1][0],
        "gallery": s.gallery,
        "payment": "on" if shop.is_on and not s.payment else "off",
        "payment_why": s.payment or (None if shop.is_on else "all recognition is switched off in this shop"),
        "may_be_enrolled": free(shop),
        "recommender": s.run or None,
        "shoppers_of": s.store or None,
        "alternative": s.alternative,
    }


def _in_force(shop: Shop) -> int:
    """Count people's agreements of every purpose that are in force."""
    mine = shop.settings.merchant
    return sum(people for who, _, _, state, people in shop.register.summary() if (who, state) == (mine, "valid"))


def _known(groups: dict[str, str], names: Sequence[str], path: Path) -> dict[str, str]:
    """Return the groups of people, all of whom are among those judged; asked before anything is measured."""
    from retail.errors import DataError

    unknown = sorted(set(groups) - set(names))
    if unknown:
        raise DataError(
            f"{path} names {unknown[0]!r:.60}, who is not among the people judged; write their ids, such as {names[0]}"
        )
    return groups


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str("-" if value is None else value)


def _named(books: Path) -> str:
    return "" if books == BOOKS else f" --books {books}"
