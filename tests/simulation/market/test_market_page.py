"""The page about the market says what the code says."""

import re
from pathlib import Path

import simulation.market
from experiments.market.figures import FIGURES, LABEL_METRICS
from simulation.market.parameters import PARAMETERS

PAGE = (Path(__file__).parents[3] / "docs" / "market.md").read_text(encoding="utf-8")


def test_the_page_has_every_parameter_as_it_is():
    for one in PARAMETERS.values():
        row = f"| `{one.name}` | {one.value:g} | {one.lo:g} to {one.hi:g} | {one.unit} | {one.source} | {one.note} |"
        assert row in PAGE, one.name


def test_the_page_has_every_figure_as_it_is():
    assert simulation.market.MEASURES
    for one in simulation.market.MEASURES:
        assert f"| `{one.name}` | {one.unit} | {one.meaning} |" in PAGE, one.name


def test_the_page_has_the_figures_of_real_categories_too():
    told = PAGE.partition('`method = "label"` has ')[2].partition("\n\n(")[0]
    assert sorted(re.findall(r"`(\w+)`", told)) == sorted(LABEL_METRICS)
    for name in set(LABEL_METRICS) - {one.name for one in simulation.market.MEASURES}:
        assert f"| `{name}` | {FIGURES[name].unit} | {FIGURES[name].meaning} |" in told, name


def test_the_page_names_every_remedy():
    for name in ("FeeCap", "DelayedAccess", "NonDiscrimination", "StructuralSeparation"):
        assert f"`{name}(" in PAGE
        assert hasattr(simulation.market, name)
