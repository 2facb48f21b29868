"""Error rates against the number of people: what is drawn, and that it is on the page."""

import json
import math

import altair as alt
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from apps.faces.charts import by_people
from apps.faces.results import finding
from apps.faces.table import by_people as people_rows

SIZES = (40, 400, 4000)
GAINS = {"mean-1": (0.01, 0.0, -0.01), "mean-8": (-0.005, -0.01, -0.01)}


def row(arm, people, eer, **more):
    usual = {"arm": arm, "label": "Mean", "method": "federated", "epsilon": None, "origins": [0], "seeds": [0]}
    rest = {"n_shoppers": 10, "missing_runs": 0, "run_ids": [], "sweep": {"data.people": people}, "seconds": 1.0}
    return {**usual, **rest, "eer": eer, "eer_lo": eer - 0.02, "eer_hi": eer + 0.02, **more}


@pytest.fixture
def document():
    rows, differences = [], []
    for place, size in enumerate(SIZES):
        rows.append(row("drawings", size, 0.32, method="untrained", label="Nobody's picture"))
        for arm, gains in GAINS.items():
            rows.append(row(arm, size, 0.32 + gains[place], epsilon=float(arm[-1])))
            ends = {"value": gains[place], "lo": gains[place] - 0.004, "hi": gains[place] + 0.004}
            where = {"provenance": {"runs": [], "sweep": {"data.people": size}}}
            differences.append({"name": f"difference(eer, {arm}, drawings)", **ends, **where})
    return {
        "title": "Faces", "rows": rows, "differences": differences, "targets": [], "failures": [], "unfinished": [],
    }  # fmt: skip


def test_each_rate_stands_at_its_number_of_people_with_the_difference_from_the_control_in_points(document):
    found = people_rows(document["rows"], document["differences"], "eer")
    assert [one.people for one in found] == [size for size in SIZES for _ in range(3)]
    first, last = found[1], found[-1]
    assert (first.label, last.label) == ("Mean, ε 1", "Mean, ε 8")
    assert last.values == pytest.approx((0.31, 0.29, 0.33))
    assert first.against == pytest.approx((1.0, 0.6, 1.4))
    assert found[0].against is None


def test_what_nobody_measured_and_other_sweeps_are_left_out(document):
    rows = [row("mean-8", 40, math.nan), row("mean-8", 40, 0.3, sweep={"data.merchants": 2})]
    assert people_rows(rows, document["differences"], "eer") == []


def test_arms_stand_beside_each_other_and_differences_have_a_line_at_zero():
    table = pd.DataFrame(
        [{"Arm": arm, "people": size, "value": 1.0, "lo": 0.5, "hi": 1.5} for arm in "ABC" for size in SIZES]
    )
    drawn = by_people(table, title="EER").to_dict()
    kept = next(rows for rows in drawn["datasets"].values() if "Arm" in rows[0])
    places = {(one["Arm"], one["people"]): one["beside"] for one in kept}
    assert len(set(places.values())) == len(places)
    assert places["B", 400] == 400
    assert max(abs(math.log(place / people)) for (_, people), place in places.items()) < math.log(10) / 4
    marks = [layer["mark"]["type"] for layer in drawn["layer"]]
    assert marks == ["rule", "line", "point"]
    from_zero = by_people(table, title="EER", from_zero=True)
    assert isinstance(from_zero, alt.LayerChart)
    assert from_zero.to_dict()["layer"][0]["encoding"]["y"]["field"] == "zero"


def test_of_several_private_arms_with_one_epsilon_the_title_says_how_many_gain_and_not_only_the_first():
    rows = [row("drawings", 40, 0.3, method="untrained", sweep={})]
    differences = []
    for arm, value in (("first", 0.0), ("second", -0.02), ("third", -0.01), ("fourth", 0.05)):
        rows.append(row(arm, 40, 0.3 + value, epsilon=8.0, sweep={}))
        ends = {"value": value, "lo": value - 0.004, "hi": value + 0.004, "provenance": {"runs": []}}
        differences.append({"name": f"difference(eer, {arm}, drawings)", **ends})
    said = finding(rows, differences, "")
    assert said.startswith("At epsilon 8, 2 of 4 private arms lower EER clearly")
    assert said.endswith("and 1 raise it")


def _page(root):
    import json
    from pathlib import Path

    from apps.faces.results import show_face_results
    from experiments.runs import RunStore

    show_face_results(RunStore(Path(root)), "tiny", json.loads((Path(root) / "summary.json").read_text()))


def charts_on_page(folder, document):
    (folder / "summary.json").write_text(json.dumps(document))
    shown = AppTest.from_function(_page, args=(str(folder),), default_timeout=30).run()
    assert not shown.exception
    return [one.proto.alt for one in shown.get("vega_lite_chart")]


def test_two_charts_show_an_arm_alike_though_one_of_them_leaves_the_control_out():
    table = pd.DataFrame([{"Arm": "B", "people": size, "value": 1.0, "lo": 0.5, "hi": 1.5} for size in SIZES])
    drawn = by_people(table, title="EER", arms=["A", "B"]).to_dict()
    for layer in drawn["layer"]:
        scales = [channel["scale"] for name, channel in layer["encoding"].items() if name in ("color", "shape")]
        assert scales
        assert all(scale["domain"] == ["A", "B"] for scale in scales)


def test_the_page_opens_at_the_largest_number_of_people_and_compares_with_the_control_first(tmp_path, document):
    (tmp_path / "summary.json").write_text(json.dumps(document))
    shown = AppTest.from_function(_page, args=(str(tmp_path),), default_timeout=30).run()
    chosen = {one.label: one.value for one in shown.selectbox}
    assert chosen == {"Sweep point": "data.people = 4000", "Compared with": "Nobody's picture"}


def test_the_page_draws_the_rate_and_the_gain_by_the_number_of_people(tmp_path, document):
    charts = charts_on_page(tmp_path, document)
    assert any("against the number of people, one line per arm, with 95%" in one for one in charts)
    assert any("clearly above the arm that sees nobody" in one for one in charts)
    assert any(one.startswith("EER in % with 4,000 people: ") for one in charts)


def test_with_one_number_of_people_there_is_nothing_to_draw_a_line_through(tmp_path, document):
    rows = [one for one in document["rows"] if one["sweep"]["data.people"] == 40]
    charts = charts_on_page(tmp_path, {**document, "rows": rows, "differences": document["differences"][:2]})
    assert charts
    assert not any("number of people" in one for one in charts)
