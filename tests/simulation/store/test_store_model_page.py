from pathlib import Path

import pytest

from simulation.store.settings import PARAMETERS

PAGE = Path(__file__).parents[3] / "docs" / "store-model.md"


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_page_gives_every_parameter_with_value_range_and_source(name):
    one = PARAMETERS[name]
    unit = "" if one.unit == "1" else one.unit
    row = f"| `{name}` | {one.value:g} | {one.lo:g} to {one.hi:g} | {unit} | {one.source} | {one.note} |"
    assert row in PAGE.read_text(encoding="utf-8").splitlines()
