"""Ways to drive the server's and the nodes' apps.

Enters: a `FederationConfig`. Leaves: the server's Flower context with the model and the report. `inprocess` runs both
apps in one process.

    context = inprocess.drive(config, nodes=99)
"""

__all__ = ["inprocess"]
