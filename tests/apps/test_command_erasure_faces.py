"""`tradefair erasure` over a shop's folder for faces, named in the list of places."""

import json
import shutil

import pytest
from face_shop import copy_of, live_pictures, make_face_shop
from made_once import made_once

from apps.command.main import main
from experiments.assistant import Shop, enrol, read_picture, receipts_for

PLACES = '[[place]]\nname = "faces of m1"\nkind = "faces"\npath = "faces"\n'


@pytest.fixture
def shop(tmp_path_factory, tmp_path, monkeypatch):
    """A folder with a shop in which one customer is enrolled, and a list with this one place."""
    monkeypatch.chdir(tmp_path)
    opened = Shop.open(copy_of(made_once(tmp_path_factory, "face-shop", make_face_shop), tmp_path / "faces"))
    picture = read_picture(live_pictures(opened, 32)[0])
    enrol(opened, "17", [picture], receipts_for(opened, "17", ["in_store_recognition", "payment"]))
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "places.toml").write_text(PLACES)
    return opened


def test_the_command_plans_erases_and_notices_an_old_copy_of_the_vault(shop, tmp_path, capsys):
    def erasure(*arguments):
        code = main(["erasure", *arguments])
        return code, capsys.readouterr().out

    shutil.copy(tmp_path / "faces" / "vault.sqlite", tmp_path / "backup")
    code, out = erasure("plan", "17", "--json")
    rows = {row["place"]: row for row in json.loads(out)["rows"]}
    assert (code, rows["faces of m1"]["action"]) == (0, "erase")
    assert rows["faces of m1"]["found"] >= 2
    code, out = erasure("run", "17")
    assert (code, "CLOSED" in out) == (0, True)
    assert shop.vault.holds(shop.register.token("17")) == 0
    said = "0 folders of tables and 1 shops for faces: nobody in them was erased\n"
    assert erasure("check") == (0, said)
    shutil.copy(tmp_path / "backup", tmp_path / "faces" / "vault.sqlite")
    code, out = erasure("check")
    assert (code, "faces of m1: 2 rows are of people who were erased" in out) == (1, True)


def test_a_shop_whose_register_has_gone_ends_the_command_with_one_line(shop, tmp_path, capsys):
    (tmp_path / "faces" / "consent.sqlite").unlink()
    assert main(["erasure", "run", "17"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "has no consent.sqlite" in err
    assert "Traceback" not in err
