import json

import pytest
from shapely.geometry import shape

from simulation.store.plan import bundled_plans, load_plan, to_geojson


@pytest.mark.parametrize("name", bundled_plans())
def test_outlines_are_valid_counterclockwise_and_inside_the_store(name):
    plan = load_plan(name)
    found = json.loads(json.dumps(to_geojson(plan)))
    assert found["type"] == "FeatureCollection"
    store, *others = found["features"]
    assert shape(store["geometry"]).area == plan.area_m2
    for feature in others:
        polygon = shape(feature["geometry"])
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        assert shape(store["geometry"]).buffer(1e-5).contains(polygon)
    names = [one["properties"]["name"] for one in others if one["properties"]["kind"] != "zone"]
    assert names == [one.name for one in plan.fixtures]


def test_north_is_up_and_contents_are_told():
    plan = load_plan("corner-shop")
    features = {one["properties"]["name"]: one for one in to_geojson(plan)["features"]}
    dairy, till = features["dairy-1"], features["till-1"]
    assert shape(dairy["geometry"]).bounds == (0.0, 7.5, 2.0, 8.0)
    assert dairy["properties"]["categories"] == ["dairy"]
    assert (till["properties"]["till"], till["properties"]["sides"]) == ("lane", ["north"])
    assert "till" not in dairy["properties"]
