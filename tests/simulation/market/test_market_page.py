"""The page about the market says what the code says."""

from pathlib import Path

import simulation.market
from simulation.market.parameters import PARAMETERS

PAGE = (Path(__file__).parents[3] / "docs" / "market.md").read_text(encoding="utf-8")


def test_the_page_has_every_parameter_as_it_is():
    for one in PARAMETERS.values():
        row = f"| `{one.name}` | {one.value:g} | {one.lo:g} to {one.hi:g} | {one.unit} | {one.source} | {one.note} |"
        assert row in PAGE, one.name


def test_the_page_names_every_remedy():
    for name in ("FeeCap", "DelayedAccess", "NonDiscrimination", "StructuralSeparation"):
        assert f"`{name}(" in PAGE
        assert hasattr(simulation.market, name)
