"""Every uploader of the app against what is no file of its kind: one clear message, and nothing is kept.

Each is asked through the function that reads its bytes, or through its page where the page itself reads them. Streamlit
stops more than 25 MB at the server; each reader stops it too. Downloads as CSV are here as well: a formula that
somebody sent must not run in the spreadsheet of whoever opens the table later.
"""

import ast
import io
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from apps.command import web
from apps.command.web import STORE_VARIABLE
from apps.compliance import log_check, rule_table
from apps.csv_download import csv_bytes
from apps.csv_upload import csv_place
from apps.market import upload as market_upload
from apps.market.upload import read_upload
from apps.research import drafts
from apps.store.heat import kinds, traced_maps
from experiments.assistant import read_picture
from experiments.report.text import visible
from retail.errors import TradefairError
from simulation.store.plan import bundled_plans, load_plan

APPS = Path(__file__).parent.parent.parent / "apps"
MB26 = 26 * 1024**2
ODD = "../../*mine*\n[x](y)"


def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("impressions.csv", b"0" * 20 * 1024**2)
    return file.getvalue()


def picture():
    file = io.BytesIO()
    Image.new("L", (64, 64), 200).save(file, "PNG")
    return file.getvalue()


def told(read):
    """Read with a function that raises; return its message."""

    def asked(name, content):
        try:
            read(name, content)
        except TradefairError as error:
            return str(error)
        return ""

    return asked


@told
def traces(name, content):
    with csv_place(name, content) as path:
        traced_maps(load_plan(next(iter(bundled_plans()))), kinds("visits"), path)


@told
def rules(name, content):
    found = rule_table.check(rule_table.as_csv(rule_table.of_upload(name, content)))
    if len(found.problems):
        raise TradefairError(str(found.problems["What to do"].iloc[0]))


def on_page(page, key, **query):
    """Ask a page that reads an upload itself; it is opened once."""
    opened = []

    def asked(name, content):
        if not opened:
            app = AppTest.from_file(APPS / "main.py", default_timeout=60)
            app.query_params.update(query)
            opened.append(app.switch_page(f"app_pages/{page}.py").run())
        app = opened[0]
        app.file_uploader(key=key).set_value([(f"{name}.toml", content, "text/plain")]).run()
        assert not app.exception
        (said,) = app.error
        return said.value

    return asked


def certificate():
    from pathlib import Path

    from apps.compliance.people_books import PeopleBooks
    from apps.compliance.people_view import check_certificate

    check_certificate(PeopleBooks(Path("nowhere")))


def certificates(name, content):
    app = AppTest.from_function(certificate, default_timeout=60).run()
    app.file_uploader(key="certificate").set_value([(f"{name}.json", content, "application/json")]).run()
    (said,) = [*[one.message for one in app.exception], *[one.value for one in app.error]]
    assert "Invalid file extension" not in said
    return said


UPLOADERS = {
    "sent": told(lambda name, content: drafts.uploaded(content, name)),
    "rules_file": rules,
    "witness": told(lambda name, content: log_check.read_uploaded(content)),
    "certificate": certificates,
    "own_plan": on_page("store", "own_plan", plan="Your own file"),
    "traces": traces,
    "{key}_file": told(lambda name, content: read_picture(content, name=name)),
    "market_files": told(lambda name, content: read_upload([(f"{name}/impressions.csv", content)])),
}
"""Key of each uploader -> what returns the message about a file of some name, empty where it is taken."""
FILES = {
    "wrong type": picture(),
    "zip bomb": bomb(),
    "formula": b"=HYPERLINK(1),+1,@A1\n=2,-cmd,@x\n",
    "path name": b"",
    "26 MB": b"a" * MB26,
    "binary": b"id,who\n\x00\x01\x02\xff",
    "a million columns": b"a," * 1_000_000 + b"a\n",
}


def test_every_uploader_of_the_app_is_tried():
    keys = set()
    texts = [path.read_text(encoding="utf-8") for path in APPS.rglob("*.py")]
    for text in texts:
        for node in ast.walk(ast.parse(text)) if "file_uploader(" in text else ():
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "file_uploader":
                keys |= {ast.unparse(one.value).strip("f'\"") for one in node.keywords if one.arg == "key"}
    assert keys == set(UPLOADERS)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """Where nothing may be left: the folder of temporary files, the current one, and the run store."""
    place = tmp_path_factory.mktemp("uploads")
    (place / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(place / "tmp"))
        patch.setenv(STORE_VARIABLE, str(place / "runs"))
        patch.setattr(market_upload, "MOST_UNPACKED", 1024**2)
        patch.chdir(place)
        yield place


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("key", UPLOADERS)
def test_what_is_no_file_of_the_kind_is_one_clear_message_and_nothing_is_kept(quiet, key, kind):
    if (key, kind) == ("{key}_file", "wrong type"):
        assert UPLOADERS[key](ODD, picture()) == ""
        return
    said = visible(UPLOADERS[key](ODD, FILES[kind]))  # as every page shows a message
    assert 10 < len(said) < 400
    assert "\n" not in said
    assert str(quiet) not in said
    assert "Traceback" not in said
    assert sorted(quiet.rglob("*")) == [quiet / "tmp"]


def test_the_server_takes_25_mb_at_most():
    assert "--server.maxUploadSize=25" in Path(web.__file__).read_text(encoding="utf-8")
    assert "more than 26,214,400" in UPLOADERS["market_files"]("large", b"a" * MB26)


def test_no_cell_of_a_download_is_run_by_a_spreadsheet():
    table = pd.DataFrame(
        {"=label": ["=1+1", "@x", "+A1", "-cmd|' /C calc'!A0", "\uff1d1", " =2", "a=b"], "value": [-1.5] * 7,
         "text": ["-1.5", "+2", "-3%", "", "x", "-1.5 [-2, -1]", None]}
    )  # fmt: skip
    read = pd.read_csv(io.BytesIO(csv_bytes(table)), dtype=str, keep_default_na=False)
    assert list(read.columns) == ["'=label", "value", "text"]
    assert read["'=label"].tolist() == [
        "'=1+1", "'@x", "'+A1", "'-cmd|' /C calc'!A0", "'\uff1d1", "' =2", "a=b",
    ]  # fmt: skip
    assert read["value"].tolist() == ["-1.5"] * 7
    assert read["text"].tolist() == ["-1.5", "+2", "-3%", "", "x", "'-1.5 [-2, -1]", ""]


@pytest.mark.parametrize("unseen", ["\x00", "\x0b", "\u200b", "\ufeff"])
def test_a_formula_behind_a_letter_that_nobody_sees_is_not_run_either(unseen):
    assert csv_bytes(pd.DataFrame({f"{unseen}=1": pd.Categorical([f"{unseen}@x"])})).decode() == (
        f"'{unseen}=1\n'{unseen}@x\n"
    )


def test_every_table_that_a_page_gives_as_csv_is_made_harmless():
    for path in APPS.rglob("*.py"):
        if path.parent.name != "command" and path.name != "csv_download.py":
            assert ".to_csv(" not in path.read_text(encoding="utf-8"), path


def test_rules_that_hold_a_formula_can_neither_be_asked_nor_downloaded():
    text = rule_table.as_csv(rule_table.blank()).replace("We do not touch", "=HYPERLINK(1) We do not touch")
    found = rule_table.check(text)
    assert found.problems[["Row", "Column"]].values.tolist() == [[1, "sentence"]]
    assert not found.mark
    assert found.english.empty
