"""Who takes part in a run and what each party holds, by the names that policies, receipts and logs use."""

from __future__ import annotations

from typing import Final

from federation import nodes
from federation.config import FederationConfig
from privacy.policy import Dataset, Form, Kind, Party, Register

AGGREGATOR: Final = "aggregator"
PLATFORM: Final = "platform"
EVALUATOR: Final = "evaluator"
MODEL: Final = "model"
TEST_PEOPLE: Final = "people kept for testing: face_images"


def merchant_id(merchant: int | str) -> str:
    """Return what policies, receipts and logs call a merchant."""
    return f"merchant {merchant}"


def transactions_id(merchant: int | str) -> str:
    """Return what policies and logs call a merchant's shop rows."""
    return rows_id(merchant, "transactions")


def rows_id(merchant: int | str, kind: Kind) -> str:
    """Return what policies and logs call a merchant's rows of some kind."""
    return f"{merchant_id(merchant)}: {kind}"


def sums_id(merchant: int | str) -> str:
    """Return what policies and logs call the sums that a merchant sends."""
    return f"{merchant_id(merchant)}: sums"


def register_of(config: FederationConfig, held: nodes.Holdings) -> Register:
    """Return the parties of a run and what each of them holds, as policies know them."""
    sent: Form = "dp" if config.private and config.noise == "every_node" else "aggregate"
    released: Form = "dp" if config.private else "aggregate"
    register = Register(
        [Party(AGGREGATOR, "aggregator"), Party(PLATFORM, "marketplace", "platform"), Party(EVALUATOR, "researcher")],
        [Dataset(MODEL, AGGREGATOR, "model", released, about_persons=True)],
    )
    if held.kind == "face_images":
        register.add(Dataset(TEST_PEOPLE, EVALUATOR, held.kind, "raw", about_persons=True))
    for merchant in held.merchants:
        name = merchant_id(merchant)
        register.add(Party(name, "merchant"))
        register.add(Dataset(rows_id(merchant, held.kind), name, held.kind, "raw", about_persons=True))
        register.add(Dataset(sums_id(merchant), name, held.kind, sent, about_persons=True))
    return register
