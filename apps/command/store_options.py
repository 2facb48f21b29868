"""Options that several commands about a store share, and what they mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from experiments.store.scenario import DemandSettings


def _some_or_none(draws: int) -> int:
    """Refuse a single draw before any work: its spread is unknown."""
    if draws == 1:
        raise typer.BadParameter("1 draw has no spread; take 0, or at least 2")
    return draws


Shoppers = Annotated[int, typer.Option("--shoppers", min=1, max=1_000_000, help="How many come on an average day.")]
Draws = Annotated[
    int,
    typer.Option(
        "--parameter-draws",
        min=0,
        callback=_some_or_none,
        help="Draws of the parameters: at least 8 for a verdict, 0 leaves their doubt out.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Other seeds draw other days.")]
Demand = Annotated[
    Path | None, typer.Option("--demand", help="A folder of your own tables; Complete Journey when left out.")
]
Currency = Annotated[str | None, typer.Option("--currency", help="ISO 4217, of the folder's money; EUR when left out.")]


def demand_settings(folder: Path | None, currency: str | None) -> DemandSettings:
    """Return where the shoppers come from.

    Raises:
        ConfigError: a currency without a folder, or one that is no code; or a folder that is not there.
    """
    from experiments.store.scenario import DemandSettings
    from retail.errors import ConfigError

    if folder is None:
        if currency is not None:
            raise ConfigError(f"--currency {currency} is of a folder; name the folder with --demand, or leave it out")
        return DemandSettings(source="complete-journey")
    if not folder.is_dir():
        raise ConfigError(f"--demand {folder}: there is no such folder; name the one that holds your tables")
    code = currency or "EUR"
    if not re.fullmatch("[A-Z]{3}", code):
        raise ConfigError(f"--currency {code} is no ISO 4217 code; write for example EUR")
    return DemandSettings(source="folder", path=str(folder), currency=code)
