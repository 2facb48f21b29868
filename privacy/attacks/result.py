"""What an attack returns: a figure with its interval, the most it could have shown, and whether its control fired."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

from retail.errors import PrivacyError

Outcome = Literal["breach", "passed", "estimate", "inconclusive", "no claim"]
CONFIDENCE: Final = 0.95
CAUTIOUS: Final = 0.999
"""Level of the checks whose power is plain (thousands of draws): one in a thousand honest runs is accused."""


@dataclass(frozen=True, slots=True)
class ControlResult:
    """A leak that was planted on purpose, attacked in the same way.

    Attributes:
        name: what was planted.
        fired: the attack saw it. Where it did not, finding nothing means nothing.
        estimate: what the attack found there, in the unit of the attack.
        statement: one sentence.
    """

    name: str
    fired: bool
    estimate: float
    statement: str


@dataclass(frozen=True, slots=True)
class AttackResult:
    """The outcome of one attack.

    Attributes:
        name: of the attack, such as "one_run".
        estimate: the figure, in `unit`.
        lo: lower end of its interval, or the lower bound that was proved.
        hi: upper end; infinity where the attack bounds from below only.
        unit: of estimate, lo, hi and ceiling.
        ceiling: the most that this attack could have found with this many observations; None where nothing limits it.
        control: the planted leak.
        n: observations, such as canaries, persons or trials.
        seconds: how long the attack took, without the training that it reads.
        statement: what was found and what that does not show.
        breach: what was found contradicts a claim.
        claim: the bound that the claim puts on the figure; None where nothing was claimed.
        conclusive: False where this attack could not have contradicted the claim, whatever the truth is, or where
            it is an estimate.
        estimate_only: the figure is an estimate or an illustration. It can contradict nothing, so it is never a breach,
            never "passed" and never conclusive.

    Raises: PrivacyError: an estimate that is called a breach, or conclusive.
    """

    name: str
    estimate: float
    lo: float
    hi: float
    unit: str
    ceiling: float | None
    control: ControlResult
    n: int
    seconds: float
    statement: str
    breach: bool
    claim: float | None = None
    conclusive: bool = True
    estimate_only: bool = False

    def __post_init__(self) -> None:
        """Refuse an estimate that claims to prove something."""
        if self.estimate_only and (self.breach or self.conclusive):
            raise PrivacyError(
                f"{self.name} is an estimate, which proves nothing; it cannot be a breach (got {self.breach}) or "
                f"conclusive (got {self.conclusive})"
            )

    @property
    def outcome(self) -> Outcome:
        """Say what follows: "passed" only where a claim was tested by an attack that was seen to work.

        "passed" means that this attack contradicts nothing; it never means that no other attack would. A breach stands
        also where the control stayed silent: what was found was found, and an attack that sees too little can only
        miss things. An estimate is "inconclusive" where its interval lies above the claim: somebody should look.
        """
        if self.breach:
            return "breach"
        if not self.control.fired or not all(map(math.isfinite, (self.estimate, self.lo))):
            return "inconclusive"
        if self.estimate_only:
            return "estimate" if self.claim is None or self.lo <= self.claim else "inconclusive"
        if not self.conclusive:
            return "inconclusive"
        return "no claim" if self.claim is None else "passed"

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, the outcome included; what is not finite becomes None."""
        described = {**asdict(self), "outcome": self.outcome}
        described["control"] = {key: _finite(value) for key, value in described["control"].items()}
        return {key: _finite(value) for key, value in described.items()}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> AttackResult:
        """Read what `to_json` returned.

        Raises: PrivacyError: keys are missing or unknown.
        """
        try:
            values = {one.name: described[one.name] for one in fields(cls)}
            values["control"] = ControlResult(**{**described["control"], "estimate": _number(described["control"])})
            for name, missing in (("estimate", math.nan), ("lo", math.nan), ("hi", math.inf)):
                values[name] = missing if values[name] is None else float(values[name])
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise PrivacyError(f"this is no result of an attack ({error!r}); run the attacks again") from error


def _number(control: Mapping[str, Any]) -> float:
    return math.nan if control["estimate"] is None else float(control["estimate"])


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
