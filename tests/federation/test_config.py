import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from federation.config import FederationConfig
from retail.datasource import DataSource
from retail.errors import ConfigError, PrivacyError

CALM = DataSource(source="generated", shoppers=500)


def test_settings_survive_the_trip_to_a_node_and_back():
    source = DataSource(source="folder", path="shop", start=dt.date(2024, 1, 1), end=dt.date(2024, 12, 29))
    config = FederationConfig(
        task="a:B",
        source=source,
        now=5,
        options={"a": [1, 2.5]},
        merchants=(3, "x"),
        by="store",
        ledger=Path("l.sqlite"),
    )
    assert FederationConfig.from_json(config.to_json()) == config
    assert FederationConfig.from_json(config.to_json()).merchants == (3, "x")


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"noise": "every_node"}, ConfigError, "without epsilon"),
        ({"noise": "nowhere"}, ConfigError, "every_node"),
        ({"by": "aisle"}, ConfigError, "home_store"),
        ({"k_max": 0}, ConfigError, "k_max = 0"),
        ({"rounds": True}, ConfigError, "rounds = True"),
        ({"steps": 1.5}, ConfigError, "steps"),
        ({"seed": -1}, ConfigError, "seed"),
        ({"now": None}, ConfigError, "now"),
        ({"learning_rate": float("nan")}, ConfigError, "learning_rate"),
        ({"clip_norm": 0.0}, ConfigError, "clip_norm"),
        ({"merchants": "members"}, ConfigError, "Complete Journey"),
        ({"merchants": "some"}, ConfigError, "list of ids"),
        ({"options": {"rows": {1, 2}}}, ConfigError, "JSON"),
        ({"options": {"rate": float("inf")}}, ConfigError, "JSON"),
        ({"ledger_scope": "persistent", "epsilon": 1.0}, ConfigError, "run id"),
        ({"mode": "deployment", "epsilon": 1.0}, PrivacyError, "persistent ledger"),
        (
            {"mode": "deployment", "ledger_scope": "persistent", "ledger": Path("l"), "run_id": "a"},
            PrivacyError,
            "needs an epsilon",
        ),
        ({"epsilon": 0.0}, PrivacyError, "above 0"),
        ({"epsilon": float("nan")}, PrivacyError, "finite"),
        ({"epsilon": 1.0, "clip_norm": None}, PrivacyError, "clip_norm"),
        ({"epsilon": 1.0, "delta": 0.01}, PrivacyError, "1/population"),
        ({"epsilon": 1.0, "source": DataSource(source="folder", path="shop")}, PrivacyError, "population"),
    ],
)
def test_settings_that_cannot_keep_their_word_are_refused_with_the_reason(changes, error, says):
    with pytest.raises(error, match=says):
        FederationConfig(**{"task": "a:B", "source": CALM, "now": 5, **changes})


def test_unknown_keys_in_received_settings_are_refused():
    text = FederationConfig(task="a:B", source=CALM, now=5).to_json()
    with pytest.raises(ConfigError, match="epsilonn"):
        FederationConfig.from_json(text.replace('"epsilon"', '"epsilonn"'))
    with pytest.raises(ConfigError, match="to_json"):
        FederationConfig.from_json("[]")


def test_only_a_simulation_accounted_within_the_run_seeds_its_noise():
    kept = {"ledger_scope": "persistent", "ledger": Path("l"), "run_id": "a", "epsilon": 1.0}
    base = {"task": "a:B", "source": CALM, "now": 5}
    assert FederationConfig(**base, epsilon=1.0).seeded_noise
    assert not FederationConfig(**base, **kept).seeded_noise
    assert not FederationConfig(**base, **kept, mode="deployment").seeded_noise


def test_a_folder_that_moves_keeps_its_budget_and_views_of_one_data_set_share_one(tmp_path):
    base = {"task": "a:B", "now": 5}
    here, there = (DataSource(source="folder", path=str(tmp_path / place / "shop")) for place in ("a", "b"))
    assert FederationConfig(**base, source=here).dataset == FederationConfig(**base, source=there).dataset
    views = {FederationConfig(**base, source=CALM, by=by).dataset for by in ("home_store", "store", "department")}
    assert len(views) == 1


def test_importing_the_federation_keeps_flower_from_reporting_and_configs_need_no_framework():
    code = (
        "import sys, federation.config, federation.nodes, federation.local, federation.plan\n"
        "assert not {'flwr', 'torch'} & set(sys.modules)\n"
        "from flwr.supercore.telemetry import FLWR_TELEMETRY_ENABLED\n"
        "print(FLWR_TELEMETRY_ENABLED)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
