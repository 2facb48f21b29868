"""One merchant's shop with recognition: everything lies in one folder, and every part of it is opened from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import filelock

from experiments.assistant.calibration import DOOR, PAYMENT, load_liveness
from experiments.assistant.encoders import load_encoder
from experiments.assistant.pairings import Pairings
from experiments.assistant.settings import ShopSettings
from matching.face.calibration import Calibration, Use
from matching.face.enrol import FaceEnrolment
from matching.face.identify import Greeter
from matching.face.pay import FacePayments
from matching.face.pay_book import PayBook
from matching.face.permission import Permission
from matching.face.vault import Vault
from matching.face.visits import VisitCounts
from privacy.books import Books
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister
from privacy.log import Log, SigningKey
from privacy.policy import Dataset, Party, PolicyEngine, Register
from retail.errors import ConfigError, DataError, PrivacyError

if TYPE_CHECKING:
    from experiments.assistant.suggestions import Panel, Recommender
    from federation.access import MarketPort
    from matching.face.encoder import Encoder
    from matching.face.texture import TextureCheck
    from privacy.policy.vocabulary import Jurisdiction

LOG, LOG_KEY = "books.sqlite", "log-key.pem"
REGISTER, COMMITMENTS = "consent.sqlite", "commitments.sqlite"
VAULT, PAIRINGS = "vault.sqlite", "pairings.sqlite"
LOCK: Final = "shop.lock"
_WAIT_S: Final = 60.0
DATASET: Final = "face templates"
USES: Final[tuple[Use, ...]] = ("in_store_recognition", "payment")
_PACKS: Final = ("base", "gdpr", "ai-act", "pipl", "bipa", "ccpa")
OFF: Final = "recognition is switched off in this shop; switch it on with `tradefair faces on`"


FILES: Final = (VAULT, PAIRINGS, REGISTER, COMMITMENTS, LOG, LOG_KEY)
"""What every shop that was set up has, beside its settings, its encoder and what `calibrate` writes."""


def missing_files(folder: Path) -> list[str]:
    """Name the files of a shop that are not in its folder."""
    return [name for name in FILES if not (folder / name).is_file()]


@dataclass(frozen=True, eq=False)
class Shop:
    """The parts of a shop; make it with `Shop.open`.

    Attributes:
        folder: where everything lies.
        settings: as they were when the shop was opened.
        log: of decisions, consents and changes.
        commitments: stand in for people in the log.
        register: of consents.
        vault: of templates.
        pairings: which shopper of the panel stands for whom.
    """

    folder: Path
    settings: ShopSettings
    log: Log
    commitments: Commitments
    register: ConsentRegister
    vault: Vault
    pairings: Pairings

    @classmethod
    def open(cls, folder: Path | str) -> Shop:
        """Open a shop that was set up; opening changes no byte of any file.

        Raises:
            DataError: there is none in the folder, or a file of it has gone: made anew it would hold nobody's consent
                and other secrets.
            PrivacyError: a file of it is missing its key, damaged, or of something else.
        """
        folder = Path(folder)
        settings = ShopSettings.load(folder)
        missing = missing_files(folder)
        if missing:
            raise DataError(
                f"{folder} has no {', '.join(missing)}, and without it nobody can say who agreed to what; put the "
                "files of the shop back from one and the same backup"
            )
        return cls.made(folder, settings)

    @classmethod
    def made(cls, folder: Path, settings: ShopSettings) -> Shop:
        """Open the files of a shop, and make those that are not there yet; see `experiments.assistant.setup`."""
        key = SigningKey.load_or_create(folder / LOG_KEY)
        log = Log.open(Books.open(folder / LOG), origin=f"faces of {settings.merchant}", key=key)
        commitments = Commitments.open(folder / COMMITMENTS)
        return cls(
            folder=folder,
            settings=settings,
            log=log,
            commitments=commitments,
            register=ConsentRegister.open(folder / REGISTER, log=log, commitments=commitments),
            vault=Vault.of(
                folder / VAULT, merchant=settings.merchant, model=settings.model, dimension=settings.dimension
            ),
            pairings=Pairings.open(folder / PAIRINGS),
        )

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder; loading it takes seconds. Raises: see `load_encoder`."""
        return load_encoder(self.folder, self.settings)

    @cached_property
    def liveness(self) -> TextureCheck:
        """The liveness check. Raises: see `load_liveness`."""
        return load_liveness(self.folder)

    @cached_property
    def engine(self) -> PolicyEngine:
        """The policies. While the shop is off its templates are no data set, so every use is denied."""
        merchant = self.settings.merchant
        templates = Dataset(DATASET, merchant, "face_templates", "raw", about_persons=True)
        register = Register([Party(merchant, "merchant")], [templates] if self.settings.on else [])
        return PolicyEngine.load(list(_PACKS), register=register)

    @cached_property
    def greeter(self) -> Greeter:
        """The service at the door.

        Raises: DataError, ConfigError: encoder or calibration are missing or do not belong together.
        """
        calibration = Calibration.load(self.folder / DOOR)
        return Greeter(
            self.encoder,
            self.vault,
            self.permission("in_store_recognition"),
            calibration,
            self.log,
            self.commitments,
            visits=VisitCounts(self.settings.merchant),
            fpir=calibration.thresholds[-1][0],
        )

    @cached_property
    def payments(self) -> FacePayments:
        """The service at the till.

        Raises: ConfigError: there were too few people to calibrate payment on. DataError: as `greeter`.
        """
        if self.settings.payment:
            raise ConfigError(self.settings.payment)
        return FacePayments(
            self.encoder,
            self.vault,
            self.permission("payment"),
            Calibration.load(self.folder / PAYMENT),
            PayBook(self.log),
            self.commitments,
            self.liveness,
            alternative=self.settings.alternative,
        )

    @cached_property
    def recommender(self) -> Recommender | None:
        """The recommender of the shop; None where it has none. Raises: DataError: its run has gone."""
        if not self.settings.run:
            return None
        from experiments.assistant.suggestions import recommender

        return recommender(Path(self.settings.run))

    @cached_property
    def market(self) -> MarketPort:
        """The data port of the recommender's run, under the run's own rules; its decisions go to this shop's log.

        Raises: ConfigError: the shop has no recommender. PolicyError: the run's rules cannot be used.
        """
        from experiments.arms import access
        from federation.access import MarketPort

        found = self.recommender
        if found is None:
            raise ConfigError("this shop has no recommender, so there are no rows to read; open it with --run")
        rules = replace(access(found.spec, found.directory), log=str(self.folder / LOG), origin="")
        market = MarketPort(found.config, rules)
        market.declare(once=True)
        return market

    def panel(self, store: str) -> Panel:
        """Have a merchant of the recommender's run read its own shoppers' rows, for one answer.

        Raises: ConfigError: no recommender. PolicyError: the merchant may not. PrivacyError: the log cannot be written.
        """
        market = self.market
        assert self.recommender is not None
        return self.recommender.panel(market, store)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep other processes from enrolling and deleting meanwhile: what somebody has begun, nobody else tidies up.

        Whoever is killed gives the lock back.

        Raises: PrivacyError: another process has held it for a minute.
        """
        try:
            with filelock.FileLock(self.folder / LOCK, timeout=_WAIT_S, mode=0o600):
                yield
        except filelock.Timeout as error:
            raise PrivacyError(f"another process is changing {self.folder}; try again when it is done") from error

    @property
    def is_on(self) -> bool:
        """Whether recognition is switched on now, by the file: a process that runs for days asks each time."""
        return ShopSettings.load(self.folder).on

    def permission(self, purpose: Use) -> Permission:
        """Return what the shop may do with templates for a purpose."""
        law: Jurisdiction = self.settings.jurisdiction  # type: ignore[assignment]  # checked by ShopSettings
        return Permission(self.register, self.engine, self.settings.merchant, purpose, DATASET, law)

    def enrolment(self, purpose: Use) -> FaceEnrolment:
        """Return what enrols people for a purpose."""
        return FaceEnrolment(
            self.encoder,
            self.vault,
            self.permission(purpose),
            self.liveness,
            self.log,
            self.commitments,
            one_person=Calibration.load(self.folder / DOOR).one_person,
        )

    @cached_property
    def gallery(self) -> int:
        """Most people for whom the threshold at the door holds. Raises: DataError: its file was changed."""
        return Calibration.load(self.folder / DOOR).gallery

    def enrolled(self, purpose: Use) -> int:
        """Count the templates for a purpose."""
        return len(self.vault.bindings(purpose))
