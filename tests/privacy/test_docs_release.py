import re
import tomllib
from pathlib import Path

import pytest

from privacy import cap
from privacy.accounting import noise_multiplier
from privacy.statistics.noise import CountNoise
from privacy.statistics.query_file import KINDS, parse_query

PAGE = (Path(__file__).parents[2] / "docs" / "release.md").read_text(encoding="utf-8")
MUTANTS = (Path(__file__).parent / "test_mechanism_mutants.py").read_text(encoding="utf-8")


def test_the_questions_of_the_page_can_be_read_and_are_the_same_question():
    one, other = (parse_query(tomllib.loads(text)) for text in re.findall(r"^```toml\n(.*?)^```", PAGE, re.S | re.M))
    assert one.question == other.question
    assert all(f"`{kind}`" in PAGE for kind in KINDS)


def test_the_figures_of_the_preview_are_those_of_the_gate(make_gate):
    from privacy.statistics.bounds import Bounds

    gate = make_gate(None, epsilon=4.0, bounds=Bounds(5, 10, 10), catalogue={"department": tuple(map(str, range(24)))})
    told = gate.preview(parse_query({"kind": "histogram", "column": "department", "error_95": 40}))
    assert f"$ tradefair release preview departments.toml\n{told.statement}" in PAGE


def test_the_table_of_both_noises_is_what_the_code_gives():
    z = noise_multiplier(cap(epsilon=1.0, delta=1e-5))
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, flags=re.M)
    assert [int(row[0]) for row in rows] == [1, 5, 12, 50]
    for cells, gaussian, laplace, alone in (map(int, row) for row in rows):
        assert CountNoise("gaussian", z * cells**0.5).error() == gaussian
        assert CountNoise("laplace", z * cells).error() == laplace
        assert CountNoise("laplace", float(cells)).error() == alone


@pytest.mark.parametrize("said", re.findall(r"in (\d+) ways", PAGE))
def test_the_number_of_mutants_is_right(said):
    listed = MUTANTS[MUTANTS.index("MUTANTS = {") :].partition("}\n")[0]
    assert listed.count(":") == int(said)
