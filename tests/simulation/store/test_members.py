import re

from hypothesis import given
from hypothesis import strategies as st

from simulation.store.members import family_of, figure_of, member_names


def test_equal_names_are_numbered_from_the_second_on():
    assert member_names(["store_front-snacks", "store front, snacks", "%"]) == (
        "store-front-snacks",
        "store-front-snacks-2",
        "unnamed",
    )


@given(st.lists(st.text("ab 1-.,:2", max_size=5), max_size=6))
def test_members_differ_and_can_be_told_from_their_family(described):
    names = member_names(described)
    assert len(set(names)) == len(described)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", name)
        assert family_of(figure_of("dwell_s", name)) == ("dwell_s", name)
    assert family_of("path_m") == ("path_m", "")
