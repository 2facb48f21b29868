from pathlib import Path

import pytest

from matching.psi.party import Party
from matching.psi.sessions import Limit
from privacy import Budget, Ledger
from privacy.log import Log, SigningKey
from privacy.policy import Dataset, PolicyEngine, Register
from privacy.policy import Party as Registered

PEOPLE = 400


def ids(*spans: tuple[str, int]) -> list[str]:
    """ids(("a", 3)) is ["a0", "a1", "a2"]."""
    return [f"{letter}{number}" for letter, count in spans for number in range(count)]


@pytest.fixture
def make_party(tmp_path: Path):
    """Build a party of real parts: a ledger in a file, the base policy, a log in the same books."""

    def make(name: str, *, epsilon: float = 8.0, limit: Limit | None = None, owner: str | None = None) -> Party:
        budget = Budget(f"people of {name}", epsilon, 1e-6, PEOPLE)
        ledger = Ledger.open(tmp_path / f"{name}.sqlite", scope="persistent", budget=budget, run="psi")
        role = "marketplace" if name == "platform" else "merchant"
        register = Register([Registered(name, role), Registered("somebody", "merchant")])
        register.add(Dataset("people", owner or name, "transactions", "dp", about_persons=True))
        return Party(
            name,
            dataset="people",
            ledger=ledger,
            engine=PolicyEngine.load(["base"], register=register),
            log=Log.open(ledger.books, origin=name, key=None),
            key=SigningKey.load_or_create(tmp_path / f"{name}.pem"),
            limit=limit,
        )

    return make
