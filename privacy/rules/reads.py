"""From inside: rows of the access log in which the own-label arm got data that are not public."""

from __future__ import annotations

from typing import Final

import pandas as pd

from privacy.policy.vocabulary import PURPOSES, ROLE_GROUPS, ROLES
from privacy.rules.design import DATA, Design
from privacy.rules.verdict import Outcome, Verdict, counted, inconclusive
from retail.errors import DataError
from retail.market_log import columns as m
from retail.problems import shown

UNIT: Final = "reads"
_OWN_ARM: Final = "platform_retail"
_COMPETING: Final = "own_label_development"
_NAMED: Final = 3


def reads_audit(reads: pd.DataFrame | None, design: Design, *, sells_own: bool = True) -> Verdict:
    """Find every allowed read of others' non-public data for the own label.

    A row counts where its actor is the own-label arm (by id in the design or by role), or an arm of the platform reads
    to develop the own label, and the data are neither public nor the own-label arm's. What was denied is counted
    beside: it shows that the rule was enforced, and that somebody tried. Without any row of the own-label arm the log
    cannot tell. Roles and purposes may be in capitals or not; ids are compared as they are. A platform's read for a
    purpose that is none of the vocabulary is told in the reason, since it may be the own label's by another name.

    Args:
        reads: as `retail.market_log.check` leaves them; None for no such table.
        design: names the own-label arm.
        sells_own: False where other tables show that the platform sells nothing of its own.

    Raises: DataError: a role that is none of the vocabulary: a misspelt one would hide what its actor read.
    """
    if reads is None:
        why = "The log has no reads, so nothing can be proved from rows."
        return inconclusive(DATA, why, unit=UNIT, margin=0.0, n_unit=UNIT)
    _known_roles(reads)
    role = reads[m.ROLE].where(reads[m.ROLE] != "", reads[m.ACTOR]).map(str).str.strip().str.casefold()
    mine = {_OWN_ARM, *design.own_arm}
    actor = reads[m.ACTOR].map(str)
    arms = mine | set(actor[role == _OWN_ARM])
    # A row without role is of the own-label arm where another row says so of its actor.
    arm = actor.isin(mine) | (role == _OWN_ARM) | (actor.isin(arms) & (reads[m.ROLE] == ""))
    platform = role.isin(ROLE_GROUPS["platform"])
    purpose = reads[m.PURPOSE].str.strip().str.casefold().str.replace(r"[\s-]+", "_", regex=True)
    arm |= platform & (purpose == _COMPETING)
    foreign = arm & ~reads[m.PUBLIC] & ~reads[m.OWNER].map(str).isin(arms)
    got, denied = reads[foreign & reads[m.ALLOWED]], int((foreign & ~reads[m.ALLOWED]).sum())
    seen = (("reads in the log", len(reads)), ("reads of the own-label arm", int(arm.sum())), ("denied", denied))
    refused = f" Denied besides: {counted(denied, 'reads')}." if denied else ""
    refused += _unclear(reads[platform & ~arm & ~reads[m.PUBLIC] & reads[m.ALLOWED] & ~purpose.isin(PURPOSES)])
    if not arm.any():
        why = (
            "The access log has no row of the own-label arm, so it cannot tell what that arm read: name its id "
            f"(--own-arm, or `Design.own_arm`), or give rows their `role`.{refused}"
        )
        if not sells_own:
            why = (
                "The access log has no row of an own-label arm, and nothing in the log is own: the platform sells no "
                f"label of its own here, so there is nothing to find. If it does, mark what is own.{refused}"
            )
        return inconclusive(DATA, why, unit=UNIT, margin=0.0, n=len(reads), n_unit=UNIT, rows=seen)
    if len(got):
        owners = sorted({shown(one, most=40) for one in got[m.OWNER]})
        more = f" and {len(owners) - _NAMED:,} more" if len(owners) > _NAMED else ""
        first = int(got.index[0]) + 1
        reason = (
            f"The own-label arm got others' non-public data in {counted(len(got), 'reads')} (row {first} of reads"
            f"{' and more' if len(got) > 1 else ''}). Owners named there: {', '.join(owners[:_NAMED])}{more}.{refused}"
        )
    else:
        reason = f"The access log has no read of others' non-public data by the own-label arm.{refused}"
    rows = tuple(
        {"row": int(str(at)) + 1, **{str(name): value for name, value in row.items()}}
        for at, row in got.to_dict("index").items()
    )
    count = float(len(got))
    outcome: Outcome = "breach" if len(got) else "no_evidence"
    return Verdict(
        DATA, outcome, reason, count, count, count, UNIT, 0.0, None, len(reads), UNIT, observations=seen, rows=rows
    )


def _known_roles(reads: pd.DataFrame) -> None:
    role = reads[m.ROLE].map(str).str.strip()
    wrong = reads[~role.str.casefold().isin({"", *ROLES})]
    if len(wrong):
        value = shown(wrong[m.ROLE].iloc[0], most=40)
        raise DataError(
            f"reads, row {int(wrong.index[0]) + 1}, column role holds '{value}': no role; "
            f"write {_OWN_ARM} for the arm that sells the platform's own label, or another of: (empty), "
            f"{', '.join(one for one in ROLES if one != _OWN_ARM)}"
        )


def _unclear(reads: pd.DataFrame) -> str:
    """Say which reads of other arms of the platform cannot be judged, for want of a known purpose."""
    if reads.empty:
        return ""
    named = sorted({shown(one, most=40) for one in reads[m.PURPOSE]})
    return (
        f" Another arm of the platform got data in {counted(len(reads), 'reads')} for a purpose that is not known "
        f"({', '.join(named[:_NAMED])}; row {int(reads.index[0]) + 1}{' and more' if len(reads) > 1 else ''}), so it "
        f"cannot be told whether that was {_COMPETING}."
    )
