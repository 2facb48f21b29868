"""Every number of the store model that is not a plan: its value, its range, and where it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from retail.errors import ConfigError

Source = Literal["data", "literature", "assumption"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number with its range and provenance.

    Attributes:
        name: such as "scan_s".
        value: what a simulation uses unless told otherwise.
        lo: lower end of what is plausible.
        hi: upper end.
        unit: such as "s" or "1".
        source: where it comes from.
        note: which data, which paper, or why it is assumed.

    Raises: ConfigError: a bound is no finite number, or the value lies outside them.
    """

    name: str
    value: float
    lo: float
    hi: float
    unit: str
    source: Source
    note: str

    def __post_init__(self) -> None:
        """Refuse a value outside its own range."""
        finite = all(math.isfinite(one) for one in (self.value, self.lo, self.hi))
        if not finite or not self.lo <= self.value <= self.hi:
            raise ConfigError(
                f"parameter {self.name} = {self.value} must be finite and within {self.lo} and {self.hi}; correct it"
            )
