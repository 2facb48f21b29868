from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.recommend.settings import RecommendOptions
from retail.errors import ConfigError

NUMBERS = [
    field.name for field in fields(RecommendOptions) if type(getattr(RecommendOptions(), field.name)) is not bool
]


def test_an_empty_table_gives_the_defaults():
    assert RecommendOptions.read({}) == RecommendOptions()


def test_a_table_of_all_options_is_read_back():
    options = RecommendOptions(popularity_days=56, popularity_norm=3.0, candidates=7, windows=1, rich=True, train=False)
    assert RecommendOptions.read(asdict(options)) == options


def test_a_whole_number_may_stand_for_a_fraction():
    assert RecommendOptions.read({"popularity_norm": 5}).popularity_norm == 5.0


@given(st.text(max_size=20).filter(lambda key: key not in asdict(RecommendOptions())))
def test_a_typo_is_refused_with_the_known_options(key):
    with pytest.raises(ConfigError, match=r"unknown.*candidates") as error:
        RecommendOptions.read({key: 1})
    assert key in str(error.value)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "3", None, True, [1]])
def test_numbers_that_cannot_be_meant_are_refused(name, value):
    with pytest.raises(ConfigError, match=rf"options\.{name}"):
        RecommendOptions.read({name: value})


@pytest.mark.parametrize(("name", "value"), [("candidates", 10.0), ("windows", 1.5), ("rich", 1), ("train", "false")])
def test_values_of_another_type_are_refused(name, value):
    with pytest.raises(ConfigError, match=rf"options\.{name} = .*write (a |true or false)"):
        RecommendOptions.read({name: value})
