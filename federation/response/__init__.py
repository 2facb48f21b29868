"""Response and uplift models trained across merchants, a few numbers from each person.

Enters: a `FederationConfig` with task "response" and a `ResponseSource`. Leaves: a model that `task.predict` turns into
how likely people respond, or how much more likely an advertisement makes it.

    from federation.config import FederationConfig
    from federation.run import run

    config = FederationConfig(task="response", source=source, now=0, options={"learner": "x"}, rounds=3, epsilon=1.0)
    model = run(config).model
"""

__all__ = ["holdings", "settings", "task"]
