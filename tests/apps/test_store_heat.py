"""Heat maps and flows as the command draws and lists them."""

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from apps.command.main import main
from apps.store.flow_paint import ARROW, MEANING, Flow, arrows
from apps.store.heat import found_heat, kinds, simulated_maps
from apps.store.heat_paint import Heat
from apps.store.plan_picture import svg
from simulation.store.plan import load_plan

PLAN = load_plan("corner-shop")
EAST = "visit,time,x,y\na,0,2.2,3.2\na,5,3.2,3.2\na,9,4.2,3.2\nb,0,2.2,3.2\nb,5,3.2,3.2\nb,9,2.2,3.2\n"


def tips(drawing):
    """Middle of the tail and tip of every arrow."""
    (path,) = re.findall(rf'<path fill="{ARROW}"[^>]* d="([^"]*)"', drawing)
    for arrow in path.strip("Mz").split("zM"):
        points = np.array([[float(one) for one in point.split()] for point in arrow.split("L")])
        yield (points[0] + points[-1]) / 2, points[3]


def test_a_flow_of_traces_counts_moves_to_each_side_and_its_arrows_point_where_more_go(capsys, tmp_path):
    traces, drawing = tmp_path / "traces.csv", tmp_path / "flow.svg"
    traces.write_text(EAST)
    arguments = ["store", "heat", "corner-shop", "--what", "flow", "--traces", str(traces)]
    assert main([*arguments, "--to", str(drawing), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows[0] == {"x_m": 2.5, "y_m": 3.5, "value": 2, "unit": "moves a day", "east": 2, "west": 0, "south": 0,
                       "north": 0}  # fmt: skip
    assert [(row["east"], row["west"]) for row in rows] == [(2, 0), (1, 1)]
    assert main(arguments) == 0
    assert "east" in capsys.readouterr().out
    ((tail, tip),) = tips(drawing.read_text())  # as many go as come back in the second square
    assert tip[0] > tail[0]
    assert tip[1] == pytest.approx(tail[1])


def test_a_simulated_flow_is_drawn_in_front_of_the_fixtures():
    maps, about = simulated_maps(PLAN, kinds("flow"), shoppers=50, days=2, seed=0)
    assert about.days == 2
    found = found_heat(maps)
    flow = found.flow
    assert flow.days == 2
    assert np.array_equal(flow.total, flow.east + flow.west + flow.south + flow.north)
    inside = (0 < flow.x) & (flow.x < PLAN.width) & (0 < flow.y) & (flow.y < PLAN.depth)
    assert inside.all()
    drawing = found.drawn(PLAN)
    assert MEANING in drawing
    assert drawing.index("<polygon") < drawing.index(f'<path fill="{ARROW}"')
    assert len(list(tips(drawing))) > 20
    ET.fromstring(drawing)


def test_an_empty_flow_draws_no_arrow():
    nothing = np.zeros((2, 2))
    flow = Flow(nothing, nothing, nothing, nothing, nothing, nothing, 1.0, 1)
    assert arrows(flow, width_m=2.0, scale=16) == ""
    assert "<path" not in svg(PLAN, flow.heat())


def test_in_a_wide_plan_four_squares_share_an_arrow_that_stands_in_the_busiest():
    east = np.array([[1.0, 0.0], [5.0, 0.0]])
    none = np.zeros((2, 2))
    x, y = np.array([[0.5, 1.5], [0.5, 1.5]]), np.array([[0.5, 0.5], [1.5, 1.5]])
    flow = Flow(east, none, none, none, x, y, 1.0, 1)
    assert arrows(flow, width_m=10, scale=10).count("M") == 2
    ((tail, tip),) = tips(arrows(flow, width_m=100, scale=10))
    assert (tail[1], tip[1]) == pytest.approx((15, 15))


@pytest.mark.parametrize("name", ["corner-shop", "supermarket"])
def test_the_legend_stays_within_the_drawing(name):
    plan = load_plan(name)
    values = np.full((4, 4), 1234.0)
    drawing = svg(plan, Heat(values, 1.0, "moves a day"), notes=((ARROW, MEANING),))
    root = ET.fromstring(drawing)
    left, top, width, height = map(float, root.get("viewBox").split())
    texts = [one for one in root.iter("{http://www.w3.org/2000/svg}text") if float(one.get("y")) > plan.depth * 16]
    assert len(texts) == 3
    for one in texts:
        size = float(one.get("font-size"))
        assert float(one.get("x")) + 0.55 * size * len(one.text) <= left + width
        assert float(one.get("y")) <= top + height


def traced(tmp_path, rows):
    path = tmp_path / "traces.csv"
    path.write_text("visit,time,x,y\n" + rows)
    return ["store", "heat", "corner-shop", "--traces", str(path)]


def test_a_map_says_of_which_store_how_many_days_and_how_many_visits_it_is(capsys, tmp_path):
    arguments = traced(tmp_path, "a,0,2.2,3.2\na,5,3.2,3.2\nb,0,2.2,3.2\n")
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("Corner shop: 2 visits on 1 day, 3 points from ")
    assert main([*arguments, "--json"]) == 0
    about = json.loads(capsys.readouterr().out)["about"]
    assert about == {
        "plan": "Corner shop",
        "source": arguments[-1],
        "days": 1,
        "visits": 2,
        "points": 3,
        "off_floor": 0,
    }
    assert main(["store", "heat", "corner-shop", "--shoppers", "30", "--days", "2", "--json"]) == 0
    about = json.loads(capsys.readouterr().out)["about"]
    assert (about["source"], about["days"], about["points"]) == ("simulated", 2, None)
    assert 20 < about["visits"] < 110


def test_points_in_walls_and_shelves_are_counted_aloud_and_refused_when_they_are_most(capsys, tmp_path):
    shelf = next(one for one in PLAN.fixtures if one.kind == "shelf")
    inside = f"{shelf.middle[0]},{shelf.middle[1]}\n"
    assert main(traced(tmp_path, f"a,0,2.2,3.2\na,5,3.2,3.2\na,6,{inside}")) == 0
    assert "1 of 3 points (33.3%) lie in walls or fixtures of the plan" in capsys.readouterr().err
    assert main(traced(tmp_path, f"a,0,2.2,3.2\na,5,{inside}a,6,{inside}")) == 2
    said = capsys.readouterr()
    assert "2 of 3 points lie in walls or fixtures of Corner shop; use metres from the plan's upper left" in said.err
    assert said.out == ""


@pytest.mark.parametrize("option", ["--days", "--shoppers", "--seed"])
def test_options_of_simulated_days_are_refused_beside_traces(option, capsys, tmp_path):
    assert main([*traced(tmp_path, "a,0,2.2,3.2\n"), option, "2"]) == 2
    assert f"{option} is for simulated days" in capsys.readouterr().err
