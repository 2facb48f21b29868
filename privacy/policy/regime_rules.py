"""Which rules a regime brings in: rows of one table, each behind a flag of the regime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from privacy.policy.rule import Rule
from privacy.policy.table import Problem, check_rules
from privacy.regimes import Regime
from retail.errors import PolicyError

FLAGS: Final[Mapping[str, Callable[[Regime], bool]]] = {
    "platform reads": lambda regime: regime.platform_reads,
    "merchants get own": lambda regime: regime.merchants_get_own,
    "pooled": lambda regime: regime.shared_model == "pooled",
    "pooled for merchants": lambda regime: regime.shared_model == "pooled_merchants",
    "federated": lambda regime: regime.shared_model == "federated",
    "federated without noise": lambda regime: regime.shared_model == "federated" and not regime.noise,
}


def regime_rules(regime: Regime, path: Path) -> list[Rule]:
    """Return the rules of one regime.

    Args:
        regime: whose flags decide.
        path: the table, with the column `flag`.

    Raises: PolicyError: a wrong cell or an unknown flag.
    """
    rules, problems = check_rules(path, flagged=True)
    problems += [
        Problem(str(path), 0, "flag", rule.flag, f"rule {rule.id!r} needs one of {', '.join(FLAGS)}")
        for rule in rules
        if rule.flag not in FLAGS
    ]
    if problems:
        raise PolicyError("\n".join(str(one) for one in problems))
    return [rule for rule in rules if FLAGS[rule.flag](regime)]
