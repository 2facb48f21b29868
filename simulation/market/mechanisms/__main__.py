"""Print what each small model says at its default numbers.

python -m simulation.market.mechanisms          # 4 seconds
python -m simulation.market.mechanisms --json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from simulation.market.mechanisms.dual_role import DualRole, compare_rules
from simulation.market.mechanisms.fee import best_cap, cap_fee
from simulation.market.mechanisms.insider_imitation import Imitation, ban, best_delay, data_use
from simulation.market.mechanisms.logit_platform import LogitPlatform, OwnLabel
from simulation.market.mechanisms.tail_threshold import tail_threshold
from simulation.market.mechanisms.tails import Lognormal, Pareto, Tail, Weibull

SIX = LogitPlatform(quality=(2.0, 1.8, 1.6, 1.4, 1.2, 1.0), cost=(1.0,) * 6)
"""Six merchants with a unit cost of 1 and a price coefficient of -1: the example of the tables."""
OWN = OwnLabel(quality=1.5, cost=1.0, bonus=1.0)
"""An own label as good as the middle of them; its place is worth 1 in utility where steering is allowed."""

LEGENDS: Final = {
    "imitation": (
        "sigma: spread of log demand, the thickness of its tail. data use, ban, ban with a quarter of the news public,",
        "best delay: innovation, the share of ideas that are launched, 1 without copies. its rest: share of a",
        "product's life that is left after the best delay. welfare: money an idea, where the mean demand is 1.",
    ),
    "thresholds": (
        "thickness: where the effect of a ban on innovation changes its sign: sigma (Lognormal), one over the shape",
        "(Weibull), one over the exponent (Pareto); - where it changes nowhere among the tails looked at.",
        "thin, thick: the effect at the thinnest and at the thickest tail that show one: 1 more innovation, -1 less.",
        "elasticity: of innovation, in the profit that is left.",
    ),
    "fees": (
        "fee: the share of a price that the platform takes if free. best for all: the one with the largest welfare.",
        "consumers to welfare: what a cap of 15% changes, in money a visit.",
    ),
    "dual role": (
        "effort: how dear it is to be better. better: by how much the first merchant improves its product, in utility.",
        "consumers to welfare: in money a visit.",
    ),
}
"""What stands under each table."""


def main() -> None:
    """Solve the models and print their tables, each with a legend."""
    parser = argparse.ArgumentParser(prog="python -m simulation.market.mechanisms", description="Solved small models.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    tables = {"imitation": imitation(), "thresholds": thresholds(), "fees": fees(), "dual role": dual_role()}
    if parser.parse_args().json:
        print(json.dumps(tables, indent=2))
        return
    for name, rows in tables.items():
        print(name)
        print("  ".join(f"{column:>16}" for column in rows[0]))
        for row in rows:
            print("  ".join(f"{_shown(cell):>16}" for cell in row.values()))
        print("\n".join(LEGENDS[name]), end="\n\n")


def imitation() -> list[dict[str, Any]]:
    """Innovation and welfare by thickness and rule of data."""
    market = Imitation()
    rows = []
    for sigma in (0.3, 1.0, 2.0, 3.0):
        demand = Lognormal(sigma)
        used, banned, public = data_use(market, demand), ban(market, demand), ban(market, demand, public=0.25)
        rest, delayed = best_delay(market, demand)
        rows.append(
            {
                "sigma": sigma,
                "data use": used.innovation,
                "ban": banned.innovation,
                "ban, 1/4 public": public.innovation,
                "best delay": delayed.innovation,
                "its rest": rest,
                "welfare, use": used.welfare,
                "welfare, ban": banned.welfare,
                "welfare, delay": delayed.welfare,
            }
        )
    return rows


def thresholds() -> list[dict[str, Any]]:
    """Where a ban begins to help innovation, by family of tails."""
    families: tuple[tuple[str, Callable[[float], Tail], float, float], ...] = (
        ("Lognormal", Lognormal, 0.1, 4.0),
        ("Weibull", Weibull, 0.05, 5.0),
        ("Pareto", Pareto, 0.05, 0.95),
    )
    rows = []
    for name, family, low, high in families:
        for elasticity in (0.25, 0.5, 1.0, 1.5):
            found = tail_threshold(Imitation(elasticity=elasticity), family, low=low, high=high)
            place = found.thickness[0] if found.thickness else None
            rows.append(
                {"family": name, "elasticity": elasticity, "thickness": place, "thin": found.thin, "thick": found.thick}
            )
    return rows


def fees() -> list[dict[str, Any]]:
    """The platform's fee, and what a cap of 15% changes."""
    cases = {
        "no own label": SIX,
        "own label": replace(SIX, own=replace(OWN, bonus=0.0)),
        "and steering": replace(SIX, own=OWN),
        "no unit costs": replace(SIX, cost=(0.0,) * 6),
        "dear handling": replace(SIX, handling=3.0),
    }
    rows = []
    for name, market in cases.items():
        found = cap_fee(market, 0.15)
        rows.append(
            {
                "case": name,
                "fee": found.free.fee,
                "best for all": best_cap(market).fee,
                "consumers": found.consumers,
                "merchants": found.merchants,
                "platform": found.platform,
                "welfare": found.welfare,
            }
        )
    return rows


def dual_role() -> list[dict[str, Any]]:
    """Five rules, where being better is cheap and where it is dear."""
    rows = []
    for effort in (0.2, 0.5):
        for rule, one in compare_rules(DualRole(replace(SIX, own=OWN), effort=effort)).items():
            rows.append(
                {
                    "effort": effort,
                    "rule": rule,
                    "better": one.better,
                    "consumers": one.consumers,
                    "merchants": one.merchants,
                    "platform": one.platform,
                    "welfare": one.welfare,
                }
            )
    return rows


def _shown(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


if __name__ == "__main__":
    main()
