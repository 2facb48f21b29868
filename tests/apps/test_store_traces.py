"""The part of the page Store for a merchant's own traces: the map, and every upload that is none."""

import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.csv_upload import MOST_BYTES, csv_place
from apps.store.traces import EXAMPLE, TRACES
from retail.errors import DataError

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"


def packed():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("traces.csv", b"0" * 50_000_000)
    return file.getvalue()


BAD = {
    "nothing": (b"", "is empty"),
    "packed": (packed(), "packed or binary"),
    "binary": (b"visit,time,x,y\n\x00\x01\x02", "packed or binary"),
    "not UTF-8": ("visit,time,x,y\nä,0,1,1\n".encode("latin-1"), "is not UTF-8"),
    "a million columns": (b"a," * 1_000_000 + b"b\n1\n", "more than 200 columns"),
    "other columns": (b"who,when\n1,2\n", "columns visit, time, x and y are missing"),
    "no row": (b"visit,time,x,y\n", "no row"),
    "outside": (b"visit,time,x,y\na,0,99,1\n", "x = 99 lies outside the plan"),
    "a formula": (b'visit,time,x,y\na,"=HYPERLINK(""http://a.example"")",1,1\n', "time"),
    "elsewhere": (b"visit,time,x,y\na,0,9.9,2\na,1,9.9,2\n", "lie in walls or fixtures"),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE_VARIABLE, str(folder / "runs"))
        app = AppTest.from_file(MAIN, default_timeout=120)
        app.query_params.update({"plan": "corner-shop", "part": TRACES})
        app.switch_page("app_pages/store.py").run()
        yield app


def upload(app, name, content):
    app.file_uploader(key="traces").set_value([(name, content, "text/csv")]).run()
    assert not app.exception
    return app


@pytest.mark.parametrize("what", ["visits", "dwell", "flow"])
def test_traces_are_drawn_and_the_busiest_square_named(page, what):
    page.get_by_key("traces_what").set_value(what)
    upload(page, "mine.csv", EXAMPLE.encode())
    assert not page.error
    assert page.subheader[0].value.startswith("1 visit on 1 day: most around")
    table = page.dataframe[-1].value
    assert table["value"].is_monotonic_decreasing
    if what == "dwell":  # 45 s until the last point are spent at 2.2, 1.0
        assert (table["x_m"].iloc[0], table["y_m"].iloc[0], table["value"].iloc[0]) == (2.5, 1.5, 45.0)


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_trace_is_one_message_and_nothing_is_kept(page, kind):
    content, message = BAD[kind]
    folders = set(Path(tempfile.gettempdir()).glob("tradefair-upload-*"))
    upload(page, "../../*mine*.csv", content)
    (told,) = page.error
    assert message in told.value.replace("\\", "")
    assert tempfile.gettempdir() not in told.value
    assert set(Path(tempfile.gettempdir()).glob("tradefair-upload-*")) == folders


def test_too_large_a_file_is_not_even_decoded():
    with pytest.raises(DataError, match="more than 26,214,400"), csv_place("large.csv", b"a" * (MOST_BYTES + 1)):
        pytest.fail("it was read")
