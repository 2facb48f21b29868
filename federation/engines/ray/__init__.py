"""Flower's own simulation on Ray: for comparison with the other engines, and for work that Ray spreads over hosts.

Enters: a `FederationConfig`. Leaves: the model and the report. A SuperLink of our own runs the simulation, with its
own home and a free port, and is gone afterwards, Ray with it.

    model, report = ray.drive(config, nodes=99)
"""

from federation.engines.ray.drive import drive

__all__ = ["drive"]
