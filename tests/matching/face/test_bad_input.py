"""What comes from outside and is wrong: one sentence, nothing stored, nobody compared."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from matching.embeddings import Embeddings
from matching.face.decision import Match, Refused
from matching.face.dlib_faces import DlibFinder
from matching.face.encoder import CropEncoder

from .conftest import GREET, PAY


def png(pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that claims 100 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


WRONG = {
    "no image": lambda crop: b"<html>not an image</html>",
    "empty": lambda crop: b"",
    "a bomb": lambda crop: bomb(),
    "1 x 1": lambda crop: png(crop[:1, :1]),
    "truncated": lambda crop: png(crop)[:900],
    "pixels of 1 x 1": lambda crop: crop[:1, :1],
    "floats": lambda crop: crop.astype(float),
    "NaN": lambda crop: np.full((64, 64), np.nan, np.float32),
    "flat": lambda crop: np.full((64, 64), 7, np.uint8),
    "a path to nothing": lambda crop: __import__("pathlib").Path("/nowhere/photo.png"),
    "not a picture at all": lambda crop: [None],
}


@pytest.mark.parametrize("what", WRONG)
def test_every_service_refuses_what_is_no_photo_in_one_sentence_and_stores_nothing(merchant, pictures, what):
    one, other = sorted(pictures)[:2]
    merchant.enrol(one, pictures[one][:3])
    merchant.enrol(one, pictures[one][:3], PAY)
    receipt = merchant.agree(other)
    greeter, payments = merchant.greeter(), merchant.payments()
    sent = WRONG[what](pictures[one][0])
    templates, charged = merchant.files()["faces.sqlite"], merchant.log.size
    before = merchant.files()
    answers = [merchant.enrolment().enrol(other, sent, receipt), greeter.greet(sent, device="door")]
    assert merchant.files() == before
    answers.append(payments.pay(one, sent, amount_minor=100, currency="EUR", key="order-0001", device="till").decision)
    for answer in answers:
        assert isinstance(answer, Refused)
        assert answer.reason in ("photo", "liveness")
        assert 10 < len(answer.message) < 400
        assert "\n" not in answer.message
    assert merchant.files()["faces.sqlite"] == templates
    assert [entry.body["outcome"] for entry in merchant.log.entries()[charged:]] == ["refused"]


@pytest.mark.needs_faces
@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (lambda crops: np.hstack([_large(crops[0]), _large(crops[1])]), "2 faces were found"),
        (lambda crops: np.random.default_rng(0).integers(0, 255, (150, 150)).astype(np.uint8), "no face was found"),
    ],
)
def test_two_faces_or_none_are_refused_by_the_service_that_finds_faces(merchant, pictures, orl, photo, message):
    one = min(pictures)
    merchant.enrol(one, pictures[one][:3])
    merchant.encoder = CropEncoder(merchant.encoder.net, DlibFinder())
    before = merchant.files()
    answer = merchant.greeter().greet(png(photo([orl.images[0], orl.images[20]])), device="door")
    assert answer == Refused("photo", answer.message)
    assert message in answer.message
    assert merchant.files() == before
    assert merchant.greeter().greet(pictures[one][0], device="door") == Match(one)  # the control


def _large(crop):
    return np.asarray(Image.fromarray(crop).resize((105, 128)))


def test_an_encoder_that_gives_another_model_or_nan_is_refused(merchant, pictures):
    one = min(pictures)
    merchant.enrol(one, pictures[one][:3])

    class Odd:
        def __init__(self, real, made):
            self.model, self.dimension, self.encode = real.model, real.dimension, made

    real = merchant.encoder
    before = merchant.files()
    for made in (
        lambda photos: Embeddings.scaled(np.ones((1, real.dimension)), "another model"),
        lambda photos: Embeddings.scaled(np.full((1, real.dimension), np.nan), real.model),
        lambda photos: Embeddings.scaled(np.ones((1, 7)), real.model),
    ):
        merchant.encoder = Odd(real, made)
        assert merchant.greeter().greet(pictures[one][0], device="door").reason == "photo"
    assert merchant.files() == before


@pytest.mark.parametrize("person", ["", " 17", "a\0b", "\u202e17", "x" * 501, None, 1.5, True])
def test_an_id_that_nobody_can_have_is_refused(merchant, pictures, person):
    one = min(pictures)
    answer = merchant.enrolment().enrol(person, pictures[one][:3], merchant.receipt(one))
    assert answer.reason == "consent"
    assert merchant.vault.bindings(GREET) == []
