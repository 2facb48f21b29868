from hypothesis import given
from hypothesis import strategies as st

from apps.trouble import troubles


def failure(arm, message="no plan", refused=True):
    return {"run_id": "1", "arm": arm, "refused": refused, "error": "ConfigError", "message": message}


def test_a_reason_that_many_arms_share_is_told_once_with_the_number_of_runs():
    failures = [failure("a"), failure("b"), failure("b"), failure("c"), failure("a", "disk full", refused=False)]
    found = troubles(failures, [{"run_id": "2", "arm": "z", "message": ""}])
    assert [(one.kind, one.who, one.message) for one in found] == [
        ("refused", "4 runs of arms a, b and c", "no plan"),
        ("failed", "1 run of arm a", "disk full"),
        ("unfinished", "1 run of arm z", "no message"),
    ]


def test_of_many_arms_some_are_named_and_the_rest_counted():
    (one,) = troubles([failure(f"arm-{number}") for number in range(20)], [])
    assert one.who == "20 runs of arms arm-0, arm-1, arm-2, arm-3, arm-4, arm-5 and 14 more"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y"]), st.booleans())))
def test_every_run_is_counted_once(runs):
    found = troubles([failure(*run) for run in runs], [])
    assert sum(one.runs for one in found) == len(runs)
    assert len({(one.kind, one.message) for one in found}) == len(found)
