import math
import unicodedata
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from experiments.report.charts import alternative, svg
from experiments.report.text import LONGEST, moment, printable, visible, written


def test_numbers_are_written_by_their_unit():
    assert written(0.12345, "1") == "0.1235"
    assert written(-0.00001, "1") == "0.0000"
    assert written(1234567, "nano-rho") == "1,234,567"
    assert written(1e-6, "delta") == "1e-06"
    assert written(4.0, "epsilon") == "4"
    assert written(12.34, "s") == "12.3 s"
    assert written(3, "people") == "3 people"
    for nothing in (None, math.nan, math.inf, True, "3"):
        assert written(nothing, "1") == "not measured"


@given(st.text())
def test_nothing_hidden_is_left_in_a_shown_text(text):
    for show in (visible, printable):
        assert not {unicodedata.category(char) for char in show(text)} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=LONGEST))
def test_a_plain_text_is_shown_as_it_is(text):
    assert visible(text) == text


def test_a_long_text_is_cut_and_named_by_its_hash():
    shown = visible("y" * 5000)
    assert shown.startswith("y" * LONGEST + "…")
    assert "5,000 characters" in shown
    assert visible("y" * 4999 + "z").rpartition("SHA-256")[2] != shown.rpartition("SHA-256")[2]


def test_letters_that_the_pdf_lacks_are_shown_by_their_code_point():
    assert printable("é ε ≤ 中") == "é ε ≤ ⟨U+4E2D⟩"


def test_a_moment_is_written_to_the_second_in_utc():
    assert moment("2026-03-01T11:30:00.5+02:00") == "2026-03-01 09:30:00 UTC"
    assert moment("yesterday") == "yesterday"
    assert moment("2026-03-01T11:30:00") == "2026-03-01T11:30:00"


def points():
    number = st.floats(-1e6, 1e6)
    return st.lists(st.tuples(st.text(max_size=8), number, number, number), max_size=6)


@given(points(), st.sampled_from(["bars", "intervals"]))
def test_a_chart_is_well_formed_and_stays_in_its_frame(values, kind):
    values = [[label, *sorted(numbers)] for label, *numbers in values]
    values = [[label, middle, low, high] for label, low, middle, high in values]
    if kind == "bars":
        values = [[label, abs(value), abs(value), abs(value)] for label, value, _, _ in values]
    chart = {"kind": kind, "title": "Cost <of> things", "unit": "1", "points": values}
    root = ElementTree.fromstring(svg(chart, number=0))
    height = float(root.get("viewBox").split()[3])
    for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 <= float(circle.get("cx")) <= 640
    for bar in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert 0 <= float(bar.get("y")) <= float(bar.get("y")) + float(bar.get("height")) <= height


def test_the_alternative_says_how_many_and_from_where_to_where():
    chart = {"kind": "bars", "title": "Cost", "unit": "count", "points": [["a", 1, 1, 1], ["b", 5, 5, 5]]}
    assert alternative(chart) == "Cost: 2 values, from 1 (a) to 5 (b). The table holds the numbers."
