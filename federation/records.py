"""Models as Flower records, and back."""

from __future__ import annotations

import numpy as np
from flwr.app import Array, ArrayRecord

from federation.task import Model


def to_record(model: Model) -> ArrayRecord:
    """Serialise a model; names, shapes and dtypes are kept."""
    return ArrayRecord({name: Array(np.asarray(value)) for name, value in model.items()})


def from_record(record: ArrayRecord) -> Model:
    """Read a model; the arrays are fresh copies."""
    return {name: array.numpy() for name, array in record.items()}
