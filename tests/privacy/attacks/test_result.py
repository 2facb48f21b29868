import json
import math
from dataclasses import replace

import pytest

import privacy.attacks
from privacy.attacks import AttackResult, ControlResult
from retail.errors import PrivacyError

FOUND = AttackResult(
    name="one_run",
    estimate=0.5,
    lo=0.2,
    hi=math.inf,
    unit="epsilon",
    ceiling=3.4,
    control=ControlResult("planted", True, 3.0, "seen"),
    n=1000,
    seconds=0.1,
    statement="text",
    breach=False,
    claim=1.0,
)


def test_only_a_tested_claim_with_a_control_that_fired_passes():
    silent = replace(FOUND, control=replace(FOUND.control, fired=False))
    assert FOUND.outcome == "passed"
    assert silent.outcome == "inconclusive"
    assert replace(silent, breach=True).outcome == "breach"
    assert replace(FOUND, conclusive=False).outcome == "inconclusive"
    assert replace(FOUND, claim=None).outcome == "no claim"
    assert replace(silent, claim=None).outcome == "inconclusive"


def test_a_breach_stands_also_where_the_control_stayed_silent():
    found = replace(FOUND, control=replace(FOUND.control, fired=False), breach=True, conclusive=False)
    assert found.outcome == "breach"
    assert "A breach stands also" in privacy.attacks.__doc__  # what the docs promise is what the code does


def test_an_estimate_never_passes_and_is_never_a_breach():
    guessed = replace(FOUND, conclusive=False, estimate_only=True)
    assert guessed.outcome == "estimate"
    assert replace(guessed, claim=None).outcome == "estimate"
    assert replace(guessed, lo=1.1, estimate=1.2).outcome == "inconclusive"
    assert replace(guessed, control=replace(FOUND.control, fired=False)).outcome == "inconclusive"
    assert replace(guessed, estimate=math.inf).outcome == "inconclusive"
    assert AttackResult.from_json(guessed.to_json()) == guessed
    for change in ({"breach": True}, {"conclusive": True}):
        with pytest.raises(PrivacyError, match="proves nothing"):
            replace(guessed, **change)
    with pytest.raises(PrivacyError, match="run the attacks again"):  # from before there were estimates
        AttackResult.from_json({key: value for key, value in guessed.to_json().items() if key != "estimate_only"})


@pytest.mark.parametrize("broken", [{"estimate": math.nan}, {"lo": math.nan}, {"estimate": math.inf}])
def test_figures_that_are_no_numbers_never_pass(broken):
    assert replace(FOUND, **broken).outcome == "inconclusive"


def test_a_result_survives_json():
    described = json.loads(json.dumps(FOUND.to_json(), allow_nan=False))
    assert described["outcome"] == "passed"
    assert described["hi"] is None
    assert AttackResult.from_json(described) == FOUND


@pytest.mark.parametrize("change", [{"control": None}, {"lo": "much"}, "drop"])
def test_what_is_no_result_is_refused(change):
    described = FOUND.to_json()
    if change == "drop":
        del described["breach"]
    else:
        described.update(change)
    with pytest.raises(PrivacyError, match="run the attacks again"):
        AttackResult.from_json(described)
