"""Store plans: drawn as a map of letters or in metres, checked, edited, and cut into the floor that engines walk on.

Enters: TOML (`load_plan`), edits. Leaves: a `StorePlan`, its `Floor`, GeoJSON, TOML.

    plan = load_plan("supermarket")
    other = apply_edit(plan, {"swap": ["dairy", "bakery"]})
    floor = rasterise(other)
    print(len(floor.categories), floor.area_m2)

`docs/store-plans.md` says how to write one.
"""

from simulation.store.plan.edit import AddTill, Edit, Move, Remove, Show, Swap
from simulation.store.plan.edit_table import edit_table, read_edit
from simulation.store.plan.edits import apply_edit, apply_edits
from simulation.store.plan.fixture import Fixture, Zone
from simulation.store.plan.geojson import to_geojson
from simulation.store.plan.mirror import mirror
from simulation.store.plan.plan import StorePlan
from simulation.store.plan.rasterise import rasterise
from simulation.store.plan.reading import bundled_plans, load_plan, plan_from_table, plan_table, plan_text, read_plan
from simulation.store.plan.sound import require_sound
from simulation.store.plan.table import plan_schema

__all__ = [
    "AddTill",
    "Edit",
    "Fixture",
    "Move",
    "Remove",
    "Show",
    "StorePlan",
    "Swap",
    "Zone",
    "apply_edit",
    "apply_edits",
    "bundled_plans",
    "edit_table",
    "load_plan",
    "mirror",
    "plan_from_table",
    "plan_schema",
    "plan_table",
    "plan_text",
    "rasterise",
    "read_edit",
    "read_plan",
    "require_sound",
    "to_geojson",
]
