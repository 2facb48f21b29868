"""Face encoders trained across merchants.

Enters: a `FederationConfig` with task "faces" and a `FaceSource`. Leaves: a model, which `FaceTask.encoder` and
`export_encoder` turn into a program that other rooms load without this one.

    from federation.config import FederationConfig
    from federation.run import run
    from retail.faces import FaceSource

    config = FederationConfig(task="faces", source=FaceSource(source="orl"), now=0, rounds=80, steps=4, clip_norm=None)
    model = run(config).model
"""

__all__ = ["encoder", "holdings", "net", "task"]
