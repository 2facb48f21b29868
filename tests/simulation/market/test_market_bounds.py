"""The bounds of settings on the page about the market are those that the settings keep."""

import dataclasses
import math
import re
from pathlib import Path

import pytest

from experiments.market.scenario import MarketScenario
from retail.errors import ConfigError
from simulation.market import MarketSettings
from simulation.market.settings import MOST_PERIODS

PAGE = (Path(__file__).parents[3] / "docs" / "market.md").read_text(encoding="utf-8")
PART = PAGE.partition("### Bounds")[2].partition("\n## ")[0]
OTHERS = {"own_label", "noise_placement"}
ROOM = {"merchants": 1, "products": 2, "categories": 0, "fee": 0.0, "service_take": 0.0}
"""Values of the others that leave each setting all of its own room."""


def rows():
    for line in PART.splitlines():
        cells = [one.strip() for one in line.strip("|").split("|")]
        if len(cells) == 3 and "`" in cells[0]:
            for name in re.findall(r"`(\w+)`", cells[0]):
                yield name, *cells[1:], "whole" in cells[0]


def number(cell):
    return float(cell.replace("above ", "").replace("below ", "").replace(",", ""))


def given(name, value, *, whole):
    room = {**ROOM, **({"products": 1_000_000} if name in ("merchants", "categories") else {})}
    sizes = {one.name for one in dataclasses.fields(MarketSettings) if one.type == "int"}
    exact = int(value) if whole and name in sizes and value == int(value) else value
    return MarketSettings(**{**room, name: exact})


def test_every_setting_is_in_the_table_once():
    names = [name for name, *_ in rows()]
    assert sorted(names) == sorted({one.name for one in dataclasses.fields(MarketSettings)} - OTHERS)


@pytest.mark.parametrize(("name", "least", "most", "whole"), list(rows()), ids=lambda one: str(one).replace(" ", "-"))
def test_a_value_at_its_bound_is_taken_and_one_beyond_is_refused(name, least, most, whole):
    for cell, away in ((least, -1.0), (most, 1.0)):
        bound = number(cell)
        step = 1.0 if whole else max(abs(bound), 1.0) * 1e-9
        inside, outside = bound, bound + away * step
        if cell.startswith(("above", "below")):
            inside, outside = bound - away * step, bound
        assert math.isclose(getattr(given(name, inside, whole=whole), name), inside)
        with pytest.raises(ConfigError, match=name):
            given(name, outside, whole=whole)


def test_the_page_tells_the_bounds_of_periods_and_replications():
    fields = MarketScenario.model_fields

    def ends(name):
        return next(one.ge for one in fields[name].metadata if hasattr(one, "ge")), next(
            one.le for one in fields[name].metadata if hasattr(one, "le")
        )

    assert ends("periods") == (1, MOST_PERIODS)
    assert f"{1} to {MOST_PERIODS:,} `periods`" in PART
    least, most = ends("replications")
    assert f"{least} to {most:,} `replications`" in PART
