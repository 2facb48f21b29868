"""Messages of a secure aggregation as Flower records, and back; whatever else arrives is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict

from federation.replies import read_vector
from federation.secagg.keys import Advertisement
from federation.secagg.masks import Ring
from retail.errors import PrivacyError

RECORD: Final = "secagg"
"""Name of the one record that carries a step of the protocol."""
MASKED: Final = "masked"
_MOST_BYTES: Final = 1_000


def keys_record(advertised: Sequence[Advertisement]) -> ConfigRecord:
    """Return a record of public keys."""
    return ConfigRecord({
        "node": [one.node for one in advertised],
        "seal_key": [one.seal_key for one in advertised],
        "mask_key": [one.mask_key for one in advertised],
        "signature": [one.signature for one in advertised],
    })  # fmt: skip


def read_keys(record: ConfigRecord) -> list[Advertisement]:
    """Read public keys; signatures are the protocol's to check.

    Raises: PrivacyError: it is something else.
    """
    nodes = _whole_numbers(record, "node")
    columns = [_texts(record, name, len(nodes)) for name in ("seal_key", "mask_key", "signature")]
    _only(record, "node", "seal_key", "mask_key", "signature")
    return [Advertisement(*row) for row in zip(nodes, *columns, strict=True)]


def parcel_record(parcels: Mapping[int, bytes]) -> ConfigRecord:
    """Return a record of something for, from or about each of several nodes."""
    return ConfigRecord({"node": list(parcels), "parcel": list(parcels.values())})


def read_parcels(record: ConfigRecord) -> dict[int, bytes]:
    """Read what `parcel_record` wrote.

    Raises: PrivacyError: it is something else, or names a node twice.
    """
    nodes = _whole_numbers(record, "node")
    parcels = _texts(record, "parcel", len(nodes))
    _only(record, "node", "parcel")
    if len(set(nodes)) != len(nodes):
        raise PrivacyError("a message of the secure aggregation names a node twice")
    return dict(zip(nodes, parcels, strict=True))


def survivors_record(survivors: Collection[int]) -> ConfigRecord:
    """Return a record of the nodes whose vectors are in."""
    return ConfigRecord({"node": sorted(survivors)})


def read_survivors(record: ConfigRecord) -> list[int]:
    """Read what `survivors_record` wrote. Raises: PrivacyError: it is something else."""
    _only(record, "node")
    return _whole_numbers(record, "node")


def masked_content(vector: Ring) -> RecordDict:
    """Return the content of a reply with a masked vector."""
    return RecordDict({MASKED: ArrayRecord({MASKED: Array(vector)})})


def read_masked(reply: Message, *, size: int) -> Ring | None:
    """Read a masked vector; None for anything else."""
    return read_vector(reply, MASKED, size=size, dtype=np.uint64)


def reply_record(reply: Message) -> ConfigRecord | None:
    """Return the one record of a reply; None for an error or anything else."""
    if reply.has_error() or not reply.has_content() or list(reply.content) != [RECORD]:
        return None
    record = reply.content[RECORD]
    return record if isinstance(record, ConfigRecord) else None


def _whole_numbers(record: ConfigRecord, name: str) -> list[int]:
    values = record.get(name, [])
    if not isinstance(values, list) or not all(type(one) is int and one >= 0 for one in values):
        raise PrivacyError(f"a message of the secure aggregation lacks whole numbers under {name!r}")
    return [int(one) for one in values]


def _texts(record: ConfigRecord, name: str, count: int) -> list[bytes]:
    values = record.get(name, [])
    if not isinstance(values, list) or len(values) != count:
        raise PrivacyError(f"a message of the secure aggregation lacks {count} values under {name!r}")
    if not all(isinstance(one, bytes) and len(one) <= _MOST_BYTES for one in values):
        raise PrivacyError(f"a message of the secure aggregation holds something else than bytes under {name!r}")
    return [bytes(one) for one in values]  # type: ignore[arg-type]


def _only(record: ConfigRecord, *names: str) -> None:
    if set(record) != set(names):
        raise PrivacyError(f"a message of the secure aggregation holds {sorted(record)}, not {sorted(names)}")
