"""What a person chooses next, learned from sums over people who each keep their own list of choices.

Enters: shop rows in which a person's lines stand in the order of time (by day, then by basket number). Leaves: a model
that ranks products as that person's next one. `TagTask` knows products by public tags and can be learned under noise;
`ItemTask` knows every product by itself and is for arms without noise.

    from federation.config import FederationConfig
    from federation.run import run

    task = "federation.items.tagged:TagTask"
    config = FederationConfig(task=task, source=source, now=10_340, options={"tags": tags}, epsilon=8.0)
    model = run(config, engine="cohort").model
"""

__all__ = ["contexts", "itemwise", "settings", "tagged"]
