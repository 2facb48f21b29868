"""Regimes, packs of rules and places as pages offer them, and the answers to a choice, kept while nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.compliance.access_view import Question, access_table, answers
from privacy.policy import JURISDICTIONS
from privacy.policy.sources import SIMULATION_PACK
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
    return access_table(_answers(replace(question, purpose=""), stamp(question.packs)), question.purpose)


def stamp(packs: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """Return what tells an edited folder of rules from the same one before: sizes and times of its files."""
    files = [path for pack in packs if Path(pack).is_dir() for path in sorted(Path(pack).iterdir())]
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file())


@st.cache_data(show_spinner="Asking the policy about every cell", max_entries=64)
def _answers(question: Question, changed: tuple[Any, ...]) -> pd.DataFrame:
    del changed  # only makes an edited folder of rules another question
    return answers(question)
