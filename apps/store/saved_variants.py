"""Variants of a plan that were saved: a small file each, in the folder `.variants` of the run store."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.login import require
from apps.opened_store import opened_store
from apps.plain_text import plain
from apps.saved_files import VARIANTS, delete_form, name_form, save_file
from apps.store.floor_editor import Variant, keep
from apps.store.table import Line, cells, lines
from experiments.documents import json_ready, read_json
from experiments.store.what_if import what_if_document
from retail.errors import ConfigError, TradefairError
from simulation.store.comparison import Comparison
from simulation.store.plan import StorePlan, apply_edits, plan_text, read_plan

FOLDER: Final = ".variants"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}")
_SHOWN: Final = ("sales_visit", "path_m", "checkout_s")


@dataclass(frozen=True)
class Saved:
    """One saved variant.

    Attributes:
        name: of the file as well.
        of: what the page called the plan.
        plan: text of the plan without the changes.
        edits: the changes.
        shoppers: on an average day.
        days: paired days behind the figures; 0 where it was not judged.
        figures: for each figure that the list shows: label, unit, difference, interval, verdict.
        saved: when, UTC.
    """

    name: str
    of: str
    plan: str
    edits: tuple[Mapping[str, Any], ...]
    shoppers: int
    days: int
    figures: Mapping[str, Mapping[str, Any]]
    saved: str


def save(folder: Path, saved: Saved, *, replace: bool = False) -> Path:
    """Write a variant into a folder, whole or not at all.

    Raises:
        ConfigError: the name cannot be one of a file or is taken, or there are too many; see `apps.saved_files`.
        DataError: the folder cannot be written to.
    """
    if not _NAME.fullmatch(saved.name):
        raise ConfigError(
            f"a variant cannot be named {saved.name!r}; take up to 40 letters, digits, spaces, - and _, a letter first"
        )
    path = folder / f"{saved.name}.json"
    content = f"{json.dumps(json_ready(asdict(saved)), indent=1, allow_nan=False)}\n".encode()
    save_file(VARIANTS, path, content, folder.glob("*.json"), name=saved.name, replace=replace)
    return path


def saved_in(folder: Path) -> list[Saved]:
    """Return the variants of a folder, newest first; a file that is none is left out."""
    found = []
    for path in folder.glob("*.json"):
        try:
            document = read_json(path)
            one = Saved(**{**document, "edits": tuple(document["edits"])})
            apply_edits(read_plan(one.plan, source=path.name), one.edits)
        except (TradefairError, TypeError, KeyError, ValueError):
            continue
        found.append(one)
    return sorted(found, key=lambda one: one.saved, reverse=True)


def figures_of(judged: Comparison | None) -> dict[str, dict[str, Any]]:
    """Return what the list shows of a comparison; nothing where there is none."""
    if judged is None:
        return {}
    document = what_if_document(judged, arm="changed", reference="as-is", title="")
    return {line.figure: _figure(line) for line in lines(document) if line.figure in _SHOWN}


def _figure(line: Line) -> dict[str, Any]:
    text = cells(line)
    return {
        "label": line.label,
        "unit": line.unit,
        "difference": text["Difference"],
        "interval": text["With parameters"],
        "verdict": line.verdict,
    }


def save_form(plan: StorePlan, of: str, variant: Variant, judged: Comparison | None, *, shoppers: int) -> None:
    """Show a name and a button that saves the variant with the figures that are known of it."""
    # Not in a popover: the keyboard reaches what stands there only after all of the page.
    with st.expander("Save it", icon=":material/save:"):
        note = "It has not been judged: it will be saved without figures." if judged is None else ""
        taken = {path.stem for path in _folder().glob("*.json")}
        name, replace = name_form(VARIANTS, label="Name of the variant", key="variant", taken=taken, note=note)
        if not name:
            return
        saved = Saved(
            name=name,
            of=of,
            plan=plan_text(plan),
            edits=tuple(dict(edit) for edit in variant.edits),
            shoppers=shoppers,
            days=0 if judged is None else judged.days,
            figures=figures_of(judged),
            saved=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            require("Merchants")
            save(_folder(), saved, replace=replace)
        except TradefairError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            st.toast(f"Saved {plain(saved.name)}")
            st.rerun()  # the list stands above


def saved_table(of: str) -> None:
    """Show the saved variants with their figures, and let the user open or delete one; nothing if there are none."""
    found = saved_in(_folder())
    if not found:
        return
    with st.expander(f"Saved variants: {len(found)}"):
        rows = [_row(one) for one in found]
        st.dataframe(
            pd.DataFrame(rows), hide_index=True,
            alt="Saved variants with their changes, and differences of leading figures with 95% intervals",
        )  # fmt: skip
        names = {one.name: one for one in found}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = names[str(st.selectbox("Variant", list(names), key="variant_chosen", width=280))]
            st.button(
                "Open", icon=":material/folder_open:", on_click=_open, args=(chosen,), disabled=chosen.of != of,
                help=None if chosen.of == of else f"Choose the plan {chosen.of} first.",
            )  # fmt: skip
            st.download_button(
                "Download", json.dumps(asdict(chosen), indent=1).encode(), file_name=f"{chosen.name}.json",
                mime="application/json", icon=":material/download:",
            )  # fmt: skip
            delete_form(
                f"the variant {chosen.name}", partial(_delete, chosen.name), key=f"variant_delete {chosen.name}"
            )  # fmt: skip
        st.caption(plain(_told(chosen)))  # a phone shows only the first columns of the table


def _told(one: Saved) -> str:
    """Say what the table says of a variant, with the intervals."""
    changes = Variant("", tuple(one.edits)).words()
    if not one.figures:
        return f"{changes}: not judged."
    told = (
        f"{figure['label']} {figure['difference']} {figure['unit']} {figure['interval']}, {figure['verdict']}"
        for figure in one.figures.values()
    )
    return f"{changes}, {one.days} paired days: {'; '.join(told)}."


def _row(one: Saved) -> dict[str, str]:
    told = {
        f"{figure['label']}, {figure['unit']}": f"{figure['difference']} {figure['interval']} {figure['verdict']}"
        for figure in one.figures.values()
    }
    days = str(one.days) if one.days else "not judged"
    changes = Variant("", tuple(one.edits)).words()
    return {"Name": one.name, "Plan": one.of, "Changes": changes, **told, "Days": days, "Saved (UTC)": one.saved[:16]}


def _open(one: Saved) -> None:
    kept = st.session_state.get("variant")
    revision = kept.revision + 1 if isinstance(kept, Variant) else 0
    keep(Variant(one.of, tuple(one.edits), revision))


def _delete(name: str) -> None:
    require("Merchants")
    (_folder() / f"{name}.json").unlink(missing_ok=True)


def _folder() -> Path:
    return opened_store().root / FOLDER
