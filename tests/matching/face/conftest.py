import datetime as dt
import hashlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from matching.face import dlib_faces
from matching.face.baselines import PcaWccn
from matching.face.calibrate import calibrate_identification, calibrate_verification
from matching.face.encoder import CropEncoder
from matching.face.enrol import FaceEnrolment
from matching.face.identify import Greeter
from matching.face.pad_attacks import captured
from matching.face.pay import FacePayments
from matching.face.pay_book import PayBook
from matching.face.permission import Permission
from matching.face.texture import TextureCheck
from matching.face.vault import Vault
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister, Notice, Receipt
from privacy.log import Log, SigningKey
from privacy.policy import Dataset, Party, PolicyEngine, Register
from retail.faces import load_orl

START = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
NOTICE = hashlib.sha256(b"We recognise your face if you want us to.").hexdigest()
GREET, PAY = "in_store_recognition", "payment"
PUBLIC = 28
"""ORL people 0 to 27 fit encoder, liveness and thresholds; the others are customers and visitors."""


def pytest_runtest_setup(item):
    if item.get_closest_marker("needs_faces") and not dlib_faces.is_installed():
        pytest.skip("needs the extra `faces`")


@dataclass
class Clock:
    now: dt.datetime = START

    def __call__(self) -> dt.datetime:
        self.now += dt.timedelta(milliseconds=1)
        return self.now

    def advance(self, **span: float) -> None:
        self.now += dt.timedelta(**span)


@pytest.fixture(scope="session")
def orl():
    return load_orl()


@pytest.fixture(scope="session")
def encoder(orl):
    fitted = orl.person < PUBLIC
    return CropEncoder(PcaWccn(orl.images[fitted], orl.person[fitted]))


@pytest.fixture(scope="session")
def liveness(orl):
    """The texture check on four pictures of each public person, strict enough to be let in with so few."""
    chosen = (orl.person < PUBLIC) & (np.arange(len(orl.person)) % 10 < 4)
    return TextureCheck.fitted(orl.images[chosen], orl.person[chosen], rng=np.random.default_rng(3), bpcer=0.15)


@pytest.fixture(scope="session")
def calibrations(orl, encoder):
    public = orl.person < PUBLIC
    embeddings, person = encoder.encode(list(orl.images[public])), orl.person[public].tolist()
    rng = np.random.default_rng(5)
    return {
        GREET: calibrate_identification(
            embeddings, person, gallery=20, source="ORL, people 0 to 27", rng=rng, targets=(0.02,)
        ),
        PAY: calibrate_verification(embeddings, person, source="ORL, people 0 to 27", rng=rng),
    }


@pytest.fixture(scope="session")
def pictures(orl, liveness):
    """Person -> crops of that customer which pass the liveness check, each of another moment."""
    found = {}
    for person in range(PUBLIC, 40):
        crops = orl.images[orl.person == person]
        found[str(person)] = [crop for crop in crops if liveness.is_live([crop])]
    return {person: crops for person, crops in found.items() if len(crops) >= 3}


def again(crop, seed=0):
    """The same moment once more, with the camera's noise."""
    return captured(crop, np.random.default_rng(seed))


@dataclass
class Merchant:
    """One merchant with everything that recognition needs, on disk, built of real parts."""

    folder: Path
    encoder: object
    liveness: object
    calibrations: dict
    name: str = "m1"
    clock: Clock = field(default_factory=Clock)
    sources: tuple[str, ...] = ("base", "gdpr")

    def __post_init__(self) -> None:
        self.numbers = itertools.count()
        self.log = Log.open(self.folder / "books.sqlite", origin="shop", key=SigningKey.generate())
        self.commitments = Commitments.open(self.folder / "commitments.sqlite")
        self.register = ConsentRegister.open(
            self.folder / "consent.sqlite", log=self.log, commitments=self.commitments, clock=self.clock
        )
        self.register.notices.add(Notice(self.name, "notice-1", "en", NOTICE, START - dt.timedelta(days=9)))
        party = [Party(self.name, "merchant")]
        faces = [Dataset("faces", self.name, "face_templates", "raw", about_persons=True)]
        self.engine = PolicyEngine.load(list(self.sources), register=Register(party, faces))
        self.vault = self.open_vault()

    def open_vault(self) -> Vault:
        return Vault.of(
            self.folder / "faces.sqlite",
            merchant=self.name,
            model=self.encoder.model,
            dimension=self.encoder.dimension,
        )

    def permission(self, purpose=GREET) -> Permission:
        return Permission(self.register, self.engine, self.name, purpose, "faces", "EU", clock=self.clock)

    def receipt(self, person, purpose=GREET, **changes) -> Receipt:
        issued = changes.pop("issued_at", self.clock.now)
        fields = {
            "record_id": f"r-{next(self.numbers)}",
            "principal": self.register.token(person),
            "controllers": (self.name,),
            "notice": "notice-1",
            "notice_sha256": NOTICE,
            "language": "en",
            "purposes": (purpose,),
            "data": ("face_templates",),
            "processing": ("collect", "store", "use"),
            "storage": ("EU",),
            "retention_days": 365,
            "recipients": (),
            "jurisdiction": "EU",
            "lawful_basis": "explicit_consent",
            "level": "separate",
            "explicit": True,
            "issued_at": issued,
            "valid_from": issued,
            "expires_at": issued + dt.timedelta(days=365),
            "method": "app",
            "withdrawal": "at the till",
        }
        return Receipt(**{**fields, **changes})

    def agree(self, person, purpose=GREET, **changes) -> Receipt:
        receipt = self.receipt(person, purpose, **changes)
        self.register.record(receipt)
        return receipt

    def enrolment(self, purpose=GREET, **changes) -> FaceEnrolment:
        parts = {"liveness": self.liveness, "one_person": self.calibrations[GREET].one_person} | changes
        return FaceEnrolment(
            self.encoder, self.vault, self.permission(purpose), log=self.log, commitments=self.commitments, **parts
        )

    def enrol(self, person, photos, purpose=GREET, **receipt):
        return self.enrolment(purpose).enrol(person, photos, self.agree(person, purpose, **receipt))

    def greeter(self, **changes) -> Greeter:
        return Greeter(
            self.encoder,
            self.vault,
            self.permission(GREET),
            self.calibrations[GREET],
            self.log,
            self.commitments,
            **({"fpir": 0.02} | changes),
        )

    def payments(self, **changes) -> FacePayments:
        parts = {"liveness": self.liveness, "alternative": "card or cash at the same till"} | changes
        return FacePayments(
            self.encoder,
            self.vault,
            self.permission(PAY),
            self.calibrations[PAY],
            PayBook(self.log),
            self.commitments,
            **parts,
        )

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}


@pytest.fixture
def make_merchant(encoder, liveness, calibrations):
    def make(folder: Path, **others) -> Merchant:
        folder.mkdir(exist_ok=True)
        return Merchant(folder, encoder, liveness, calibrations, **others)

    return make


@pytest.fixture
def merchant(make_merchant, tmp_path) -> Merchant:
    return make_merchant(tmp_path / "m1")
