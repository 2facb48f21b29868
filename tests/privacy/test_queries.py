import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.statistics.queries import Grid, Key, Query
from privacy.statistics.query_file import parse_query, read_query
from retail.errors import ConfigError, PrivacyError

CATALOGUE = {"department": ("dairy", "fish", "meat")}
HISTOGRAM = {"kind": "histogram", "column": "department", "values": ["dairy", "fish"], "epsilon": 0.5}


def question(document) -> str:
    return parse_query(document).question


@pytest.mark.parametrize(
    "other",
    [
        {"epsilon": 0.5, "values": ["fish", "dairy", "fish"], "column": " department ", "kind": "Histogram"},
        {**HISTOGRAM, "title": "Who buys fish?", "purpose": "marketing"},
        {**HISTOGRAM, "counting": "Persons"},
        {**HISTOGRAM, "where": {}},
        {**HISTOGRAM, "refresh": True},
        {**HISTOGRAM, "epsilon": 0.1},
        {"kind": "group-by", "columns": [{"column": "department", "values": ["fish", "dairy"]}], "epsilon": 0.5},
        {"kind": "GROUP BY", "columns": [{"column": "department", "values": ["fish", " dairy"]}], "error_95": 5},
    ],
)
def test_the_same_question_in_other_words_is_the_same(other):
    assert question(other) == question(HISTOGRAM)


@pytest.mark.parametrize(
    "other",
    [
        {**HISTOGRAM, "values": ["dairy"]},
        {**HISTOGRAM, "where": {"brand": "Private"}},
        {**HISTOGRAM, "counting": "days"},
        {**HISTOGRAM, "dataset": "orders"},
        {**HISTOGRAM, "column": "category"},
        {"kind": "top_k", "column": "department", "values": ["dairy", "fish"], "k": 1, "epsilon": 0.5},
        {**HISTOGRAM, "values": ["Dairy", "fish"]},
    ],
)
def test_another_question_is_another(other):
    assert question(other) != question(HISTOGRAM)


def test_a_thousand_rewordings_of_a_question_have_one_hash():
    rng = random.Random(1)
    values = ["dairy", "fish", "meat", "7", "café"]
    other_spelling = {"7": 7, "café": "cafe\u0301"}
    found = set()
    for _ in range(1000):
        listed = [other_spelling.get(one, one) if rng.random() < 0.5 else f" {one} " for one in values]
        filters = {"brand": ["Private", "National"], "size": 1.0}
        if rng.random() < 0.5:
            filters = {"size": ["1"], "brand": ["National", "Private", "Private"]}
        document = {
            "kind": rng.choice(["histogram", "HISTOGRAM", "Histogram"]),
            "column": "department",
            "values": rng.sample(listed, len(listed)) + rng.choices(listed, k=2),
            "where": dict(rng.sample(list(filters.items()), 2)),
            "epsilon": rng.choice([1, 1.0, 0.25]),
            "title": str(rng.random()),
        }
        found.add(question(dict(rng.sample(list(document.items()), len(document)))))
    assert len(found) == 1


@given(st.permutations(["department", "brand", "aisle"]), st.booleans())
@settings(max_examples=20)
def test_the_order_of_keys_and_filters_does_not_matter(order, both):
    keys = tuple(Key(name, ("a", "b")) for name in order)
    where = tuple((f"{name} size", ("1", "2") if both else ("2", "1")) for name in order)
    one = Query("counts", "d", keys=keys, where=where, epsilon=1.0)
    other = Query("counts", "d", keys=tuple(sorted(keys, key=lambda key: key.column)), where=where[::-1], error_95=3)
    assert one.question == other.question


def test_a_catalogue_fills_in_values_as_if_they_had_been_listed():
    named = parse_query({"kind": "histogram", "column": "department", "epsilon": 1}).resolve(CATALOGUE)
    listed = parse_query(
        {"kind": "histogram", "column": "department", "values": ["meat", "fish", "dairy"], "epsilon": 1}
    )
    assert named.question == listed.question
    assert named.resolved


def test_values_that_nobody_declared_are_refused_and_the_known_columns_named():
    query = parse_query({"kind": "group_by", "columns": ["department", "favourite"], "epsilon": 1})
    with pytest.raises(PrivacyError, match=r"'favourite'.*may name a person.*department"):
        query.resolve(CATALOGUE)


@pytest.mark.parametrize("column", ["person_id", "basket_id", " person_id"])
def test_a_query_by_or_for_single_persons_is_refused(column):
    for document in (
        {"kind": "histogram", "column": column, "values": [1, 2], "epsilon": 1},
        {"kind": "count", "where": {column: 17}, "epsilon": 1},
        {"kind": "quantile", "column": column, "alpha": 0.5, "candidates": [1, 2], "epsilon": 1},
    ):
        with pytest.raises(PrivacyError, match="single persons"):
            parse_query(document)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epsilon": None}, "either epsilon or error_95"),
        ({"error_95": 3}, "not both"),
        ({"epsilon": None, "error_95": -1}, "at least 0"),
        ({"epsilon": None, "error_95": float("nan")}, "finite"),
        ({"kind": "histogramm"}, "kind must be one of"),
        ({"kind": 3}, "kind must be one of"),
        ({"colour": 1}, "unknown 'colour'"),
        ({"values": []}, "1 to"),
        ({"values": ["a\u202eb"]}, "cannot be seen"),
        ({"values": ["a\x00b"]}, "cannot be seen"),
        ({"values": ["x" * 5000]}, "500 characters"),
        ({"values": [True]}, "text or a number"),
        ({"counting": "rws"}, "counting must be one of"),
        ({"refresh": "yes"}, "true or false"),
        ({"where": ["brand"]}, "where must be"),
        ({"where": {"brand": {"a": 1}}}, "brand must be"),
        ({"title": 3}, "must be text"),
        ({"dataset": ""}, "id of its data set"),
    ],
)
def test_what_is_no_question_is_refused_in_one_line(wrong, message):
    document = {name: value for name, value in {**HISTOGRAM, **wrong}.items() if value is not None}
    with pytest.raises(ConfigError, match=message) as caught:
        parse_query(document)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("epsilon", [0, -1, float("nan"), float("inf"), True, "1", 10**400])
def test_an_epsilon_that_is_no_price_is_refused(epsilon):
    with pytest.raises(PrivacyError, match="epsilon"):
        parse_query({**HISTOGRAM, "epsilon": epsilon})


def test_ids_with_quotes_stay_data():
    odd = 'it\'s "quoted"; DROP TABLE answers --'
    query = parse_query({**HISTOGRAM, "values": [odd]})
    assert query.keys[0].values == (odd,)


@given(st.integers(-50, 50), st.integers(1, 400), st.sampled_from([1, 0.5, 0.1, 0.25]))
def test_a_grid_has_exactly_its_steps(start, steps, step):
    grid = Grid(start, round(start + steps * step, 6), step)
    assert grid.cells == steps
    assert len(grid.edges) == steps + 1
    assert grid.edges[-1] == pytest.approx(grid.stop)


@pytest.mark.parametrize("bad", [(0, 1, 0.3), (0, 0, 1), (1, 0, 1), (0, 1, 0), (0, 1e9, 1e-6), (0, float("inf"), 1)])
def test_a_grid_that_does_not_fit_is_refused(bad):
    with pytest.raises(ConfigError):
        Grid(*bad)


def test_a_query_file_is_read_and_a_broken_one_is_named(tmp_path):
    path = tmp_path / "query.toml"
    path.write_text('kind = "heat_map"\nepsilon = 1\nx = {column = "x_m", start = 0, stop = 40, step = 1}\n'
                    'y = {column = "y_m", start = 0, stop = 30, step = 1}\n')  # fmt: skip
    query = read_query(path)
    assert (query.cells, query.dataset, query.columns) == (1200, "transactions", ("x_m", "y_m"))
    path.write_text("kind = ")
    with pytest.raises(ConfigError, match="no TOML"):
        read_query(path)
    with pytest.raises(ConfigError, match="cannot read"):
        read_query(tmp_path / "none.toml")
