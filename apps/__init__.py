"""What people touch: the `tradefair` command and the Streamlit app.

Enters: scenarios, folders, run stores. Leaves: tables, JSON documents and pages. Nothing is computed here that the
rooms below do not compute. Importing the package switches off telemetry (see `experiments`).

    tradefair run demo --set federation.rounds=20
    tradefair runs list --json
"""

import experiments

__all__ = ["experiments"]
