"""Looks for a better layout within a merchant's rules, on days that the verdict does not use.

Enters: a plan, what may change (`Rules`), a figure to improve, a budget of layouts, a strategy. Leaves: the best layout
with the edits that lead to it, and its comparison with the plan on days that took no part in the search.

    found = search(plan, model=model, shoppers=2000, seed=1, rules=Rules(fixed=("produce", "bakery")))
    print(found.edits, found.gain, found.held_out.row("sales_visit").verdict)

Every candidate meets the same training days, so what differs is the layout. The winner of a search looks better on
those days than it is; only the comparison on other days counts.
"""

from simulation.store.search.found import HELD_OUT, Found, on_held_out_days, room_of, search, searching
from simulation.store.search.rules import Rules
from simulation.store.search.strategies import STRATEGIES, Strategy

__all__ = ["HELD_OUT", "STRATEGIES", "Found", "Rules", "Strategy", "on_held_out_days", "room_of", "search", "searching"]
