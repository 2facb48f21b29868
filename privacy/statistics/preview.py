"""What a release would be, told before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass

from privacy.statistics.plans import Exactness


@dataclass(frozen=True, slots=True)
class Preview:
    """What a release would be, from public numbers alone.

    Attributes:
        cost: nano-rho.
        epsilon: of this release by itself, at the budget's delta.
        exactness: how exact its numbers would be.
        cells: how many numbers it would have.
        threshold: least noisy count that would be shown; None where there is none.
        remaining_releases: how many such releases the budget still covers.
        stored: an answer at least as exact is stored, so it is free.
    """

    cost: int
    epsilon: float
    exactness: Exactness
    cells: int
    threshold: int | None
    remaining_releases: int
    stored: bool

    @property
    def error_95(self) -> int:
        """Half-width of the 95% interval of one number, in the unit of `exactness`."""
        return self.exactness.error_95

    @property
    def statement(self) -> str:
        """One sentence for people."""
        left = f"{self.remaining_releases:,} such release" + ("" if self.remaining_releases == 1 else "s")
        price = "free, as an answer is stored" if self.stored else f"for {self.cost:,} nano-rho"
        shown = "" if self.threshold is None else f"; numbers below {self.threshold:,} are not shown"
        return (
            f"plus or minus {self.error_95:,} {self.exactness.unit} at 95%, {price}; "
            f"the budget covers {left} from now{shown}"
        )
