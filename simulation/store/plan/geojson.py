"""A plan for tools that draw maps."""

from __future__ import annotations

from typing import Any

from simulation.store.plan.plan import StorePlan


def to_geojson(plan: StorePlan) -> dict[str, Any]:
    """Return the plan as a GeoJSON FeatureCollection of polygons.

    Coordinates are metres in the store's own frame, from the lower left corner with y to the north (GeoJSON draws
    upwards), not degrees; the outline of the store comes first, then zones, then fixtures.

    Source: RFC 7946; rings run counterclockwise (3.1.6).
    """
    whole = ((0.0, 0.0), (plan.width, 0.0), (plan.width, plan.depth), (0.0, plan.depth))
    features = [_feature(plan, whole, name=plan.name, kind="store")]
    for zone in plan.zones:
        right, bottom = zone.x + zone.width, zone.y + zone.depth
        corners = ((zone.x, zone.y), (right, zone.y), (right, bottom), (zone.x, bottom))
        features.append(_feature(plan, corners, name=zone.name, kind="zone"))
    for one in plan.fixtures:
        extra = {
            "categories": list(one.categories) or None,
            "display": one.display,
            "till": one.till,
            "servers": one.servers if one.till else None,
            "sides": list(one.sides),
        }
        features.append(_feature(plan, one.corners, name=one.name, kind=one.kind, **extra))
    return {"type": "FeatureCollection", "features": features}


def _feature(plan: StorePlan, corners: tuple[tuple[float, float], ...], **properties: Any) -> dict[str, Any]:
    # Clockwise with y downwards becomes clockwise with y upwards, so the order is reversed.
    ring = [[round(x, 6), round(plan.depth - y, 6)] for x, y in reversed(corners)]
    kept = {key: value for key, value in properties.items() if value is not None}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, "properties": kept}
