"""The file of thresholds of one model for one purpose: read, written, and refused where it was changed."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from privacy.log import canonical
from retail.errors import ConfigError, DataError
from retail.files import atomic_write

Use = Literal["in_store_recognition", "payment"]
USES: Final = ("in_store_recognition", "payment")
_SCHEMA: Final = "tradefair-face-calibration/3"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds of one model for one purpose.

    Attributes:
        model: id of the encoder.
        purpose: "in_store_recognition" (1:N, targets are FPIR) or "payment" (1:1, targets are FMR).
        thresholds: (target, least score of a match), from the loosest target to the strictest.
        people: on whom it was measured.
        comparisons: pairs of pictures of two people (1:1) or non-mated probes or comparisons (1:N) that it rests on.
        gallery: most enrolled people for whom a 1:N threshold holds; 0 for 1:1.
        method: how, in words.
        source: which people, such as "ORL, people 0 to 29".
        made_at: UTC, ISO 8601.
        one_person: two pictures are taken for two people below this score, which 1% of the pairs of one person lie
            below; None where nobody had two pictures.

    Raises: ConfigError: thresholds that are not finite, not ordered, or not monotone in the target; a wrong purpose.
    """

    model: str
    purpose: Use
    thresholds: tuple[tuple[float, float], ...]
    people: int
    comparisons: int
    gallery: int
    method: str
    source: str
    made_at: str
    one_person: float | None = None

    def __post_init__(self) -> None:
        """Refuse thresholds that nobody could have measured."""
        if self.purpose not in USES:
            raise ConfigError(f"purpose is {self.purpose!r}; a calibration serves one of {', '.join(USES)}")
        targets = [target for target, _ in self.thresholds]
        levels = [level for _, level in self.thresholds]
        if not targets or not all(0 < target < 1 for target in targets) or not all(map(math.isfinite, levels)):
            raise ConfigError("a calibration needs finite thresholds for targets between 0 and 1; calibrate again")
        if any(a <= b for a, b in itertools.pairwise(targets)):
            raise ConfigError(f"targets {targets} are not in order from loose to strict; calibrate again")
        if any(a > b for a, b in itertools.pairwise(levels)):
            raise ConfigError("a stricter target has a lower threshold; the file was changed, calibrate again")
        if self.one_person is not None and not math.isfinite(self.one_person):
            raise ConfigError("one_person of a calibration must be finite; the file was changed, calibrate again")

    def threshold(self, target: float) -> float:
        """Return the least score of a match at a target: of that target, or of the next stricter one.

        Raises: ConfigError: no target of the file is as strict.
        """
        for known, level in self.thresholds:
            if known <= target:
                return level
        raise ConfigError(
            f"this calibration reaches {self.thresholds[-1][0]:g}, and {target:g} is asked for; "
            "calibrate on more people"
        )

    def save(self, path: Path | str) -> None:
        """Write the file, whole or not at all.

        Raises: DataError: it cannot be written.
        """
        body = {"schema": _SCHEMA, **asdict(self), "thresholds": [list(pair) for pair in self.thresholds]}
        text = json.dumps({**body, "sha256": _digest(body)}, indent=1)
        atomic_write(Path(path), lambda file: file.write_text(text + "\n", encoding="utf-8"))

    @classmethod
    def load(cls, path: Path | str) -> Calibration:
        """Read a file that `save` wrote.

        Raises: DataError: there is none, it cannot be read, or it was changed since.
        """
        try:
            body: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
            digest = body.pop("sha256")
            schema = body["schema"]
            if schema != _SCHEMA:
                raise DataError(f"{path} is a {schema!r:.60}, this code reads {_SCHEMA}; calibrate again")
            if digest != _digest(body):
                raise DataError(f"{path} was changed after it was written; calibrate again")
            del body["schema"]
            pairs = tuple((float(target), float(level)) for target, level in body.pop("thresholds"))
            return cls(thresholds=pairs, **body)
        except FileNotFoundError as error:
            raise DataError(f"there is no calibration at {path}; make one on people who are not enrolled") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path} is no calibration ({type(error).__name__}); make a new one") from error


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()
