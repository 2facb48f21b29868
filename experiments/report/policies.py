"""The policy behind a report: which packs and regimes, who may read what under each regime, and what has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.report.accounts import RunFiles
from experiments.report.evidence import Evidence
from experiments.report.model import Grid
from experiments.report.replaying import engines_of, packed_policy
from experiments.report.rules import access_entries
from privacy.access import schema as a
from privacy.access.declared import POLICY_ENTRY, declared, packs_of
from privacy.policy import diff, matrix
from privacy.policy.diff import diff_policies
from privacy.policy.sources import PACKS, SIMULATION_PACK, load_texts
from privacy.regimes import REGIMES, regime
from retail.errors import PolicyError

BASE: Final = "base"


def policy_of(
    evidence: Evidence, runs: Sequence[RunFiles], origins: Sequence[str], *, given: Sequence[str | Path] | None
) -> tuple[tuple[str | Path, ...], dict[str, str], dict[str, Any]]:
    """Choose the packs that decisions are judged by, and load them for every regime in the logs.

    Args:
        evidence: the logs.
        runs: whose settings may name packs.
        origins: logs with access events.
        given: packs that the user names; they win.

    Returns: the packs; by regime ("" for none) the packed policy text; and the description for the report.

    Raises:
        PolicyError: a pack is unknown or wrong.
    """
    if given is not None:
        packs: tuple[str | Path, ...] = tuple(given)
        chosen = "named by the user of this report"
    else:
        packs, chosen = _own_packs(evidence, runs, origins)
    if not packs:
        raise PolicyError(f"name at least one policy pack or folder; the bundled ones are {', '.join(PACKS)}")
    located = access_entries(evidence, origins)
    regimes = sorted({str(entry.body.get(a.REGIME, "")) for _, entry in located}) or [""]
    texts: dict[str, str] = {}
    for name in regimes:
        try:
            texts[name] = packed_policy(packs, name or None)
        except PolicyError as error:
            if name in REGIMES or not name:
                raise
            evidence.problems.append(f"decisions under regime {name!r} cannot be judged: {error}")
    if not texts:
        texts[""] = packed_policy(packs, None)
    engines = engines_of(texts)
    prints = [{"regime": name, "fingerprint": engines(name or None).fingerprint} for name in texts]
    return packs, texts, {"packs": [Path(pack).name for pack in packs], "chosen": chosen, "regimes": prints}


def matrix_of(packs: Sequence[str | Path], regimes: Sequence[str] | None = None) -> Grid:
    """Return who may read what under each regime, as the policy answers now; regimes that agree share a row.

    Args:
        packs: sources of rules.
        regimes: which to compare; all when None.

    Raises:
        PolicyError: a pack or regime is unknown or wrong.
    """
    chosen = tuple(REGIMES if regimes is None else dict.fromkeys(regimes))
    alike: dict[str, list[str]] = {}
    for name in chosen:
        (rules,) = load_texts((), regime=name)
        alike.setdefault(rules.cedar.replace(f"regime {name}", ""), []).append(name)
    table = _matrix(tuple(map(str, packs)), tuple(one[0] for one in alike.values()), packed_policy(packs, None))
    members = {one[0]: one for one in alike.values()}
    keys = [matrix.ROLE, matrix.RELATION, "data", matrix.PURPOSES_ALLOWED, matrix.RULE, matrix.ARTICLE]
    rows = []
    for values, group in table.groupby(keys, sort=False):
        role, relation, data, purposes, rule, article = map(str, values)
        under = [name for name in chosen if any(name in members[one] for one in group[matrix.REGIME])]
        shown = "every regime" if len(under) == len(chosen) else ", ".join(under)
        rows.append((role, relation, data, purposes, shown, f"{rule} ({article})"))
    titles = "; ".join(f"{name}: {regime(name).title}" for name in chosen)
    return Grid(
        ("Who may read", "Whose data", "What", "For which purposes", "Under regime", "By rule"),
        tuple(rows),
        "What is not listed is denied. Nobody agreed to anything here, and no law of a place is on. Regimes: "
        f"{titles}.",
    )


@lru_cache(maxsize=8)
def _matrix(packs: tuple[str, ...], regimes: tuple[str, ...], text: str) -> pd.DataFrame:
    """Ask every regime, which takes seconds; kept for as long as the packs hold the same text."""
    del text
    return matrix.compact(matrix.access_matrix(regimes, packs))


def changes_of(since: Sequence[str | Path], packs: Sequence[str | Path], regimes: Sequence[str]) -> Grid:
    """Return the requests whose answer differs between an older policy and the packs.

    Args:
        since: all sources of the older policy.
        packs: all sources of the newer one.
        regimes: of the logs; the comparison is made under it where there is only one, else without any.

    Raises:
        PolicyError: a source is unknown or wrong.
    """
    under = regimes[0] if len(regimes) == 1 and regimes[0] else None
    found = diff_policies(since, packs, regime_before=under, regime_after=under)
    columns = [name for name in diff.COLUMNS if name != diff.REQUESTS]
    rows = tuple(tuple(map(str, row)) for row in found.table[columns].itertuples(index=False, name=None))
    older, newer = (", ".join(Path(one).name for one in sources) for sources in (since, packs))
    nothing = "" if rows else f" No answer differs among {found.asked:,} requests." if found.asked else " Same rules."
    silent = f" These rules differ without changing any of them: {', '.join(found.silent)}." if found.silent else ""
    return Grid(
        ("Change", "Who", "Action", "Whose", "Kind", "Form", "Rule", "Article", "For example"),
        rows,
        f"From {older} to {newer}, under {'regime ' + under if under else 'no regime'}.{nothing}{silent}",
    )


def _own_packs(
    evidence: Evidence, runs: Sequence[RunFiles], origins: Sequence[str]
) -> tuple[tuple[str | Path, ...], str]:
    """Return the packs that the runs were made under: from their log, else their settings, else all bundled ones."""
    views = [view for origin in origins if (view := evidence.logs.view(origin)) is not None]
    logged = declared(entry.body for view in views for entry in view.of(POLICY_ENTRY))
    if logged:
        for one in logged:
            try:
                said = one.changed()
            except PolicyError as error:
                said = str(error)
            if said:
                evidence.problems.append(f"{said}; verdicts are about the rules of today")
        sets = dict.fromkeys(one.packs for one in logged)
        if len(sets) > 1:
            many = " / ".join(", ".join(one) for one in sets)
            evidence.problems.append(f"runs were made under different packs ({many}); all are judged by all of them")
        return packs_of(logged), f"logged as in force in {len(views)} log{'s' if len(views) > 1 else ''}"
    simulated = any(run.settings.get("privacy", {}).get("mode", "simulation") == "simulation" for run in runs)
    simulation = (SIMULATION_PACK,) if simulated else ()
    named: Mapping[str, None] = {
        str(pack): None for run in runs for pack in run.settings.get("policy", {}).get("packs", ())
    }
    if named:
        return (BASE, *simulation, *(pack for pack in named if pack != BASE)), "named in the runs' settings"
    return (*PACKS, *simulation), "all bundled packs, since the runs name none"
