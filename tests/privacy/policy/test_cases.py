"""Each article comes with a denied request and the nearest allowed one."""

import pytest

from privacy.policy.cases import COLUMNS, cases_of, read_cases, run_cases, untested
from privacy.policy.sources import PACKS, REGIME_PACK
from retail.errors import PolicyError

GOOD = "base-own,allow,,m1,read,m1/mood/raw,own_business,none,none,no,no,no"
RULE = "house-1,any,may not,any,any,mood,any,any,,,any,house rule,"


@pytest.mark.parametrize("source", [*PACKS, REGIME_PACK])
def test_every_case_comes_out_as_written(source):
    cases = cases_of(source)
    assert cases
    assert run_cases(source, cases) == []


@pytest.mark.parametrize("source", [*PACKS, REGIME_PACK])
def test_every_rule_has_a_denied_request_and_its_nearest_allowed_one(source):
    assert untested(source, cases_of(source)) == []


def test_a_rule_without_a_pair_is_named(folder):
    far = "house-1,deny,,m1,read,m1/mood/raw,own_business,none,none,no,no,no"
    near = "house-1,allow,,m1,read,m1/orders/dp/public,research,none,none,no,no,no"
    house = folder(RULE, cases=(",".join(COLUMNS), far, near))
    assert untested(house, cases_of(house)) == ["house-1"]


def test_a_case_fails_when_the_answer_or_the_rule_is_another(folder):
    rows = (
        "house-1,allow,,m1,read,m1/mood/raw,own_business,none,none,no,no,no",  # denied in truth
        "house-1,deny,,m2,read,m1/orders/raw,own_business,none,none,no,no,no",  # denied, but by no rule
        "house-1,deny,,m1,read,m1/mood/raw,own_business,none,none,no,no,no",
    )
    house = folder(RULE, cases=(",".join(COLUMNS), *rows))
    failures = run_cases(house, cases_of(house))
    assert [one.case.line for one in failures] == [2, 3]
    assert "was denied by house-1" in failures[0].why
    assert "expected rule house-1 to decide" in failures[1].why


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("allow", "yes", "expect"),
        (",,m1", ",feudal,m1", "regime"),
        ("m1,read", "m77,read", "actor, dataset"),
        ("m1/mood/raw", "m1/moods/raw", "actor, dataset"),
        (",none,none,", ",none,UK,", "jurisdiction"),
        (",no,no,no", ",no,no,maybe", "alternative"),
    ],
)
def test_a_bad_cell_of_a_case_is_told(tmp_path, old, new, column):
    path = tmp_path / "cases.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{GOOD.replace(old, new)}\n")
    with pytest.raises(PolicyError, match=f"line 2, column {column}"):
        read_cases(path)


def test_a_case_table_with_another_header_is_refused(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text("rule,expect\nx,allow\n")
    with pytest.raises(PolicyError, match=r"cases\.csv.*header"):
        read_cases(path)
