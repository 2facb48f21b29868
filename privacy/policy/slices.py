"""The part of a policy set that can matter to a request: leaving out the rest changes no answer and saves a third.

Cedar looks at every policy for every request. A policy whose scope names other actions, or whose first condition asks
for another jurisdiction, can neither be satisfied nor fail: Cedar stops at the first part of `&&` that is false.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import cedarpy

from privacy.policy.expression import conjuncts, read_test

_PLACE = "context.jurisdiction"


class Slices:
    """Policies by jurisdiction and action, each part made when it is first asked for.

    Args:
        policies: Cedar's JSON form of each policy by its name, which every part keeps.
    """

    def __init__(self, policies: Mapping[str, Mapping[str, Any]]) -> None:
        self._policies = policies
        self._made: dict[tuple[str, str], Any] = {}

    def handle(self, place: str, action: str) -> Any:
        """Return cedarpy's policy set for requests of that jurisdiction and action."""
        key = (place, action)
        if key not in self._made:
            part = {name: one for name, one in self._policies.items() if can_matter(one, place=place, action=action)}
            document = {"templates": {}, "staticPolicies": part, "templateLinks": []}
            self._made[key] = cedarpy.PolicySet.from_json_str(json.dumps(document))
        return self._made[key]


def can_matter(policy: Mapping[str, Any], *, place: str, action: str) -> bool:
    """Tell whether a policy could be satisfied, or fail, for some request of that jurisdiction and action."""
    scope = policy["action"]
    if scope["op"] in ("==", "in"):
        named = scope["entities"] if "entities" in scope else [scope["entity"]]
        # The schema has no groups of actions, so a name stands for itself.
        if all(one["id"] != action for one in named):
            return False
    conditions = policy["conditions"]
    if not conditions or conditions[0]["kind"] != "when":
        return True
    test = read_test(next(conjuncts(conditions[0]["body"])))
    if test is None or test.path != _PLACE or not test.names:
        return True
    return (place in test.names) != test.negated
