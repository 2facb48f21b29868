"""Ways to drive the server's and the nodes' apps.

Enters: a `FederationConfig`. Leaves: the model and the report. `inprocess` runs both apps in one process; `cohort` does
without messages, for many merchants in a simulation; `ray` is Flower's own simulation; `deploy` is a federation over a
network.

    context = inprocess.drive(config, nodes=99)
    model, report = ray.drive(config, nodes=99)
"""

__all__ = ["cohort", "deploy", "inprocess", "ray"]
