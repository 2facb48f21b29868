"""A run store with small, finished audience scenarios that the page Audiences shows, made by real runners."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments" / "audience"))
from launched import launched_table, write_launched

from experiments.execute import run_scenario
from experiments.scenario_file import validate
from retail.complete_journey_stores import MEMBER_STORES


def make_audience_store(folder):
    """Run look-alikes over a drawn world, targeting at twelve stores, and choices among diapers of few draws."""
    data = launched_table(write_launched(folder.with_name(f"{folder.name}-shop")))
    for raw in (
        {
            "kind": "audience", "name": "lookalike", "method": "lookalike", "data": data, "reference": "rule",
            "title": "Who will buy a new product", "options": {"least_seeds": 5, "least_later": 10},
            "privacy": {"delta": 1e-4}, "draws": 50, "targets": {"auc(weights-dp)": "> 0"},
            "arms": [
                {"name": "rule", "model": "rule", "label": "Rule: category, manufacturer, often"},
                {"name": "weights-dp", "model": "weights", "epsilon": 1.0, "label": "Learned weights, DP"},
                {"name": "nearest", "model": "nearest_seed", "label": "Banned: nearest seed"},
            ],
        },
        {
            "kind": "audience", "name": "targeting", "method": "targeting", "draws": 50, "reference": "federated",
            "title": "Whom to advertise to", "partition": {"by": "home_store", "merchants": list(MEMBER_STORES[:12])},
            "federation": {"rounds": 2}, "options": {"trials": 2, "copies": 3, "caution": 300.0},
            "arms": [
                {"name": "isolated", "model": "isolated", "label": "Each merchant alone"},
                {"name": "federated", "model": "federated", "label": "Federated"},
                {"name": "dp-1", "model": "federated", "epsilon": 1.0, "label": "Federated, private"},
            ],
        },
        {
            "kind": "audience", "name": "insight", "method": "insight", "draws": 50, "reference": "shares",
            "title": "Why do people take another diaper", "options": {"taste_draws": 20},
            "arms": [
                {"name": "shares", "model": "shares", "label": "Shares alone"},
                {"name": "own", "model": "own", "label": "Own sales alone"},
                {"name": "mixed", "model": "mixed", "label": "Mixed logit", "regime": "firewall"},
            ],
        },
    ):  # fmt: skip
        run_scenario(validate(raw, source=raw["name"]), store=folder, jobs=1)
    return folder
