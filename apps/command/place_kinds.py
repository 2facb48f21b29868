"""Kinds of places that other rooms bring to `books/places.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from privacy.consent.tombstones import Tombstones
    from privacy.erasure import PlaceType, Store


def place_kinds() -> dict[str, PlaceType]:
    """Return the kinds by the name that a list of places calls them."""
    from matching.vector_place import VECTORS
    from privacy.erasure import PlaceType

    return {"vectors": VECTORS, "faces": PlaceType(keys={"path": str}, needed=("path",), make=_shop)}


def _shop(name: str, place: Mapping[str, Any], tombstones: Tombstones) -> Store:
    from experiments.assistant.erasure_place import ShopPlace  # half a second, for those who list one

    return ShopPlace(name, place["path"], tombstones=tombstones)
