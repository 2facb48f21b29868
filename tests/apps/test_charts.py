"""Every chart of the app: a text that says the finding, axes with titles, and the same figures as a table."""

import ast
import threading
from pathlib import Path

import altair as alt
import pandas as pd
import pytest
from chart_rules import faults_of

from apps import drawn_chart
from apps.drawn_chart import show_chart

APPS = Path(__file__).parent.parent.parent / "apps"
TABLES = {"dataframe", "table", "data_editor", "twin"}
ELSEWHERE = {
    ("apps/research/compare_view.py", "_charts"): "_table",
    ("apps/compliance/access.py", "_maps"): "who_may",
    ("apps/market/choose.py", "choose_rules"): "_figures",
    ("apps/store/view.py", "differences"): "_table",
    ("apps/store/search_view.py", "changed_layout"): "what_stands_where",
    ("apps/faces/pictures.py", "show"): None,  # photographs of people, which are no figures
}
"""Where a chart's table is drawn by another function of its file, which stands beside it on the page."""


def calls_of(function):
    """Name and line of each call in a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield node, node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id


def shown_charts():
    for path in sorted(APPS.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not any(word in text for word in ("show_chart(", "vega_lite_chart(", "st.image(")):
            continue
        tree = ast.parse(text)
        functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for name, inside in {"": tree, **functions}.items():
            if name == "" and functions:
                inside = ast.Module([node for node in tree.body if not isinstance(node, ast.FunctionDef)], [])
            for call, called in calls_of(inside):
                if called in ("show_chart", "vega_lite_chart", "image") and path.name != "drawn_chart.py":
                    yield str(path.relative_to(APPS.parent)), name, call, inside, functions


CHARTS = list(shown_charts())


def test_all_charts_are_found():
    assert len(CHARTS) > 30


@pytest.mark.parametrize(
    ("file", "name", "call", "inside", "functions"), CHARTS,
    ids=[f"{file}:{call.lineno}" for file, _, call, _, _ in CHARTS],
)  # fmt: skip
def test_every_chart_has_an_alt_text_of_its_figures_and_a_table_after_it(file, name, call, inside, functions):
    if (file, name) in ELSEWHERE and ELSEWHERE[file, name] is None:
        return
    alt_text = next((one.value for one in call.keywords if one.arg == "alt"), None)
    assert alt_text is not None, "give the chart alt="
    assert not isinstance(alt_text, ast.Constant), "alt must say what these figures show, not what is drawn"
    place = ELSEWHERE.get((file, name))
    after = [called for one, called in calls_of(inside) if one.lineno > call.lineno]
    found = [called for _, called in calls_of(functions[place])] if place else after
    assert TABLES & set(found), "show the same figures as a table after the chart"


ROWS = pd.DataFrame({"arm": ["a", "b"], "value": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("y", "x", "text", "fault"),
    [
        ("arm:N", alt.X("value:Q", title="Visits a day"), "b has 2 visits a day, a 1", ""),
        ("arm:N", alt.X("value:Q", title=None), "b has 2 visits a day, a 1", "x has no title"),
        (alt.Y("value:Q"), alt.X("arm:N", title="Arm"), "b has 2 visits a day, a 1", "y has no title"),
        ("arm:N", alt.X("value:Q", title="Visits a day"), "Visits of each arm, with 95% intervals", "no figure"),
    ],
)
def test_a_chart_without_a_title_on_its_axis_or_a_figure_in_its_text_would_be_seen(y, x, text, fault):
    chart = alt.layer(alt.Chart(ROWS).mark_point().encode(y=y, x=x)).to_dict()
    assert (fault in "; ".join(faults_of(chart, text))) if fault else not faults_of(chart, text)


FIRST_DRAWS, SECOND_DRAWS = threading.Event(), threading.Event()


def first_chart():
    FIRST_DRAWS.set()
    SECOND_DRAWS.wait(0.3)  # it never does, unless both draw at once
    return alt.Chart(ROWS).mark_point().encode(x="value:Q")


def second_chart():
    SECOND_DRAWS.set()
    for one in threading.enumerate():
        if one.name == "first chart":
            one.join()
    return alt.Chart(pd.DataFrame({"value": range(6_000)})).mark_point().encode(x="value:Q")


def test_a_chart_of_many_rows_is_drawn_whole_also_while_another_ends(monkeypatch):
    shown = []
    monkeypatch.setattr(drawn_chart.st, "vega_lite_chart", lambda document, **_: shown.append(document))
    first = threading.Thread(target=show_chart, args=(first_chart,), kwargs={"alt": "two"}, name="first chart")
    first.start()
    FIRST_DRAWS.wait()
    show_chart(second_chart, alt="many")
    first.join()
    assert [len(rows) for one in shown for rows in one["datasets"].values()] == [2, 6_000]
