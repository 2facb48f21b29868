"""A budget: how much may be learnt about the people of one data set, by everybody together."""

from __future__ import annotations

from dataclasses import dataclass

from privacy.accounting import cap, check_delta, check_epsilon
from retail.errors import PrivacyError


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent on one data set.

    Attributes:
        dataset: stable name of the people's data. Data that grow keep their name: a new name starts a new budget for
            the same people.
        epsilon: bound for all releases of all runs together, above 0.
        delta: in (0, 1) and below 1 / population.
        population: publicly known number of shoppers, never counted from rows.

    Raises: PrivacyError: a value is out of range, or the name is empty.
    """

    dataset: str
    epsilon: float
    delta: float
    population: int

    def __post_init__(self) -> None:
        """Refuse a budget that promises nothing."""
        if not isinstance(self.dataset, str) or not self.dataset.strip():
            raise PrivacyError(f"a budget needs the name of its data set, got {self.dataset!r}")
        if self.population is None:
            raise PrivacyError("a budget needs the publicly known number of shoppers; declare population with the data")
        object.__setattr__(self, "epsilon", check_epsilon(self.epsilon))
        object.__setattr__(self, "delta", check_delta(self.delta, population=self.population))

    @property
    def cap(self) -> int:
        """Nano-rho that this budget buys, by RDP (see `privacy.cap`)."""
        return cap(epsilon=self.epsilon, delta=self.delta)
