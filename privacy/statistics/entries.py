"""What the release gate writes into the log: which question, at which price; never a number from the data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from privacy.ledger import Reservation
from privacy.statistics.answers import Answer
from privacy.statistics.bounds import Bounds
from privacy.statistics.queries import Query
from retail.problems import shown


def named(query: Query, *, budget: str, bounds: Bounds) -> dict[str, Any]:
    """Say which question is meant.

    Args:
        query: the question.
        budget: name of the people's data in the ledger.
        bounds: on what one person adds.
    """
    return {
        "dataset": shown(query.dataset),
        "budget": budget,
        "purpose": shown(query.purpose),
        "question": query.question,
        "bounds": asdict(bounds),
    }


def released(actor: str, query: Query, answer: Answer, reservation: Reservation, bounds: Bounds) -> dict[str, Any]:
    """Say what was released; of the answer only its hash."""
    return {
        "actor": actor,
        **named(query, budget=reservation.dataset, bounds=bounds),
        "kind": query.kind,
        "columns": list(query.columns),
        "counting": query.counting,
        "cost": answer.cost,
        "reservation": reservation.entry,
        "noise": answer.noise,
        "scale": answer.scale,
        "error_95": answer.error_95,
        "threshold": answer.threshold,
        "hide_small": query.hide_small,
        "answer": answer.digest,
    }
