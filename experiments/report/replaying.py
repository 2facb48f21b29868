"""Putting logged decisions to a policy again; the report and its verifier share this, on the same text."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from privacy.access import schema as a
from privacy.access.claims import worlds
from privacy.policy import Context, PolicyEngine, Register, Request
from privacy.policy.compiled import CompiledPolicies, compile_texts
from privacy.policy.sources import PolicyText, load_texts
from retail.errors import PolicyError

DEFAULT_DENY: Final = "default-deny"
"""Stands for the rule behind all rules: what none permits is denied."""

_FACTS: Final = (a.CONSENT, a.JURISDICTION, a.MINOR, a.GUARDIAN, a.ALTERNATIVE)
_ASKED: Final = (
    a.ACTOR, a.ROLE, a.UNIT, a.ACTION, a.DATASET, a.OWNER, a.KIND, a.FORM, a.PUBLIC, a.ABOUT_PERSONS, a.PURPOSE,
    *_FACTS, a.REGIME,
)  # fmt: skip

Engines = Callable[[str | None], PolicyEngine]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the policy says about one logged decision.

    Attributes:
        allowed: by the policy.
        reasons: ids of all rules that decided; empty where no rule permits it.
    """

    allowed: bool
    reasons: tuple[str, ...]

    def broken(self, decision: object) -> tuple[str, ...]:
        """Return the rules that a logged decision breaks: those that forbid what the log allowed."""
        if decision != a.ALLOW or self.allowed:
            return ()
        return self.reasons or (DEFAULT_DENY,)


def judge(bodies: Sequence[Mapping[str, Any]], engines: Engines) -> list[Judged]:
    """Put logged decisions to a policy, each under the regime that it names.

    Who is who is taken from the lines themselves: the report has no other register.

    Raises:
        PolicyError: a line lacks a column, or names an unknown regime.
    """
    missing = next(((name, i) for i, body in enumerate(bodies) for name in _ASKED if name not in body), None)
    if missing is not None:
        raise PolicyError(f"access event {missing[1]} has no {missing[0]}; it cannot be judged")
    if not bodies:
        return []
    frame = pd.DataFrame([{name: body[name] for name in _ASKED} for body in bodies])
    number = frame.groupby(list(_ASKED), sort=False, dropna=False).ngroup()
    first = frame.assign(_number=number).drop_duplicates("_number").reset_index(drop=True)
    answers: dict[int, Judged] = {}
    parts, _ = worlds(first)
    for register, part in parts:
        for regime, asked in part.groupby(a.REGIME, sort=False):
            engine = engines(str(regime) or None).with_register(register)
            requests = [
                Request(row[a.ACTOR], row[a.ACTION], row[a.DATASET], row[a.PURPOSE], (),
                        Context(**{name: row[name] for name in _FACTS}))
                for row in asked.to_dict("records")
            ]  # fmt: skip
            for place, verdict in zip(asked["_number"], engine.verdicts(requests), strict=True):
                answers[int(place)] = Judged(verdict.allowed, tuple(one.id for one in verdict.reasons))
    return [answers[int(place)] for place in number]


def engines_of(texts: Mapping[str, str]) -> Engines:
    """Return the engines of policies given as text, as the report carries them.

    Args:
        texts: by regime ("" for none), from `packed_policy`.
    """
    loaded: dict[str, PolicyEngine] = {}

    def engine(regime: str | None) -> PolicyEngine:
        name = regime or ""
        if name not in loaded:
            if name not in texts:
                raise PolicyError(f"the report holds no policy for regime {name or 'none'!r}; make the report again")
            loaded[name] = PolicyEngine(_compiled(texts[name]), Register())
        return loaded[name]

    return engine


@lru_cache(maxsize=16)
def _compiled(packed: str) -> CompiledPolicies:
    """Compile a packed policy text; the same text is compiled once, since a report and its check ask often."""
    try:
        cedar = zlib.decompress(base64.b64decode(packed, validate=True)).decode()
    except (zlib.error, ValueError) as error:
        raise PolicyError(f"the policy in the report cannot be unpacked ({error}); ask for the report again") from error
    return compile_texts([PolicyText("report", cedar)])


def packed_policy(packs: Sequence[str | Path], regime: str | None) -> str:
    """Return the Cedar text of packs and a regime, deflated, in base64.

    Raises:
        PolicyError: a pack or regime is unknown or wrong.
    """
    cedar = "\n".join(text.cedar for text in load_texts(packs, regime=regime))
    return base64.b64encode(zlib.compress(cedar.encode(), 9)).decode("ascii")
