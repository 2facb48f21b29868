"""`tradefair match enrol`: hold everybody to k_max merchants, with a registry that never learns who they are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.command.experiment import Json
from apps.command.match_party import KEY_FILE, Column, Me, To, given_key, read_message

if TYPE_CHECKING:
    from matching.psi.registry import Registry
    from privacy.consent import ConsentRegister
    from privacy.log import Log

app = typer.Typer(
    help="Enrol people at merchants, at most k_max each, with a registry that sees no ids.", no_args_is_help=True
)

Books = Annotated[
    Path, typer.Option("--books", help="This party's folder: consent register, log, keys, as `consent` keeps them.")
]
MerchantKey = Annotated[
    str | None, typer.Option("--merchant-key", help="Public key of the merchant, or its file; told by another way.")
]
RegistryKey = Annotated[
    str | None, typer.Option("--registry-key", help="Public key of the registry, or its file; told by another way.")
]
BOOKS = Path("books")


@app.command(short_help="First step, at the merchant: ask for tokens.")
def start(
    people: Path,
    me: Me,
    registry: Annotated[str, typer.Option("--registry", help="Name of the registry.")],
    to: To,
    books: Books = BOOKS,
    column: Column = None,
    as_json: Json = False,
) -> None:
    """Mask PEOPLE, a CSV file of ids, for the registry. --me is how runs call this merchant, such as "merchant 1"."""
    from apps.command import tables
    from apps.command.output import require_place
    from experiments.documents import write_bytes
    from matching.psi.applicant import ask_tokens
    from matching.psi.id_file import read_ids
    from matching.psi.letters import Parts
    from matching.psi.tokens import TokenRequest
    from privacy.log import SigningKey

    require_place(to, "--to")
    ids = read_ids(people, column=column)
    Parts.fresh(me, registry)
    TokenRequest.check(ids)  # before any book is opened
    key = SigningKey.load_or_create(books / KEY_FILE)
    question, waiting = ask_tokens(me, registry, ids, key=key)
    kept = waiting.save(books)
    write_bytes(to, question.to_bytes())
    row = {"request": waiting.terms.session, "people": len(ids), "key": key.public_hex}
    tables.tell(
        f"request {waiting.terms.session}: {len(ids):,} people as masked points in {to}\nTell {registry} our key by "
        f"another way: --merchant-key {key.public_hex}\nThe people and the mask stay in {kept} until the last step; it "
        "is personal data.",
        row,
        as_json,
    )


@app.command(short_help="Second step, at the registry: make the tokens.")
def answer(
    question: Path,
    me: Me,
    to: To,
    merchant_key: MerchantKey = None,
    most: Annotated[int, typer.Option("--most", help="People that one merchant may ask about in 30 days.")] = 100_000,
    books: Books = BOOKS,
    as_json: Json = False,
) -> None:
    """Put this registry's key on the points in QUESTION, a file from a merchant. It needs an open accounting period."""
    from apps.command import tables
    from apps.command.output import require_place
    from experiments.documents import write_bytes
    from matching.psi.letters import Letter

    require_place(to, "--to")
    given = given_key(merchant_key)
    letter = Letter.read(read_message(question), "token_question")
    registry = _registry(letter, me, books, most=most)
    merchant = registry.parties.find(letter.terms.merchant, letter.signer, given=given)
    reply = registry.answer(letter, merchant_key=given)
    write_bytes(to, reply.to_bytes())
    registry.log.sign_head()
    row = {"request": letter.terms.session, "merchant": merchant.name, "merchant_key": merchant.key,
           "trust": merchant.trust, "confirmed": merchant.confirmed, "people": len(reply.items),
           "key": registry.key.public_hex}  # fmt: skip
    who = "" if merchant.confirmed else (
        f"\nNobody confirmed the key of {merchant.name}, {merchant.key} ({merchant.trust}): ask it by another way, and "
        "give --merchant-key"
    )  # fmt: skip
    tables.tell(
        f"request {letter.terms.session} of {merchant.name}: {len(reply.items):,} points in {to}{who}\n"
        f"Our key, for {merchant.name}: --registry-key {registry.key.public_hex}",
        row,
        as_json,
    )


@app.command(short_help="Third step, at the merchant: claim a slot for each person.")
def claim(reply: Path, to: To, registry_key: RegistryKey = None, books: Books = BOOKS, as_json: Json = False) -> None:
    """Take the mask off the points in REPLY, the file that came back, and write the tokens for the registry."""
    from apps.command import tables
    from apps.command.output import require_place
    from experiments.documents import write_bytes
    from matching.psi.applicant import Waiting, claim_slots
    from matching.psi.letters import Letter
    from matching.psi.parties import Parties

    require_place(to, "--to")
    given = given_key(registry_key)
    letter = Letter.read(read_message(reply), "token_reply")
    waiting = Waiting.load(books, letter.terms.session)
    _, log = _open(books)
    asked, waiting = claim_slots(letter, waiting, key=_key(log), parties=Parties(log.books), registry_key=given)
    waiting.save(books)
    write_bytes(to, asked.to_bytes())
    row = {"request": letter.terms.session, "people": len(asked.items)}
    tables.tell(f"request {letter.terms.session}: {len(asked.items):,} tokens in {to}", row, as_json)


@app.command(short_help="Fourth step, at the registry: give slots to those who have one left.")
def admit(
    claim: Path, me: Me, to: To, merchant_key: MerchantKey = None, books: Books = BOOKS, as_json: Json = False
) -> None:
    """Give slots at the merchant to the tokens in CLAIM, at most k_max for each token in this accounting period."""
    from apps.command import tables
    from apps.command.output import require_place
    from experiments.documents import write_bytes
    from matching.psi.letters import Letter

    require_place(to, "--to")
    given = given_key(merchant_key)
    letter = Letter.read(read_message(claim), "claim")
    registry = _registry(letter, me, books)
    admission = registry.admit(letter, merchant_key=given)
    write_bytes(to, admission.to_bytes())
    registry.log.sign_head()
    full = len(letter.items) - len(admission.items)
    row = {"request": letter.terms.session, "merchant": letter.terms.merchant, "period": admission.period,
           "k_max": admission.k_max, "admitted": len(admission.items), "full": full}  # fmt: skip
    tables.tell(
        f"request {letter.terms.session} of {letter.terms.merchant}: {len(admission.items):,} of "
        f"{len(letter.items):,} people have a slot in the period {admission.period} (at most {admission.k_max} "
        f"merchants each), {full:,} had used all of theirs; in {to}",
        row,
        as_json,
    )


@app.command(short_help="Fifth step, at the merchant: enrol those who were admitted.")
def finish(admission: Path, registry_key: RegistryKey = None, books: Books = BOOKS, as_json: Json = False) -> None:
    """Enrol those whom ADMISSION, the registry's file, names, in this merchant's own consent register.

    A run that names that register (`policy.consents`) reads the rows of these people alone.
    """
    from apps.command import tables
    from matching.psi.applicant import Waiting, enrol_admitted
    from matching.psi.letters import Letter
    from matching.psi.parties import Parties

    given = given_key(registry_key)
    letter = Letter.read(read_message(admission), "admission")
    waiting = Waiting.load(books, letter.terms.session)
    register, log = _open(books)
    done = enrol_admitted(letter, waiting, parties=Parties(log.books), register=register, registry_key=given)
    Waiting.forget(books, letter.terms.session)
    log.sign_head()
    row: dict[str, Any] = {"request": letter.terms.session, "merchant": letter.terms.merchant, **asdict(done)}
    left = f"; {done.refused:,} were admitted and stay out, for they were erased here" if done.refused else ""
    tables.tell(
        f"{done.admitted:,} people are enrolled at {letter.terms.merchant} in {books / 'consent.sqlite'}; "
        f"{done.full:,} are at {letter.k_max} other merchants and stay out{left}",
        row,
        as_json,
    )


def _registry(letter: Any, me: str, books: Path, *, most: int = 100_000) -> Registry:
    """Open the registry's books, once the message is seen to be for it."""
    from matching.psi.registry import Registry
    from retail.errors import ConfigError, PrivacyError

    if letter.terms.registry != me:
        raise PrivacyError(f"the message is for {letter.terms.registry!r}, and this is {me!r}; hand it on")
    _ = letter.signer
    if not (books / "consent.sqlite").is_file():
        raise ConfigError(
            f"there is no consent register in {books}; a registry opens an accounting period first: "
            f"tradefair consent period NAME --k-max N{_where(books)}"
        )
    register, log = _open(books)
    return Registry(me, register=register, log=log, key=_key(log), secret=books / "tokens.key", most=most)


def _where(books: Path) -> str:
    """Say where the files are, as `tradefair consent` is told; nothing where it looks there by itself."""
    names = {"register": "consent.sqlite", "log": "log.sqlite", "commitments": "commitments.sqlite", "key": KEY_FILE}
    return "" if books == BOOKS else "".join(f" --{option} {books / name}" for option, name in names.items())


def _open(books: Path) -> tuple[ConsentRegister, Log]:
    """Open the files that `tradefair consent` keeps in a folder."""
    from apps.command.books import COMMITMENTS, LOG, ORIGIN, REGISTER, open_books

    register, log, _ = open_books(
        books / REGISTER.name, books / LOG.name, books / COMMITMENTS.name, books / KEY_FILE, ORIGIN
    )
    return register, log


def _key(log: Log) -> Any:
    assert log.key is not None  # `open_books` gives every log its key
    return log.key
