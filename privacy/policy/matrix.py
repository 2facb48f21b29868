"""The access matrix: which role may do what with whose data, for which purposes, by which rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from privacy.policy.domain import sample_register
from privacy.policy.engine import PolicyEngine
from privacy.policy.request import Context, Dataset, Party, Request
from privacy.policy.vocabulary import PURPOSES, Action
from privacy.policy.words import joined_forms, joined_kinds

REGIME: Final = "regime"
ROLE: Final = "role"
RELATION: Final = "relation"
ACTION: Final = "action"
KIND: Final = "kind"
FORM: Final = "form"
PURPOSES_ALLOWED: Final = "purposes"
RULE: Final = "rule"
ARTICLE: Final = "article"
COLUMNS: Final = (REGIME, ROLE, RELATION, ACTION, KIND, FORM, PURPOSES_ALLOWED, RULE, ARTICLE)

OWN: Final = "own"
OTHER: Final = "a merchant's"
LEARNT: Final = "the aggregator's"
PLATFORM: Final = "the marketplace's"
ANY_PURPOSE: Final = "any"
_LEARNT_KINDS: Final = ("model", "metrics")
_ROLES: Final = (
    "m2",
    "marketplace",
    "retail",
    "aggregator",
    "auditor",
    "regulator",
    "shopper",
    "researcher",
    "public",
)


def access_matrix(
    regime_ids: Sequence[str],
    packs: Sequence[str | Path],
    *,
    actions: Sequence[Action] = ("read",),
    context: Context | None = None,
    denied: bool = False,
) -> pd.DataFrame:
    """Ask the policies what every role may do, in the sample world.

    Args:
        regime_ids: regimes to compare; "" for none.
        packs: sources of rules, "base" included if it is wanted (see `PolicyEngine.load`).
        actions: which deeds to ask about.
        context: consent and place; by default nobody agreed and no law of a place is on.
        denied: also list what is denied for every purpose. What is not listed is denied.

    Returns: columns `COLUMNS`, all text. `relation` says whose the data are: the role's own, a(nother) merchant's, or
        the aggregator's or marketplace's models and metrics. `purposes` joins the purposes that are allowed with "; "
        ("any" for all of them, empty where denied); `rule` and `article` name what decided (for a denial: the rules
        that forbid, empty where nothing permits).

    Raises: PolicyError: a regime or source cannot be used.
    """
    register = sample_register()
    rows: list[tuple[str, ...]] = []
    for regime in regime_ids:
        engine = PolicyEngine.load(packs, register=register, regime=regime or None)
        for action in actions:
            rows += _rows(engine, regime, action, context or Context(), denied=denied)
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=str)


def compact(matrix: pd.DataFrame) -> pd.DataFrame:
    """Join the kinds and forms of rows that are equal otherwise, for reading.

    Returns: the same columns without `kind` and `form`, and `data` in their place, such as "payments (raw, dp)"; no
        forms means all of them.
    """
    keys = [REGIME, ROLE, RELATION, ACTION, PURPOSES_ALLOWED, RULE, ARTICLE]
    rows = []
    for values, group in matrix.groupby(keys, sort=False):
        by_forms: dict[str, list[str]] = {}
        for kind, part in group.groupby(KIND, sort=False):
            by_forms.setdefault(joined_forms(set(part[FORM])), []).append(str(kind))
        data = "; ".join(f"{joined_kinds(kinds)}{forms}" for forms, kinds in by_forms.items())
        rows.append({**dict(zip(keys, values, strict=True)), "data": data})
    return pd.DataFrame(rows, columns=[REGIME, ROLE, RELATION, ACTION, "data", PURPOSES_ALLOWED, RULE, ARTICLE])


def _rows(
    engine: PolicyEngine, regime: str, action: Action, context: Context, *, denied: bool
) -> Iterator[tuple[str, ...]]:
    cells = [
        (party, relation, dataset)
        for party in (engine.register.party(name) for name in _ROLES)
        for relation, dataset in _datasets(engine, party)
    ]
    requests = [
        Request(party.id, action, dataset.id, purpose, (), context)  # type: ignore[arg-type]
        for party, _, dataset in cells
        for purpose in PURPOSES
    ]
    verdicts = engine.verdicts(requests)
    for place, (party, relation, dataset) in enumerate(cells):
        answers = verdicts[place * len(PURPOSES) : (place + 1) * len(PURPOSES)]
        allowed = [purpose for purpose, one in zip(PURPOSES, answers, strict=True) if one.allowed]
        if not allowed and not denied:
            continue
        deciding = [info for one in answers if one.allowed or not allowed for info in one.reasons]
        purposes = ANY_PURPOSE if len(allowed) == len(PURPOSES) else "; ".join(allowed)
        rules = "; ".join(dict.fromkeys(info.id for info in deciding))
        articles = "; ".join(dict.fromkeys(info.article for info in deciding))
        yield regime, party.role, relation, action, dataset.kind, dataset.form, purposes, rules, articles


def _datasets(engine: PolicyEngine, party: Party) -> Iterator[tuple[str, Dataset]]:
    """Yield one data set of each kind and form for each relation that the party can stand in."""
    for dataset in engine.register.datasets:
        if dataset.public or dataset.id.endswith(("/persons", "/no-persons")):
            continue
        if dataset.owner == party.id:
            yield OWN, dataset
        elif dataset.owner == "m1":
            yield OTHER, dataset
        elif dataset.owner in ("aggregator", "marketplace") and dataset.kind in _LEARNT_KINDS:
            yield (LEARNT if dataset.owner == "aggregator" else PLATFORM), dataset
