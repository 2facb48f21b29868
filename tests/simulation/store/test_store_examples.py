"""The examples of docs/store.md run as they stand, with fewer shoppers."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[3] / "docs" / "store.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
(TRACES,) = re.findall(r"^```\n(visit,time.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def smaller(text):
    """Fewer shoppers and layouts; everything else as on the page."""
    for long, short in (("shoppers=2000", "shoppers=40"), ("steps=60", "steps=2, held_out_days=2")):
        text = text.replace(long, short)
    return text


def run(*texts):
    names = {}
    for text in texts:
        exec(compile(smaller(text), "store.md", "exec"), names)
    return names


def block(word):
    (found,) = [text for text in BLOCKS if word in text]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "word",
    ["on_progress=", "quick = Layout(", "day = run_day(store, demand, settings)\nprint", "search(\n", "difference("],
)
def test_each_example_runs_alone_and_prints(word, capsys):
    run(block(word))
    assert capsys.readouterr().out.strip()


def test_traces_are_read_drawn_and_released_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "traces.csv").write_text(TRACES)
    names = run(block("read_traces("), block("choose_release("))
    assert names["traces"].visits == 2
    assert names["dwell"].values.sum() == 20
    assert (names["shown"] >= 0).all()


def test_every_example_of_the_page_is_tried():
    assert len(BLOCKS) == 7
