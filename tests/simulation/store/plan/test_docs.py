import re
import tomllib
from pathlib import Path

import pytest

from simulation.store import checks
from simulation.store.plan import apply_edits, load_plan, read_plan

PAGE = Path(__file__).parents[4] / "docs" / "store-plans.md"


@pytest.fixture(scope="module")
def blocks():
    return re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_plan_of_the_page_is_a_store(blocks):
    tables = [text for language, text in blocks if language == "toml"]
    plan = read_plan(tables[0] + tables[1])
    assert {"dairy-1", "till-1", "front-end-cap-1", "pillar"} <= {one.name for one in plan.fixtures}


def test_the_edits_of_the_page_apply_to_the_supermarket():
    tables = re.findall(r"\| `(\{[^`]*\})` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    edits = [tomllib.loads(f"edit = {table}")["edit"] for table in tables]
    assert len(edits) == 6
    plan = load_plan("supermarket")
    changed = apply_edits(plan, edits)
    assert len(changed.tills) == len(plan.tills)
    assert changed.fixture("store-front-1").categories == ("coffee and tea",)


def test_the_python_of_the_page_runs(blocks, capsys):
    (text,) = [text for language, text in blocks if language == "python"]
    exec(text, {})
    assert float(capsys.readouterr().out.splitlines()[0]) > 0


def test_the_table_of_the_page_lists_the_bundled_stores():
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) m x (\d+) m.*?\| (\d+)[^|]*\|", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 5
    for name, width, depth, categories in rows:
        plan = load_plan(name)
        assert (plan.width, plan.depth, len(plan.categories)) == (float(width), float(depth), int(categories))


def test_every_finding_that_the_command_may_print_is_in_the_table():
    code = Path(checks.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'Finding\(\s*"([a-z-]+)"', code))
    listed = re.findall(r"^\| `([a-z]+-[a-z-]+)` \|", PAGE.read_text().split("## What is advised")[1], re.MULTILINE)
    assert set(listed) == named - {"category-without-shelf"}  # a small store need not sell everything
    assert len(listed) == 7
