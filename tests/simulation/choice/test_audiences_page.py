"""The code of the page "Why a rival wins" runs as it stands there."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.simulation.choice.made_choices import drawn_choices

PAGE = Path(__file__).parents[3] / "docs" / "audiences.md"


def long_table() -> pd.DataFrame:
    choices = drawn_choices(120, gone=0.0)
    parts = []
    for place, brand in enumerate(("ours", "rival", "store")):
        columns = {"trip": np.arange(len(choices.x)), "brand": brand, "bought": (choices.chosen == place).astype(int)}
        columns |= {"price": choices.x[:, place, 0], "dry": choices.x[:, place, 1], "who": choices.person}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


@pytest.mark.slow
def test_the_page_estimates_changes_and_prints(capsys):
    part = PAGE.read_text("utf-8").split("## Why a rival wins")[1]
    (code,) = [one for one in re.findall(r"```python\n(.*?)```", part, re.DOTALL) if "fit_mixed" in one]
    exec(code.replace("draws=500", "draws=20"), {"table": long_table()})
    printed = capsys.readouterr().out
    assert "Worth(attribute='dry'" in printed
    assert "Changed(product='ours'" in printed
    assert re.search(r"^\d+\.\d+$", printed, re.MULTILINE)
