"""The assistant's card and the error rates of a shop, as tables for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from apps.command import tables
from experiments.assistant.card import day

if TYPE_CHECKING:
    from experiments.assistant.card import Card
    from experiments.assistant.figures import Figures
    from matching.face.evaluate import Estimate
    from matching.face.pad import PadFigures

_REASONS = 2


def print_card(card: Card) -> None:
    """Print a customer's card."""
    tables.say(f"recognised: {card.person}")
    columns = ("agreed to", "covers", "until")
    rows = [[one.purpose, ", ".join(one.data), day(one.until)] for one in card.agreements]
    tables.print_rows(columns, rows, title="what this customer agreed to")
    tables.say(f"withdraw: {card.withdrawal}")
    if card.shown:
        tables.say(card.shown)
        return
    assert card.pairing is not None
    tables.say(f"shopper {card.pairing.shopper} of merchant {card.pairing.store}: {card.made_up}")
    liked = [[one.product.label, one.trips, one.days_ago] for one in card.favourites]
    if liked:
        tables.print_rows(("product", "baskets", "days ago"), liked, title="favourites")
    else:
        tables.say("favourites: none, since nothing was bought in two baskets")
    shown = [
        [one.product.label, "again" if one.bought_before else "new", because(one.because)] for one in card.suggestions
    ]
    tables.print_rows(("product", "", "why (log-odds)"), shown, title="suggestions")
    tables.say(f"suggested by {card.source}")


def because(reasons: tuple[tuple[str, float], ...]) -> str:
    """Write the strongest reasons."""
    return "; ".join(f"{text} (+{value:.2f})" for text, value in reasons[:_REASONS]) or "nothing stands out"


def print_figures(figures: Figures) -> None:
    """Print error rates."""
    tables.print_rows(
        ("figure", "value", "95% interval"),
        ([one.name, f"{one.value:.4f}", _interval(one.lo, one.hi)] for one in figures.rows),
        title=figures.people,
    )
    if figures.groups:
        columns = ("group", "people", "mated", "non-mated", "fmr", "fnmr")
        rows = [
            [one.group, one.people, one.mated, one.non_mated, _estimate(one.fmr), _estimate(one.fnmr)]
            for one in figures.groups
        ]
        tables.print_rows(columns, rows, title="by group, one picture against one, at the till's threshold")
    for line in figures.left_out:
        tables.say(f"not measured: {line}")
    tables.say("The door camera is a cheap one over a door, simulated; the good camera took the pictures as they are.")
    tables.say("eer and fnmr: every picture against every other. At the till and at the door: templates of 5 pictures,")
    tables.say("the shop's own thresholds. Intervals: bootstrap over people; of fnir by gallery, over drawn galleries.")


def usually_misses(trained: str) -> str:
    """Warn of an encoder by what it was trained on; empty for one of photos."""
    if not trained.startswith("drawings"):
        return ""
    return "An encoder of drawings shows the machinery: on a new picture it usually misses somebody who is enrolled."


def honest_words(figures: PadFigures) -> str:
    """Say how often the liveness check refuses an honest picture, by its own figures."""
    return (
        f"liveness check: refuses {figures.bpcer} of honest pictures (BPCER), of {figures.people} people whom it was "
        "not made on"
    )


def _interval(lo: float, hi: float) -> str:
    return "-" if math.isnan(lo) else f"[{lo:.4f}, {hi:.4f}]"


def _estimate(found: Estimate | None) -> str:
    return "-" if found is None else str(found)
