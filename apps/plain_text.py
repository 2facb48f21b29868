"""Words from logs and rules as a page may show them: nothing hidden in them, and nothing read as Markdown."""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from experiments.report.text import visible

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]<>#+!|~$:&])")


def plain(text: object) -> str:
    """Show a text in a page as it is: hidden characters by their code points, Markdown and directives escaped."""
    return _MARKDOWN.sub(r"\\\1", visible(str(text)))


def plain_with_code(text: object) -> str:
    """Do so, but keep what stands between two backticks as code."""
    parts = visible(str(text)).split("`")
    if len(parts) % 2 == 0 or not all(part.strip() for part in parts[1::2]):
        return plain(text)
    return "".join(f"`{part}`" if place % 2 else plain(part) for place, part in enumerate(parts))


def plain_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Do so for every text of a table that `st.table` will draw."""
    cells = {name: [plain(cell) if isinstance(cell, str) else cell for cell in table[name]] for name in table}
    return pd.DataFrame(cells, columns=table.columns)
