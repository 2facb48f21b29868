import json

import numpy as np
import pytest

from apps.command.main import main
from matching.embeddings import Embeddings
from matching.index import VectorIndex

PLACES = """
[[place]]
name = "tables"
kind = "tables"
path = "my-shop"

[[place]]
name = "tastes"
kind = "vectors"
path = "tastes.index"
from = ["tables"]
"""


@pytest.fixture
def shop(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with a table, an index of its shoppers, and a list of both places."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "books").mkdir()
    (tmp_path / "my-shop").mkdir()
    (tmp_path / "books" / "places.toml").write_text(PLACES)
    (tmp_path / "my-shop" / "shoppers.csv").write_text("person_id\n16\n17\n")
    index = VectorIndex("taste-1", 4)
    index.add([16, 17], Embeddings.scaled(np.array([[1.0, 2, 3, 4], [4, 3, 2, 1]]), "taste-1"))
    index.save("tastes.index")

    def run(*arguments):
        code = main(["erasure", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_the_command_finds_and_erases_a_person_in_an_index_and_notices_a_backup(shop, tmp_path):
    backup = (tmp_path / "tastes.index").read_bytes()
    code, out, _ = shop("plan", "17", "--json")
    rows = {row["place"]: row for row in json.loads(out)["rows"]}
    assert (code, rows["tastes"]["found"], rows["tastes"]["because"]) == (0, 1, ["tables"])
    code, out, _ = shop("run", "17")
    assert code == 0
    assert "CLOSED" in out
    assert VectorIndex.load("tastes.index").ids.tolist() == [16]
    assert shop("check")[1] == "1 folders of tables and 1 indexes of vectors: nobody in them was erased\n"
    (tmp_path / "tastes.index").write_bytes(backup)
    code, out, _ = shop("check")
    assert (code, "tastes: 1 rows are of people who were erased" in out) == (1, True)


def test_an_index_that_cannot_be_read_ends_the_command_with_one_line(shop, tmp_path):
    (tmp_path / "tastes.index").write_bytes(b"something else")
    code, out, err = shop("run", "17")
    assert (code, out) == (2, "")
    assert "no vector index" in err
    assert "Traceback" not in err
    assert (tmp_path / "my-shop" / "shoppers.csv").read_text() == "person_id\n16\n17\n"
