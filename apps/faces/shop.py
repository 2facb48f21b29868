"""Which merchant's folder for faces the app works on: the one of `tradefair app --faces`, else `faces` right here."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from apps.command.web import FACES_VARIABLE

if TYPE_CHECKING:
    from experiments.assistant import Shop

USUAL = Path("faces")


def faces_folder() -> Path:
    """Return the folder, which may not exist yet."""
    return Path(os.environ.get(FACES_VARIABLE) or USUAL)


def faces_command(*words: str) -> str:
    """Write a `tradefair faces` command for this folder, ready to be copied."""
    folder = faces_folder()
    named = [] if folder.resolve() == USUAL.resolve() else ["--books", str(folder)]
    return shlex.join(["tradefair", "faces", *words, *named])


def opened_shop() -> Shop | None:
    """Return the shop; None where there is none yet.

    It is kept between visits of the page, so that requests of all of them count together, and opened anew when its
    settings change.

    Raises: TradefairError: it cannot be opened.
    """
    from experiments.assistant.settings import SETTINGS

    path = faces_folder().resolve() / SETTINGS
    if not path.is_file():
        return None
    written = path.stat()
    shop: Shop = _shop(str(path.parent), written.st_mtime_ns, written.st_ino)
    return shop


@st.cache_resource(max_entries=4, show_spinner="Opening the shop")
def _shop(folder: str, written: int, inode: int) -> Any:
    from experiments.assistant import Shop

    shop = Shop.open(folder)
    shop.__dict__["encoder"] = _encoder(folder, shop.settings.model)  # switching off and on needs no other encoder
    return shop


@st.cache_resource(max_entries=2, show_spinner="Loading the encoder")
def _encoder(folder: str, model: str) -> Any:
    from experiments.assistant.encoders import load_encoder
    from experiments.assistant.settings import ShopSettings

    return load_encoder(Path(folder), ShopSettings.load(Path(folder)))
