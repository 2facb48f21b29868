"""A table of rules that somebody edits: from a pack or an upload to text, checked, compared with what it was."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from apps.csv_download import formulas
from apps.csv_upload import csv_place
from apps.saved_files import RULES, save_file
from privacy.policy.check import Enumeration, enumerate_all
from privacy.policy.diff import Difference, diff_policies
from privacy.policy.reading import check_sources
from privacy.policy.rule import COLUMNS, ID
from privacy.policy.sources import PACKS_FOLDER, RULES_FILE
from retail.errors import ConfigError

MINE: Final = "my-"
"""Before the id of a rule that was copied from a pack: a denial must not cite the pack's."""
MOST_RULES: Final = 300
BASE: Final = "base"
_FORMULA: Final = "a spreadsheet would run this cell as a formula; do not begin it with =, +, - or @"
Progress = Callable[[str, int, int], object]
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Checked:
    """What a check of a table found.

    Attributes:
        english: one row a rule: id, what it says as it will be enforced, its article. Empty where something is wrong.
        problems: one row for each thing that is wrong: row of the table (0 for all of it), column, value, what to do.
        mark: fingerprint; "" where something is wrong.
    """

    english: pd.DataFrame
    problems: pd.DataFrame
    mark: str


def of_pack(pack: str) -> pd.DataFrame:
    """Return a bundled pack's rules as a table of text to edit, under ids of the user's own."""
    with (PACKS_FOLDER / pack / RULES_FILE).open(encoding="utf-8", newline="") as file:
        rows = [{**row, ID: MINE + row[ID]} for row in csv.DictReader(file)]
    return _table(rows)


def blank() -> pd.DataFrame:
    """Return a table with one harmless rule to start from."""
    rule = dict.fromkeys(COLUMNS, "any") | {"id": f"{MINE}rule-1", "effect": "may not", "kind": "mood"}
    words = {"when": "", "unless": "", "article": "house rule", "sentence": "We do not touch mood readings."}
    return _table([rule | words])


def of_upload(name: str, content: bytes) -> pd.DataFrame:
    """Return an uploaded `rules.csv` as a table; its cells are checked later, where the user sees them.

    Raises:
        DataError: it is no CSV file.
        ConfigError: columns of rules are missing, or there are too many rules.
    """
    with csv_place(name, content) as path, path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ConfigError(f"this is no table of rules: column {', '.join(missing)} is missing; see docs/policy.md")
        try:
            rows = [dict(row) for row, _ in zip(reader, range(MOST_RULES + 1), strict=False)]
        except csv.Error as error:
            raise ConfigError(f"this is no table of rules ({error}); save it as CSV in UTF-8") from None
    if len(rows) > MOST_RULES:
        raise ConfigError(f"more than {MOST_RULES} rules; check a table of that size with `tradefair policy check`")
    return _table(rows)


def as_csv(table: pd.DataFrame) -> str:
    """Write a table as `rules.csv`."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([[_cell(row[column]) for column in COLUMNS] for row in table.to_dict("records")])
    return file.getvalue()


def check(text: str) -> Checked:
    """Check a table of rules and read it back in English from what was compiled."""
    with _folder(text) as folder:
        found = check_sources([folder])
    run = [] if found.problems else formulas(pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False))
    rules = [] if run else [one for each in found.rules.values() for one in each]
    english = pd.DataFrame(
        [{"Rule": one.id, "What it says": one.english, "Article": one.article} for one in rules],
        columns=["Rule", "What it says", "Article"],
    )
    problems = pd.DataFrame(
        [
            {"Row": _row_of(text, one.line), "Column": one.column, "Value": one.value, "What to do": one.advice}
            for one in found.problems
        ]
        + [{"Row": row, "Column": column, "Value": value, "What to do": _FORMULA} for row, column, value in run],
        columns=["Row", "Column", "Value", "What to do"],
    )
    return Checked(english, problems, "" if run else found.mark)


def changed_requests(before: str, after: str, *, regime: str | None, progress: Progress) -> Difference:
    """Ask the house rules with either table every request of the sample world, and those about rules that differ.

    Args:
        before: rules.csv as it was; "" for none.
        after: rules.csv as it is.
        regime: under which.
        progress: told what is being done, how many requests were asked, and how many there are.

    Raises:
        PolicyError: a table is wrong.
    """
    with _folder(before) as old, _folder(after) as new:
        first = [BASE, *([str(old)] if before else [])]
        return diff_policies(first, [BASE, str(new)], regime_before=regime, regime_after=regime, progress=progress)


def counterexamples(text: str, *, regime: str | None) -> Enumeration:
    """Ask every request of the sample world and hold the answers against what must hold for any policy.

    Raises:
        PolicyError: the table is wrong.
    """
    with _folder(text) as folder:
        return enumerate_all([BASE, str(folder)], regime=regime)


def save(root: Path, name: str, text: str, *, replace: bool = False) -> Path:
    """Keep a table as a folder of rules that scenarios and commands can name.

    Raises:
        ConfigError: the name cannot be one of a folder or is taken, or there are too many; see `apps.saved_files`.
        DataError: nothing can be written there.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"rules cannot be named {name!r}; take up to 40 letters, digits, - and _, a letter first")
    saved = root.glob(f"*/{RULES_FILE}")
    save_file(RULES, root / name / RULES_FILE, text.encode(), saved, name=name, replace=replace)
    return root / name


@contextmanager
def _folder(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tradefair-rules-") as place:
        folder = Path(place) / "rules"
        folder.mkdir()
        (folder / RULES_FILE).write_text(text, encoding="utf-8")
        yield folder


def _row_of(text: str, line: int) -> int:
    """Return the number of the rule that ends at or holds a line, from 1; a cell may hold several lines."""
    if line <= 1:
        return 0
    reader = csv.reader(io.StringIO(text))
    next(reader, None)
    for number, _ in enumerate(reader, start=1):
        if reader.line_num >= line:
            return number
    return 0


def _table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{column: _cell(row.get(column)) for column in COLUMNS} for row in rows], columns=list(COLUMNS))


def _cell(value: object) -> str:
    return "" if value is None or value != value else str(value)
