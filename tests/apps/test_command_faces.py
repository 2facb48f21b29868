"""`tradefair faces` from an empty vault to a card, a payment and a farewell; and what it does with bad input."""

import csv
import io
import json
import re
import shlex
import sqlite3
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from face_shop import copy_of, live_pictures, make_face_shop, same_moment, state
from made_once import made_once
from PIL import Image

from apps.command.main import main
from experiments.assistant import Shop, encoders
from experiments.assistant.customers import free
from experiments.assistant.shop import Shop as ShopClass

pytestmark = pytest.mark.slow  # its shop takes long to make

ALL = ("--agree", "in_store_recognition", "--agree", "payment", "--agree", "recommendation")
PERSON = 32


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return made_once(tmp_path_factory, "face-shop", make_face_shop)


@pytest.fixture(scope="session")
def warm(made):
    """The encoder, loaded once; and two moments of one person that pass the liveness check."""
    shop = Shop.open(made / "shop")
    names = live_pictures(shop, PERSON)
    return {"encoder": shop.encoder, "names": names, "again": same_moment(shop, names[0], np.random.default_rng(1))}


@pytest.fixture
def tradefair(made, warm, tmp_path, monkeypatch, capsys):
    """Run the command in a folder with a shop: exit code, what it printed, what it complained about."""
    monkeypatch.chdir(tmp_path)
    copy_of(made, tmp_path / "faces")
    Image.fromarray(warm["again"]).save(tmp_path / "again.png")
    monkeypatch.setattr(encoders, "load_encoder", None)  # nothing but what a test loaded
    monkeypatch.setattr(ShopClass, "encoder", warm["encoder"])

    def run(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(["faces", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def customer(tradefair, warm):
    code, out, err = tradefair("enrol", "17", warm["names"][0], *ALL, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)["rows"][0]


def test_a_customer_is_enrolled_recognised_charged_once_and_leaves(tradefair, customer, tmp_path):
    assert customer["uses"] == ["in_store_recognition", "payment"]
    assert customer["agreed"] == ["in_store_recognition", "payment", "recommendation"]
    code, out, _ = tradefair("card", "again.png", "--json")
    (card,) = json.loads(out)["rows"]
    assert (code, card["outcome"], card["person"]) == (0, "match", "17")
    assert card["pairing"]["shopper"] == customer["shopper"]
    assert card["made_up"].startswith("a made-up pairing")
    assert "similarity" not in out
    assert "score" not in out
    _, out, _ = tradefair("card", "again.png")
    for words in ("recognised: 17", "made-up pairing", "favourites", "suggestions", "withdraw: ", "recommendation"):
        assert words in out
    asked = ("pay", "17", "again.png", "--amount", "12.50", "--currency", "EUR", "--key", "order-0001", "--json")
    receipts = [json.loads(tradefair(*asked)[1])["rows"][0] for _ in range(3)]
    assert [one["outcome"] for one in receipts] == ["charged"] * 3
    assert len({one["id"] for one in receipts}) == 1
    with sqlite3.connect(tmp_path / "faces" / "books.sqlite") as connection:
        assert connection.execute("SELECT amount_minor, currency FROM face_payments").fetchall() == [(1250, "EUR")]
    code, out, _ = tradefair("revoke", "-", "--withdraw", stdin="17\n")
    assert (code, out) == (0, "templates deleted: 2; agreements ended: 3\n")
    assert tradefair("card", "again.png")[:2] == (0, "nobody was recognised\n")
    code, out, _ = tradefair("pay", "17", "again.png", "--amount", "1", "--key", "order-0002")
    assert code == 1
    assert "refused (consent)" in out
    assert "Another way: card or cash" in out
    assert tradefair("revoke", "17")[:2] == (1, "there was nothing of this person\n")
    assert tradefair("revoke", "nobody-ever-seen")[:2] == (1, "there was nothing of this person\n")


def test_who_leaves_without_withdrawing_is_told_what_stays_in_force(tradefair, customer):
    code, out, _ = tradefair("revoke", "17")
    stands = "(agreed to and still in force: in_store_recognition, payment, recommendation; --withdraw ends it)"
    assert (code, out) == (0, f"templates deleted: 2; agreements ended: 0 {stands}\n")
    code, out, _ = tradefair("revoke", "17", "--json")
    assert (code, json.loads(out)["rows"][0]["in_force"]) == (1, list(customer["agreed"]))
    assert tradefair("revoke", "17")[1].startswith("there was nothing to delete; ")


def test_a_customer_leaves_a_damaged_shop_and_all_of_it_can_be_erased(tradefair, customer, tmp_path):
    (tmp_path / "faces" / "shop.json").write_text("{")
    assert tradefair("status")[0] == 2
    code, out, _ = tradefair("revoke", "17", "--withdraw")
    assert (code, out) == (0, "templates deleted: 2; agreements ended: 3\n")
    code, out, _ = tradefair("off", "--erase")
    assert (code, "overwritten and gone" in out) == (0, True)
    assert not (tmp_path / "faces" / "vault.sqlite").exists()


def test_a_payment_of_somebody_else_says_that_nothing_was_charged_and_a_receipt_how_long_it_is(tradefair, customer):
    drawing = ("pay", "17", "orl:40/2", "--amount", "1.00", "--key", "order-0003", "--json")
    code, out, _ = tradefair(*drawing)
    (row,) = json.loads(out)["rows"]
    assert (code, row["outcome"]) == (1, "no_match")
    assert row["message"] == "not recognised as the person named; nothing was charged"
    asked = ("pay", "17", "again.png", "--amount", "1.00", "--key", "order-0004")
    receipt = json.loads(tradefair(*asked, "--json")[1])["rows"][0]["id"]
    assert f"receipt {receipt[:16]}... (64 digits; --json shows them all)" in tradefair(*asked)[1]


def test_a_shop_without_a_recommender_says_that_consent_to_it_is_on_record_all_the_same(tradefair, warm, tmp_path):
    settings = tmp_path / "faces" / "shop.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "run": "", "store": ""}))
    code, out, _ = tradefair("enrol", "17", warm["names"][0], *ALL)
    assert code == 0
    assert "on record, too: recommendation; this shop has no recommender" in out
    assert {one.purpose for one in Shop.open("faces").register.status("17")} == {*ALL[1::2]}


def test_a_picture_without_a_face_is_named_among_several(tradefair, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8)).save(tmp_path / "second.png")
    code, out, _ = tradefair("enrol", "17", "again.png", "second.png", *ALL)
    assert (code, out.startswith("refused (photo): picture 2 (second.png): ")) == (1, True)


def test_an_audit_finds_every_read_of_baskets_within_the_rules_of_the_run(tradefair, customer, capsys):
    assert tradefair("card", "again.png")[0] == 0
    assert main(["audit", "faces/books.sqlite", "--access", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["events"], found["breaches"], found["regimes"]) == (2, 0, ["federated"])  # to pair, and for the card


def test_a_visitor_is_no_error_and_changes_no_byte(tradefair, customer, tmp_path):
    before = state(tmp_path / "faces")
    code, out, err = tradefair("card", "orl:40/2", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["rows"] == [{"outcome": "no_match", "message": "nobody was recognised"}]
    assert state(tmp_path / "faces") == before


def test_consent_comes_as_receipts_as_the_documentation_shows(tradefair, warm, capsys):
    """The commands of docs/faces.md, line by line; the person's pictures are those that pass here."""
    page = (Path(__file__).parents[2] / "docs" / "faces.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```\n(tradefair consent template .*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    for line in example.replace("\\\n", " ").splitlines():
        command, _, file = line.partition(" > ")
        words = shlex.split(command)[1:]
        if words[:2] == ["faces", "enrol"]:
            words = [one for one in words if not one.startswith("orl:")]
            words.insert(3, warm["names"][0])
        assert main(words) == 0, line
        out, err = capsys.readouterr()
        assert err == ""
        if file:
            Path(file).write_text(out)
    assert "enrolled from 1 photo for in_store_recognition and payment; no photo was kept" in out
    assert tradefair("card", "again.png")[1].startswith("recognised: 32")
    given = ("--consent", "greet.json", "--consent", "pay.json")
    assert tradefair("enrol", "18", warm["names"][0], *given)[0] == 2  # a receipt counts once


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ((), "is no separate consent to face templates"),
        (("--level", "separate"), "is no separate consent to face templates"),
        (("--level", "separate", "--data", "face_templates"), ""),
    ],
)
def test_a_receipt_that_is_of_no_use_is_refused_with_the_command_for_one_that_is(
    tradefair, warm, tmp_path, capsys, options, wrong
):
    template = (
        "consent",
        "template",
        "--register",
        "faces/consent.sqlite",
        "--controller",
        "m1",
        "--notice",
        "faces-1",
    )
    assert main([*template, "--purpose", "payment", *options]) == 0
    (tmp_path / "pay.json").write_text(capsys.readouterr().out)
    before = state(tmp_path / "faces")
    code, _, err = tradefair("enrol", "17", warm["names"][0], "--consent", "pay.json")
    if not wrong:
        assert (code, err) == (0, "")
        return
    assert code == 2
    assert wrong in err
    assert state(tmp_path / "faces") == before
    named = re.search("`(tradefair consent template .*)`", err).group(1)
    assert main(shlex.split(named)[1:]) == 0
    (tmp_path / "pay.json").write_text(capsys.readouterr().out)
    assert tradefair("enrol", "17", warm["names"][0], "--consent", "pay.json")[0] == 0


def bomb(path):
    """A PNG of a few bytes that claims 100 megapixels."""
    head = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def truncated(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:200])


BAD = {
    "no image": (lambda path: path.write_text("I am a text"), "no photo that can be read"),
    "100 megapixels": (bomb, "10000x10000 pixels"),
    "1x1": (lambda path: Image.new("L", (1, 1), 9).save(path), "at least 16x16"),
    "truncated": (truncated, "cut short"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "missing": (lambda path: None, "cannot read"),
}
COMMANDS = {
    "enrol": lambda photo: ("enrol", "18", photo, *ALL),
    "card": lambda photo: ("card", photo),
    "pay": lambda photo: ("pay", "17", photo, "--amount", "1.00", "--key", "order-0009"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_photo_gives_one_clear_line_and_stores_nothing(tradefair, customer, tmp_path, what):
    make, message = BAD[what]
    make(tmp_path / "bad.png")
    before = state(tmp_path / "faces")
    for name, words in COMMANDS.items():
        code, out, err = tradefair(*words("bad.png"))
        assert (code, out) == (2, ""), name
        assert err.count("\n") == 1
        assert err.startswith("error: ")
        assert message in err
    assert state(tmp_path / "faces") == before


def test_a_photo_that_is_no_crop_is_refused_where_no_face_can_be_found(tradefair, customer, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (128, 128)).astype(np.uint8)).save(tmp_path / "big.png")
    before = state(tmp_path / "faces")
    for name in ("enrol", "card"):
        code, out, _ = tradefair(*COMMANDS[name]("big.png"))
        assert code == 1
        assert out.startswith("refused (photo): ")
    assert state(tmp_path / "faces") == before
    code, out, _ = tradefair(
        *COMMANDS["pay"]("big.png")
    )  # an attempt at somebody is counted and logged, without a photo
    assert code == 1
    assert "Another way: " in out


INPUTS = {
    "a picture that ORL has not": (("card", "orl:41/1"), "no picture 'orl:41/1'"),
    "a drawing without a number": (("card", "drawn:x/1"), "no picture 'drawn:x/1'"),
    "no agreement": (("enrol", "18", "orl:33/1"), "--agree"),
    "an agreement to nothing known": (("enrol", "18", "orl:33/1", "--agree", "ranking"), "'ranking'"),
    "an agreement without a face": (("enrol", "18", "orl:33/1", "--agree", "recommendation"), "needs a face"),
    "somebody calibrated on": (("enrol", "18", "orl:3/1", *ALL), "was calibrated"),
    "a shopper nobody knows": (("enrol", "18", "orl:33/1", *ALL, "--shopper", "nobody"), "no shopper"),
    "an id that cannot be": (("enrol", "", "orl:33/1", *ALL), "empty"),
    "an amount in words": (
        ("pay", "17", "again.png", "--amount", "ten", "--key", "order-0001"),
        "write it with a point",
    ),
    "an amount of nothing": (
        ("pay", "17", "again.png", "--amount", "0.00", "--key", "order-0001"),
        "above 0",
    ),
    "a short key": (("pay", "17", "again.png", "--amount", "1.00", "--key", "k1"), "8 to 200"),
    "too many digits": (("pay", "17", "again.png", "--amount", "1.234", "--key", "order-0001"), "2 digits"),
    "no shop": (("status", "--books", "elsewhere"), "no shop for faces in elsewhere"),
    "a folder in use": (("open", "--books", "faces"), "not empty"),
    "no encoder": (("open", "--books", "new", "--encoder", "none.pt2"), "cannot read none"),
    "no run": (("open", "--books", "new", "--run", "nothing"), "no run in runs"),
    "judges who were calibrated on": (("evaluate", "--people", "folder"), "cannot read the folder"),
}


@pytest.mark.parametrize("what", INPUTS)
def test_bad_input_is_told_in_one_line_and_leaves_everything_as_it_was(tradefair, customer, tmp_path, what):
    arguments, message = INPUTS[what]
    before = state(tmp_path)
    code, out, err = tradefair(*arguments)
    assert (code, out) == (2, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    after = state(tmp_path)
    if what == "a shopper nobody knows":  # the merchant looked among its own shoppers, and that is logged
        assert after.pop("faces/books.sqlite") != before.pop("faces/books.sqlite")
    assert after == before


def test_an_encoder_of_another_model_is_refused(made, tmp_path, monkeypatch, capsys):
    copy_of(made, tmp_path / "faces")
    settings = tmp_path / "faces" / "shop.json"
    settings.write_text(settings.read_text().replace('"model": "drawn-16x8', '"model": "drawn-99x99'))
    monkeypatch.chdir(tmp_path)
    before = state(tmp_path)
    assert main(["faces", "card", "orl:40/1"]) == 2
    assert "vault of another model" in capsys.readouterr().err
    assert state(tmp_path) == before


def test_off_says_so_everywhere_and_erase_deletes_everybody(tradefair, customer):
    assert tradefair("off")[0] == 0
    for words in (("card", "again.png"), ("enrol", "18", "orl:33/1", *ALL)):
        code, out, _ = tradefair(*words)
        assert code == 1
        assert "switched off" in out
    code, out, _ = tradefair("status", "--json")
    (row,) = json.loads(out)["rows"]
    assert (row["on"], row["templates_payment"]) == (False, 1)
    assert (row["payment"], row["payment_why"]) == ("off", "all recognition is switched off in this shop")
    assert row["may_be_enrolled"].startswith("of ORL")
    assert all(re.fullmatch("[a-z_]+", name) for name in row)
    code, out, _ = tradefair("off", "--erase")
    assert out.startswith("off; templates deleted: 2; the key is replaced; agreements still in force: 3, ")
    off = {"on": False, "templates_deleted": 0, "agreements_in_force": 3}
    assert json.loads(tradefair("off", "--erase", "--json")[1])["rows"] == [off]
    assert json.loads(tradefair("on", "--json")[1])["rows"] == [{"on": True, "templates_deleted": 0}]
    (row,) = json.loads(tradefair("status", "--json")[1])["rows"]
    assert (row["payment"], row["payment_why"]) == ("on", None)
    assert tradefair("card", "again.png")[1] == "nobody was recognised\n"
    assert "templates for payment" in tradefair("status")[1]


def test_error_rates_are_told_with_intervals_groups_and_a_curve(tradefair, made, tmp_path):
    (tmp_path / "groups.csv").write_text(
        "person,group\n" + "".join(f"orl:{one},{'ab'[one % 2]}\n" for one in range(31, 41))
    )
    asked = ("--groups", "groups.csv", "--det", "det.csv", "--resamples", "100")
    code, out, _ = tradefair("evaluate", *asked, "--json")
    assert code == 0
    document = json.loads(out)
    rows = {row["name"]: row for row in document["rows"]}
    for camera in ("good camera", "door camera"):
        for name in (f"eer({camera})", f"fnmr({camera}, at the till)", f"fpir({camera}, at the door)"):
            assert 0 <= rows[name]["lo"] <= rows[name]["value"] <= rows[name]["hi"] <= 1
            assert rows[name]["n"] == 10
    assert rows["eer(door camera)"]["value"] > rows["eer(good camera)"]["value"] - 0.1
    honest = Shop.open("faces").liveness.figures
    assert document["liveness"]["bpcer"]["value"] == honest.bpcer.value
    assert [(one["group"], one["people"]) for one in document["groups"]] == [("a", 5), ("b", 5), ("all", 10)]
    with (tmp_path / "det.csv").open(newline="") as file:
        curve = [row for row in csv.DictReader(file) if row["camera"] == "good camera"]
    assert set(curve[0]) == {"camera", "fmr", "fnmr"}
    assert [float(curve[0]["fmr"]), float(curve[-1]["fnmr"])] == [0.0, 0.0]
    code, out, _ = tradefair("evaluate", "--resamples", "100")
    assert "fnmr(good camera, at the till)" in out
    assert f"refuses {honest.bpcer} of honest pictures (BPCER), of 8 people whom it was not made on" in out
    assert "FNMR" not in out


def test_groups_of_somebody_unknown_are_refused_before_anything_is_measured(tradefair, tmp_path):
    (tmp_path / "groups.csv").write_text("person,group\n31,a\n")
    code, out, err = tradefair("evaluate", "--groups", "groups.csv")
    assert (code, out) == (2, "")
    assert err == (
        "error: groups.csv names '31', who is not among the people judged; write their ids, such as orl:31\n"
    )


def test_status_names_who_may_be_enrolled(made):
    assert free(Shop.open(made / "shop")) == "of ORL: 31, 32, 33, 34, 35, 36, 37, 38, 39, 40"


def test_status_deletes_templates_of_consent_that_was_withdrawn_elsewhere_and_says_how_many(tradefair, customer):
    shop = Shop.open("faces")
    shop.register.withdraw("17", controller="m1", purpose="payment")
    (row,) = json.loads(tradefair("status", "--json")[1])["rows"]
    assert row["templates_deleted"] == 1
    assert (row["templates_in_store_recognition"], row["templates_payment"]) == (1, 0)
    assert json.loads(tradefair("status", "--json")[1])["rows"][0]["templates_deleted"] == 0


def test_the_state_of_a_shop_is_shown_and_its_log_signed_once_something_was_written(tradefair, customer, tmp_path):
    def vouched():
        log = Shop.open(tmp_path / "faces").log
        return log.head() is not None and log.head().size == log.size

    assert not vouched()
    assert tradefair("status")[0] == 0
    assert vouched()
    before = state(tmp_path)
    assert tradefair("status")[0] == 0
    assert state(tmp_path) == before
