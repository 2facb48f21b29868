"""The choice of a picture on the page: a file that is sent, a picture of ORL, or a drawing of nobody."""

from __future__ import annotations

import base64
import io
from typing import Any, Final

import numpy as np
import streamlit as st
from PIL import Image

from apps.plain_text import plain
from experiments.assistant import Picture, Shop, read_picture
from experiments.assistant.pictures import MOST_DRAWN, PICTURES
from retail.errors import DataError
from retail.problems import shown

FILE, ORL, DRAWN = "A file", "ORL", "A drawing"
SUFFIXES: Final = ["jpg", "jpeg", "png", "webp", "bmp", "pgm", "gif"]
_MOST_MB: Final = 25
_SHOWN_PX: Final = 192


def choose_pictures(shop: Shop, key: str, *, several: bool) -> list[Picture]:
    """Let somebody choose pictures of one person, and show them.

    Returns: the pictures that are shown: those of the chosen ones that can be read.
    """
    where = st.segmented_control(
        "Picture from", [ORL, FILE, DRAWN], default=ORL, required=True, key=f"{key}_from", wrap=True
    )
    if where == FILE:
        return _sent(key, several=several)
    source = "orl" if where == ORL else "drawn"
    numbers = list(range(1, PICTURES + 1))
    with st.container(horizontal=True, gap="medium"):
        person = _orl_person(shop, key, several=several) if where == ORL else _drawing(key)
        if person is None:
            return []
        if several:
            chosen = st.pills(
                "Pictures",
                numbers,
                selection_mode="multi",
                default=numbers[:3],
                key=f"{key}_pictures",
                width="content",
                wrap=True,
            )
        else:
            chosen = [st.select_slider("Picture", numbers, value=PICTURES, key=f"{key}_picture", width=240)]
    found = [read_picture(f"{source}:{person}/{number}") for number in chosen]
    show(found)
    return found


def _orl_person(shop: Shop, key: str, *, several: bool) -> int | None:
    taken = {*shop.settings.calibrated_on, *shop.settings.trained_on}
    people = [number for number in range(1, 41) if not several or f"orl:{number}" not in taken]
    if not people:
        st.info("This shop was made on all of ORL; nobody of it is left to be enrolled.")
        return None
    return st.selectbox(
        "Person", people, index=_first(people, taken), key=f"{key}_orl", width=200,
        format_func=lambda one: f"{one} (shop made on them)" if f"orl:{one}" in taken else str(one),
    )  # fmt: skip


def _drawing(key: str) -> int:
    return int(st.number_input("Drawing", 1, MOST_DRAWN, 1, key=f"{key}_drawn", width=200))


def show(pictures: list[Picture]) -> None:
    """Show pictures beside each other."""
    if pictures:
        # Within the page: Streamlit would keep a copy of every picture for the browser to fetch.
        with st.container(horizontal=True, gap="small"):
            for one in pictures:
                st.image(_address(Image.fromarray(one.photo)), caption=plain(one.name), width=96)


def _sent(key: str, *, several: bool) -> list[Picture]:
    label = "Pictures of one person" if several else "A picture"
    # Streamlit's types do not say what comes back when a variable decides whether there are several.
    sent: Any = st.file_uploader(
        label, type=SUFFIXES, accept_multiple_files=several, key=f"{key}_file", max_upload_size=_MOST_MB
    )
    files = (sent or []) if several else [sent] if sent is not None else []
    found = []
    for file in files:
        try:
            if file.size > _MOST_MB * 1024**2:
                raise DataError(
                    f"{shown(file.name)} has {file.size:,} bytes; choose a picture of {_MOST_MB} MB at most"
                )
            found.append(read_picture(file.getvalue(), name=file.name))
        except DataError as error:
            st.error(f"{plain(str(error))}.", icon=":material/error:")
    show(found)
    return found


def _first(people: list[int], taken: set[str]) -> int:
    free = [place for place, number in enumerate(people) if f"orl:{number}" not in taken]
    return free[0] if free else 0


def _address(image: Image.Image) -> str:
    """Return a picture, made small, as an address that holds it."""
    file = io.BytesIO()
    small = image if max(image.size) <= _SHOWN_PX else image.resize(_small(image.size))
    small.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _small(size: tuple[int, int]) -> tuple[int, int]:
    scale = _SHOWN_PX / max(size)
    return max(1, int(np.round(size[0] * scale))), max(1, int(np.round(size[1] * scale)))
