"""From inside: rows of the access log in which the own-label arm got data that are not public."""

from __future__ import annotations

from typing import Final

import pandas as pd

from privacy.policy.vocabulary import ROLE_GROUPS
from privacy.rules.design import DATA, Design
from privacy.rules.verdict import Outcome, Verdict, counted, inconclusive
from retail.market_log import columns as m
from retail.problems import shown

UNIT: Final = "reads"
_OWN_ARM: Final = "platform_retail"
_COMPETING: Final = "own_label_development"
_NAMED: Final = 3


def reads_audit(reads: pd.DataFrame | None, design: Design) -> Verdict:
    """Find every allowed read of others' non-public data for the own label.

    A row counts where its actor is the own-label arm (by id in the design or by role), or an arm of the platform reads
    to develop the own label, and the data are neither public nor the own-label arm's. What was denied is counted
    beside: it shows that the rule was enforced, and that somebody tried. Without any row of the own-label arm the log
    cannot tell. Roles may be in capitals or not; ids are compared as they are.
    """
    if reads is None:
        why = "The log has no reads, so nothing can be proved from rows."
        return inconclusive(DATA, why, unit=UNIT, margin=0.0, n_unit=UNIT)
    role = reads[m.ROLE].where(reads[m.ROLE] != "", reads[m.ACTOR]).map(str).str.strip().str.casefold()
    mine = {_OWN_ARM, *design.own_arm}
    arm = reads[m.ACTOR].map(str).isin(mine) | (role == _OWN_ARM)
    arm |= role.isin(ROLE_GROUPS["platform"]) & (reads[m.PURPOSE] == _COMPETING)
    arms = mine | set(reads.loc[role == _OWN_ARM, m.ACTOR].map(str))
    foreign = arm & ~reads[m.PUBLIC] & ~reads[m.OWNER].map(str).isin(arms)
    got, denied = reads[foreign & reads[m.ALLOWED]], int((foreign & ~reads[m.ALLOWED]).sum())
    seen = (("reads in the log", len(reads)), ("reads of the own-label arm", int(arm.sum())), ("denied", denied))
    refused = f" Denied besides: {counted(denied, 'reads')}." if denied else ""
    if not arm.any():
        why = (
            "The access log has no row of the own-label arm, so it cannot tell what that arm read: name its id "
            "(--own-arm, or `Design.own_arm`), or give rows their `role`."
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
