"""Under which rules a party of a run reads: settings of the place where it runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Final

from privacy.policy import Jurisdiction
from retail.errors import ConfigError

MEMORY: Final = ":memory:"


@dataclass(frozen=True, slots=True)
class Access:
    """The rules under which a party reads and publishes: decided where it runs, never by whoever submits the run.

    Attributes:
        packs: policy packs or folders of rules, beside "base" and the regime.
        regime: id of a regime; empty for "federated_dp" where privacy is claimed and "federated" where it is not.
        jurisdiction: whose law the packs apply.
        log: the books that decisions are written to; ":memory:" forgets them with the process.
        origin: name of the log; empty for whatever name it has.
        consents: file of a consent register; empty for none, then nothing is read that needs consent.
        place: of the one merchant that this process stands for, as in a deployment; None where it stands for all.
    """

    packs: tuple[str, ...] = ()
    regime: str = ""
    jurisdiction: Jurisdiction = "none"
    log: str = MEMORY
    origin: str = ""
    consents: str = ""
    place: int | None = None

    def to_json(self) -> str:
        """Write it as JSON; `from_json` reads it."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Access:
        """Read what `to_json` wrote; empty text gives the defaults.

        Raises:
            ConfigError: it is something else.
        """
        try:
            raw = json.loads(text) if text else {}
            if set(raw) - {one.name for one in fields(cls)}:
                raise ValueError(f"unknown keys {sorted(raw)}")
            return cls(**{**raw, "packs": tuple(raw.get("packs", ()))})
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"access settings cannot be read ({error}); write them with to_json") from error
