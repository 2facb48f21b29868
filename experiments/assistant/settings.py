"""What a merchant's folder for faces says about itself: whose it is, which encoder, and on whom it was calibrated."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from privacy.policy.vocabulary import JURISDICTIONS
from retail.errors import ConfigError, DataError
from retail.files import atomic_write

EncoderKind = Literal["exported", "dlib"]
SETTINGS: Final = "shop.json"
_SCHEMA: Final = "tradefair-face-shop/1"
_WORDS: Final = {bool: "true or false", int: "whole number", str: "text"}
_KINDS: Final[dict[str, type]] = {
    **dict.fromkeys(("on", "trained_known"), bool),
    **dict.fromkeys(("dimension", "gallery", "seed"), int),
    **dict.fromkeys(("model", "trained", "calibrated", "payment", "run", "store"), str),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """The settings of one merchant's folder. They hold no person's data.

    Attributes:
        merchant: party id of the controller.
        jurisdiction: whose law the policy packs apply.
        alternative: how people are served and pay without their face.
        on: whether recognition is switched on.
        encoder: "exported" is the file `encoder.pt2` beside this one; "dlib" the public one of the extra `faces`.
        model: id of the encoder.
        dimension: numbers in a template.
        trained: what the encoder was trained on, in words.
        trained_on: people it was trained on, as far as they are public and known.
        trained_known: whether it is known whom it was trained on.
        calibrated: on whom thresholds and liveness were made, in words.
        calibrated_on: those people; nobody of them may be enrolled.
        gallery: most people for whom the threshold at the door holds.
        payment: why payment by face cannot be had here; empty where it can.
        run: folder of the run whose recommender the card uses; empty for none.
        store: whose shoppers people are paired with: a merchant of that run.
        seed: of pairing people with shoppers.
    """

    merchant: str
    jurisdiction: str
    alternative: str
    on: bool = True
    encoder: EncoderKind
    model: str
    dimension: int
    trained: str
    trained_on: tuple[str, ...] = ()
    trained_known: bool = True
    calibrated: str
    calibrated_on: tuple[str, ...]
    gallery: int
    payment: str = ""
    run: str = ""
    store: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no shop could work with."""
        if not isinstance(self.merchant, str) or not isinstance(self.alternative, str):
            raise ConfigError(
                f"merchant and alternative are {self.merchant!r:.40}, {self.alternative!r:.40}; write texts"
            )
        if not self.merchant.strip() or not self.alternative.strip():
            raise ConfigError("a shop needs the merchant's id, and an alternative for people who refuse; name both")
        if self.jurisdiction not in JURISDICTIONS or self.jurisdiction == "none":
            known = ", ".join(one for one in JURISDICTIONS if one != "none")
            raise ConfigError(f"jurisdiction is {self.jurisdiction!r}; choose one of {known}")
        for name, kind in _KINDS.items():
            if type(getattr(self, name)) is not kind:
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r:.40}, which is no {_WORDS[kind]}; restore {SETTINGS}"
                )
        if self.gallery < 0 or self.dimension < 0:
            raise ConfigError(f"gallery is {self.gallery} and dimension {self.dimension}; neither is below 0")
        if self.encoder not in get_args(EncoderKind):
            raise ConfigError(f"encoder is {self.encoder!r}; choose one of {', '.join(get_args(EncoderKind))}")

    def save(self, folder: Path) -> None:
        """Write the file, whole or not at all. Raises: DataError: it cannot be written."""
        text = json.dumps({"schema": _SCHEMA, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"
        atomic_write(folder / SETTINGS, lambda file: file.write_text(text, encoding="utf-8"))

    @classmethod
    def load(cls, folder: Path) -> ShopSettings:
        """Read the settings of a folder.

        Raises: DataError: there are none, or they cannot be read.
        """
        path = folder / SETTINGS
        try:
            body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if body.pop("schema") != _SCHEMA:
                raise DataError(f"{path} is of another version; open a new folder with `tradefair faces open`")
            body |= {name: tuple(body[name]) for name in ("trained_on", "calibrated_on")}
            return cls(**body)
        except ConfigError as error:
            raise DataError(f"{path}: {error}") from None
        except FileNotFoundError as error:
            raise DataError(
                f"there is no shop for faces in {folder}; make one with `tradefair faces open`, or name it: --books"
            ) from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path} holds no settings of a shop ({type(error).__name__}); restore it, or open another folder"
            ) from error
