"""Training across merchants whose rows stay where they are.

Enters: a `FederationConfig` (which data, which merchants, which task, which privacy). Leaves: a `FederatedResult` with
the shared model, what each round cost, and the epsilon of it all.

    from federation.config import FederationConfig
    from federation.run import run
    from retail.datasource import DataSource

    config = FederationConfig(task="recommend", source=DataSource(), merchants="members", now=17_475, epsilon=4.0)
    model = run(config).model

The modules are imported one by one: `config`, `nodes` and `local` need no learning framework, `run` loads Flower.
"""

import os

# Read by Flower and Ray when they are imported: nothing here reports to anybody or installs anything.
os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["FLWR_DISABLE_UPDATE_CHECK"] = "1"
os.environ["FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"] = "1"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

__all__ = ["config", "local", "nodes", "run", "task"]
