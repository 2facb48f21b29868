"""Scenarios about one store: what a change of layout, tills or offers does, and whether the model is right.

Enters: a scenario with `kind = "store"` (`scenario`). Leaves: runs in the same run store, executed by the same workers,
and the same table of figures as any other scenario.
"""
