import re
import tomllib
from pathlib import Path

from matching.inverted_lists import InvertedLists, cells_for
from matching.vector_place import VECTORS

PAGE = (Path(__file__).parents[2] / "docs" / "matching-index.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_the_example_prints_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("python")
    exec(compile(example, "docs/matching-index.md", "exec"), {})
    said = re.findall(r"^print\(.*#\s*(\w+)", example, flags=re.MULTILINE)
    assert capsys.readouterr().out.split() == said == ["17", "False", "999"]


def test_the_place_in_the_example_has_the_keys_that_the_code_knows():
    (place,) = tomllib.loads(blocks("toml")[0])["place"]
    assert place["kind"] == "vectors"
    assert set(place) - {"name", "kind", "from"} == set(VECTORS.keys)


def test_the_table_of_cells_is_what_the_code_does():
    rows = re.findall(r"^\| ([\d,]+) \| ([\d,]+) \| 64 \| (\d+) \|$", PAGE, flags=re.MULTILINE)
    assert len(rows) == 3
    for count, cells, read in rows:
        made = cells_for(int(count.replace(",", "")))
        assert made == int(cells.replace(",", ""))
        assert InvertedLists(type("Cells", (), {"nlist": made}), 0).usually_read == int(read)
