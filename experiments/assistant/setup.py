"""Setting up a shop's folder, and switching recognition off and on."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from experiments.assistant.calibration import GALLERY, CalibratedOn, calibrate, choose_people
from experiments.assistant.encoders import DRAWN, install_encoder
from experiments.assistant.notice import LANGUAGE, REFERENCE, write_notice
from experiments.assistant.settings import SETTINGS, ShopSettings
from experiments.assistant.shop import USES, Shop
from experiments.assistant.sweep import sweep
from matching.face.pay_book import PayBook
from privacy.consent import Notice
from retail.errors import ConfigError, DataError
from retail.faces import load_face_folder
from retail.files import sha256_file

_UNFINISHED: Final = "unfinished"
"""A file that stands in a folder while it is set up: what a kill left there belongs to nobody."""
ALTERNATIVE = "card or cash at the same till, and the same service without a greeting"


def open_shop(
    folder: Path | str,
    *,
    merchant: str = "m1",
    jurisdiction: str = "EU",
    alternative: str = ALTERNATIVE,
    encoder: str = DRAWN,
    people: str = "",
    gallery: int | None = None,
    run: Path | str | None = None,
    store: str = "",
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
    drawn_people: int | None = None,
    drawn_steps: int | None = None,
) -> Shop:
    """Set up a folder with everything that recognition needs, and nobody enrolled.

    Args:
        folder: new, or empty.
        merchant: party id of the controller.
        jurisdiction: whose law switches on.
        alternative: how people are served and pay without their face.
        encoder: see `install_encoder`.
        people: on whom to calibrate, see `choose_people`.
        gallery: most people who will be enrolled; None for ten, or as many as the people to calibrate on admit.
        run: folder of a finished run of a federated recommender, for the card; None for none.
        store: the merchant of that run whose shoppers people are paired with; empty for the first.
        seed: of the pairing.
        progress: takes a line now and then.
        drawn_people: how many drawn people an encoder is trained on; None for the usual number.
        drawn_steps: of its optimiser; likewise.

    Raises:
        ConfigError: the folder is in use, or settings cannot be used.
        DataError: the encoder, the run or the people to calibrate on cannot be used.

    Guarantee: the settings are written last, so a folder without them is no shop; what a failed attempt made is
        removed, at once or, where it was killed, by the next attempt.
    """
    folder = Path(folder)
    if (folder / _UNFINISHED).is_file() and not (folder / SETTINGS).exists():
        _clear(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is there already and not empty; name a new folder for the shop")
    fresh = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        (folder / _UNFINISHED).touch()
    except OSError as error:
        raise DataError(f"cannot make {folder}: {error.strerror}; choose another folder") from error
    try:
        ShopSettings(
            merchant=merchant, jurisdiction=jurisdiction, alternative=alternative, encoder="exported", model="",
            dimension=0, trained="", calibrated="", calibrated_on=(), gallery=gallery or 0, seed=seed,
        )  # fmt: skip
        if people not in ("", "orl", "drawn"):
            load_face_folder(people)  # before an encoder is trained, which takes a while
        chosen = _recommender(run, store)
        progress("encoder")
        size = {"people": drawn_people, "steps": drawn_steps}
        origin = install_encoder(folder, encoder, **{name: value for name, value in size.items() if value is not None})
        settings = ShopSettings(
            merchant=merchant,
            jurisdiction=jurisdiction,
            alternative=alternative,
            encoder=origin.kind,
            model=_model_of(folder, origin.kind)[0],
            dimension=_model_of(folder, origin.kind)[1],
            trained=origin.trained,
            trained_on=origin.trained_on,
            trained_known=origin.known,
            calibrated="",
            calibrated_on=(),
            gallery=0,
            run=chosen[0],
            store=chosen[1],
            seed=seed,
        )
        on = choose_people(origin, people)
        most = min(GALLERY, on.thresholds.people - 1) if gallery is None else gallery
        shop = _finish(folder, replace(settings, gallery=most), on, progress)
        (folder / _UNFINISHED).unlink()
        return shop
    except BaseException:
        _clear(folder)
        if fresh:
            folder.rmdir()
        raise


def switch(shop: Shop, *, on: bool, erase: bool = False) -> int:
    """Switch recognition on or off, for every process that has the shop open; the log gets an entry.

    Off, nobody is compared, enrolled or charged; people can still leave. Enrolled people stay enrolled unless `erase`
    deletes the templates of everybody; the vault then gets a new key, so that copies of it cannot be opened once the
    old key is gone from backups too. Consents stay on record: they are the customers' to withdraw.

    Returns: how many templates were deleted, those among them whose consent had ended.

    Raises: ConfigError: `erase` with on. DataError, PrivacyError: a file of the shop cannot be used.
    """
    if on and erase:
        raise ConfigError("a shop that is switched on keeps its templates; erase with off")
    event = "recognition_on" if on else "recognition_off"
    shop.log.append("policy", {"event": event, "merchant": shop.settings.merchant})
    replace(ShopSettings.load(shop.folder), on=on).save(shop.folder)
    gone = 0
    if erase:
        with shop.changing():
            subjects = dict.fromkeys(one.subject for use in USES for one in shop.vault.bindings(use))
            for subject in subjects:
                gone += shop.vault.revoke(subject)
                shop.pairings.forget(subject)
                body = {"event": "revoked", "merchant": shop.settings.merchant, "purpose": "all"}
                shop.log.append("enrolment", body | {"person": shop.commitments.commitment(subject)})
            shop.vault.rekey()
    return gone + sweep(shop)


def _clear(folder: Path) -> None:
    for one in folder.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()


def _finish(folder: Path, settings: ShopSettings, on: CalibratedOn, progress: Callable[[str], None]) -> Shop:
    from experiments.assistant.encoders import load_encoder

    encoder = load_encoder(folder, settings)
    payment = calibrate(folder, encoder, on, gallery=settings.gallery, progress=progress)
    settings = replace(settings, calibrated=on.words, calibrated_on=on.names, payment=payment)
    notice = write_notice(folder, merchant=settings.merchant, alternative=settings.alternative)
    shop = Shop.made(folder, settings)
    PayBook(shop.log)
    with shop.changing():  # leaves the file of the lock, so that a refused enrolment adds none
        pass
    shop.register.notices.add(
        Notice(settings.merchant, REFERENCE, LANGUAGE, sha256_file(notice), dt.datetime.now(dt.UTC))
    )
    settings.save(folder)
    assert (folder / SETTINGS).is_file()
    return shop


def _model_of(folder: Path, kind: str) -> tuple[str, int]:
    from experiments.assistant.encoders import PROGRAM

    if kind == "dlib":
        from matching.face.dlib_faces import DlibEncoder

        public = DlibEncoder()
        return public.model, public.dimension
    from matching.face.exported import ExportedNet

    net = ExportedNet(folder / PROGRAM)
    return net.model, net.dimension


def _recommender(run: Path | str | None, store: str) -> tuple[str, str]:
    """Return the run's folder and the merchant, once both are known to work; two empty texts for none."""
    if run is None:
        if store:
            raise ConfigError(f"--store {store}: whose shoppers are these? name the run of a recommender with --run")
        return "", ""
    from experiments.assistant.suggestions import recommender

    found = recommender(Path(run).resolve())
    return str(found.directory), found.store(store)
