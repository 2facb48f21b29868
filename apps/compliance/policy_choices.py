"""Regimes, packs of rules and places as pages offer them, and the answers to a choice, kept while nothing changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.compliance.access_view import Question, access_table, answers, explain, twin
from apps.csv_download import csv_bytes
from privacy.policy import JURISDICTIONS
from privacy.policy.compiled import compile_texts
from privacy.policy.sources import PACKS, SIMULATION_PACK, load_texts
from privacy.policy.words import PLACES
from privacy.regimes import REGIMES

PACK_NAMES: Final = {
    "base": "House rules",
    "dma": "DMA (EU)",
    "gdpr": "GDPR (EU)",
    "ai-act": "AI Act (EU)",
    "pipl": "PIPL (China)",
    "bipa": "BIPA (Illinois)",
    "ccpa": "CCPA (California)",
    SIMULATION_PACK: "Simulation rules",
}
PLACE_NAMES: Final = {**{place: PLACES[place] for place in JURISDICTIONS}, "none": "no place"}
NO_REGIME: Final = "none"
REGIME_IDS: Final = (NO_REGIME, *REGIMES)


def pack_options(own: Sequence[str]) -> dict[str, str]:
    """Return every pack that can be chosen with its name: the bundled ones, and folders that the runs used."""
    return {**PACK_NAMES, **{pack: f"Folder {pack}" for pack in own if pack not in PACK_NAMES}}


def pack_ids(labels: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """Turn the names of packs back into what the engine loads."""
    ids = {name: pack for pack, name in pack_options(own).items()}
    return tuple(ids[label] for label in labels)


def table_of(question: Question) -> pd.DataFrame:
    """Return the `access_table` of a question; one purpose and all of them are read from the same answers.

    Raises:
        PolicyError: a pack is wrong, or a folder of rules is gone.
    """
    return _table(question, stamp(question.packs))


def shown_and_csv(question: Question) -> tuple[pd.DataFrame, bytes]:
    """Return the `twin` of a question's table, and the table as a CSV file. Raises: PolicyError: as `table_of`."""
    return _shown_and_csv(question, stamp(question.packs))


def explained(question: Question, who: str, data: str, form: str) -> pd.DataFrame:
    """Return what `explain` says of one cell. Raises: PolicyError: as `table_of`."""
    return _explained(question, who, data, form, stamp(question.packs))


def no_law_of(place: str, packs: Sequence[str]) -> str:
    """Say that a place was chosen and that none of the chosen packs has a rule for it; empty where one has.

    Args:
        place: one of `JURISDICTIONS`; "none" needs no law.
        packs: the chosen packs or folders of rules.

    Raises:
        PolicyError: a pack is wrong, or a folder of rules is gone.
    """
    if place == "none" or any(_names_place(pack, place, stamp([pack])) for pack in packs):
        return ""
    add = " or ".join(PACK_NAMES[pack] for pack in PACKS if _names_place(pack, place, ()))
    everywhere = " DMA (EU) binds everywhere." if place == "EU" and "dma" in packs else ""
    where = f"No law that binds only in {PLACES[place]} is among these rules, so none applies"
    return f"{where}: add {add} under *Rules*.{everywhere}"


def stamp(packs: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """Return what tells an edited folder of rules from the same one before: sizes and times of its files."""
    files = [path for pack in packs if Path(pack).is_dir() for path in sorted(Path(pack).iterdir())]
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file())


_ASKING: Final = "Asking the policy about every cell"


# The stamps in `changed` only make an edited folder of rules another question.


@st.cache_data(show_spinner=False, max_entries=256)
def _names_place(pack: str, place: str, changed: tuple[Any, ...]) -> bool:
    del changed
    rules = compile_texts(load_texts([pack])).policies
    return json.dumps({"type": "Jurisdiction", "id": place}) in json.dumps([rule["conditions"] for rule in rules])


@st.cache_data(show_spinner=_ASKING, max_entries=64)
def _answers(question: Question, changed: tuple[Any, ...]) -> pd.DataFrame:
    del changed
    return answers(question)


@st.cache_data(show_spinner=_ASKING, max_entries=128)
def _table(question: Question, changed: tuple[Any, ...]) -> pd.DataFrame:
    return access_table(_answers(replace(question, purpose=""), changed), question.purpose)


@st.cache_data(show_spinner=False, max_entries=128)
def _shown_and_csv(question: Question, changed: tuple[Any, ...]) -> tuple[pd.DataFrame, bytes]:
    table = _table(question, changed)
    return twin(table), csv_bytes(table)


@st.cache_data(show_spinner=False, max_entries=256)
def _explained(question: Question, who: str, data: str, form: str, changed: tuple[Any, ...]) -> pd.DataFrame:
    del changed
    return explain(question, who, data, form)
