"""Partitions into merchants, on small worlds where the answer can be worked out by hand or by brute force."""

import datetime as dt
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail import columns as c
from retail import merchants
from retail.dataset import Period, RetailData
from retail.errors import ConfigError
from retail.merchants import home_stores, partition

NAMES = (c.PERSON, c.BASKET, c.STORE, c.PRODUCT, c.DAY, c.QUANTITY)
CATALOGUE = pd.DataFrame(
    {
        c.PRODUCT: [10, 11, 12, 13],
        c.TYPE: ["milk", "milk", "soap", None],
        c.CATEGORY: ["dairy", "dairy", "care", None],
        c.MANUFACTURER: [69, 7, 7, 8],
        c.BRAND: ["Private", "National", "National", "National"],
        c.DEPARTMENT: ["GROCERY", "GROCERY", "DRUG GM", "GROCERY"],
    }
)


def table(rows) -> pd.DataFrame:
    """Lines from (person, basket, store, product, day, quantity)."""
    listed = list(rows)
    frame = pd.DataFrame(listed, columns=list(NAMES), dtype=None if listed else np.int64).astype({c.DAY: np.int32})
    return frame.assign(**{c.SALES: frame[c.QUANTITY] * 1.5})


def world(lines: pd.DataFrame, stores=()) -> RetailData:
    return RetailData(
        name="small",
        timezone="UTC",
        currency="EUR",
        period=Period(dt.date(2020, 1, 1), dt.date(2020, 12, 31), public=True),
        transactions=lines,
        products=CATALOGUE,
        customers=pd.DataFrame(),
        stores=pd.DataFrame({c.STORE: list(stores)}),
        campaigns=pd.DataFrame(),
        promotions=None,
        fingerprint="0" * 64,
    )


lines = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.integers(1, 6),
        st.integers(1, 4),
        st.sampled_from([10, 11, 12, 13, 99]),
        st.integers(0, 3),
        st.integers(1, 2),
    ),
    max_size=40,
)
kinds = st.sampled_from(["home_store", "store", "manufacturer", "department"])


def home_by_hand(rows) -> dict[int, int]:
    """Each person's home, counted with plain Python."""
    visits, bought = defaultdict(set), Counter()
    for person, basket, store, *_ in rows:
        visits[person, store].add(basket)
        bought[person, store] += 1
    ranks = defaultdict(list)
    for person, store in visits:
        ranks[person].append((-len(visits[person, store]), -bought[person, store], store))
    return {person: min(options)[2] for person, options in ranks.items()}


def test_the_home_store_has_most_baskets_even_when_another_has_more_lines():
    rows = [(1, 1, 5, 10, 0, 1), (1, 2, 5, 10, 1, 1), *[(1, 3, 4, product, 2, 1) for product in (10, 11, 12)]]
    assert home_stores(table(rows)).to_dict() == {1: 5}


def test_a_tie_of_baskets_goes_to_the_store_with_more_lines():
    rows = [(1, 1, 4, 10, 0, 1), (1, 2, 5, 10, 1, 1), (1, 2, 5, 11, 1, 1)]
    assert home_stores(table(rows)).to_dict() == {1: 5}


def test_a_full_tie_goes_to_the_smallest_store_id():
    rows = [(1, 1, 9, 10, 0, 1), (1, 2, 4, 10, 1, 1)]
    assert home_stores(table(rows)).to_dict() == {1: 4}


@given(lines)
def test_home_stores_agree_with_counting_by_hand(rows):
    assert home_stores(table(rows)).to_dict() == home_by_hand(rows)


@given(lines, st.integers(1, 5))
def test_removing_a_person_changes_no_other_home(rows, gone):
    rest = home_stores(table(row for row in rows if row[0] != gone))
    everyone = home_stores(table(rows))
    assert rest.to_dict() == {person: home for person, home in everyone.items() if person != gone}


@given(lines, st.integers(1, 5), kinds)
def test_removing_a_person_changes_neither_the_nodes_nor_anybody_elses_lines(rows, gone, by):
    stores = [4, 3, 2, 1] if by in ("home_store", "store") else None
    whole = partition(world(table(rows), [1, 2, 3, 4]), by=by, merchants=stores)
    less = partition(world(table(row for row in rows if row[0] != gone), [1, 2, 3, 4]), by=by, merchants=stores)
    assert whole.merchants == less.merchants
    kept = whole.transactions[whole.transactions[c.PERSON] != gone].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, less.transactions)


@given(lines, kinds, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows, by, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one = partition(world(table(rows), [1, 2, 3]), by=by)
    other = partition(world(table(shuffled), [1, 2, 3]), by=by)
    pd.testing.assert_frame_equal(one.transactions, other.transactions)


@given(lines)
def test_a_shopper_belongs_to_one_home_store_and_leaves_no_line_of_another(rows):
    parts = partition(world(table(rows), [1, 2, 3]), by="home_store")
    homes = home_by_hand(rows)
    assert set(parts.transactions[c.PERSON]) == {person for person, home in homes.items() if home in (1, 2, 3)}
    assert (parts.transactions[c.MERCHANT] == parts.transactions[c.STORE]).all()
    assert (parts.transactions[c.STORE] == parts.transactions[c.PERSON].map(homes)).all()


@given(lines)
def test_the_nodes_together_hold_each_line_of_a_listed_store_once(rows):
    parts = partition(world(table(rows)), by="store", merchants=[3, 1])
    nodes = [parts.node(index) for index in range(2)]
    for node, store in zip(nodes, (3, 1), strict=True):
        assert len(node) == sum(row[2] == store for row in rows)
        assert (node[c.MERCHANT] == store).all()
    assert parts.transactions[c.QUANTITY].sum() == sum(row[5] for row in rows if row[2] in (1, 3))


@given(lines)
def test_lines_are_sorted_by_merchant_person_day_and_product(rows):
    parts = partition(world(table(rows)), by="store", merchants=[4, 1, 2])
    order = parts.transactions[c.MERCHANT].map({4: 0, 1: 1, 2: 2})
    keys = list(zip(order, *(parts.transactions[name] for name in (c.PERSON, c.DAY, c.PRODUCT)), strict=True))
    assert keys == sorted(keys)
    assert list(parts.transactions.index) == list(range(len(keys)))


@given(lines, kinds)
def test_keys_too_wide_for_one_integer_give_the_same_order(rows, by):
    usual = partition(world(table(rows), [1, 2, 3]), by=by)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merchants, "_WIDEST_KEY", 0)
        wide = partition(world(table(rows), [1, 2, 3]), by=by)
    pd.testing.assert_frame_equal(usual.transactions, wide.transactions)


def test_a_shopper_whose_home_is_not_listed_drops_out_even_after_visits_to_a_member():
    rows = [(1, 1, 9, 10, 0, 1), (1, 2, 9, 10, 1, 1), (1, 3, 4, 10, 2, 1), (2, 4, 4, 10, 0, 1)]
    parts = partition(world(table(rows)), by="home_store", merchants=[4])
    assert set(parts.transactions[c.PERSON]) == {2}


def test_a_listed_merchant_without_lines_is_an_empty_node():
    parts = partition(world(table([(1, 1, 4, 10, 0, 1)])), by="store", merchants=[7, 4])
    assert parts.merchants == (7, 4)
    assert parts.node(0).empty
    assert list(parts.node(0).columns) == list(parts.node(1).columns)
    assert len(parts.node(1)) == 1


def test_a_merchant_with_one_shopper_is_a_node_like_any_other():
    rows = [(1, 1, 4, 10, 0, 1), (2, 2, 5, 10, 0, 1), (3, 3, 5, 10, 0, 1)]
    parts = partition(world(table(rows), [4, 5]), by="home_store")
    assert list(parts.node(0)[c.PERSON]) == [1]
    assert list(parts.node(1)[c.PERSON]) == [2, 3]


def test_no_line_at_all_still_gives_every_listed_node():
    parts = partition(world(table([])), by="home_store", merchants=[1, 2])
    assert [len(parts.node(index)) for index in range(2)] == [0, 0]


def test_products_go_to_their_maker_and_department_and_unknown_products_to_nobody():
    rows = [(1, 1, 4, 10, 0, 1), (1, 1, 4, 11, 0, 1), (1, 1, 4, 12, 0, 1), (1, 1, 4, 99, 0, 1)]
    makers = partition(world(table(rows)), by="manufacturer")
    assert (makers.merchants, makers.public) == ((7, 8, 69), True)
    assert list(makers.transactions[c.MERCHANT]) == [7, 7, 69]
    departments = partition(world(table(rows)), by="department")
    assert departments.merchants == ("DRUG GM", "GROCERY")
    assert list(departments.node(1)[c.PRODUCT]) == [10, 11]


def test_a_list_read_off_the_rows_is_not_public_and_a_published_one_is():
    rows = table([(1, 1, 4, 10, 0, 1), (2, 2, 3, 10, 0, 1)])
    assert not partition(world(rows), by="store").public
    assert partition(world(rows), by="store").merchants == (3, 4)
    assert partition(world(rows, [5, 4]), by="store").public
    assert partition(world(rows, [5, 4]), by="store").merchants == (4, 5)
    assert partition(world(rows), by="store", merchants=[4]).public


def test_ids_may_be_text():
    rows = [("ann", "b1", "north", "p2", 0, 1), ("bob", "b2", "south", "p1", 0, 1), ("ann", "b3", "south", "p1", 1, 1)]
    parts = partition(world(table(rows)), by="home_store", merchants=["south", "north"])
    assert list(parts.node(0)[c.PERSON]) == ["bob"]
    assert list(parts.node(1)[c.PERSON]) == ["ann"]


def test_lines_without_a_store_count_for_no_home():
    rows = table([(1, 1, 4, 10, 0, 1), (1, 2, 5, 10, 0, 1), (1, 3, 5, 10, 0, 1), (2, 4, 5, 10, 0, 1)])
    rows[c.STORE] = rows[c.STORE].astype("Int64").where(rows[c.STORE] == 4).astype("float64")
    assert home_stores(rows).to_dict() == {1: 4}
    parts = partition(world(rows), by="home_store", merchants=[4])
    assert list(parts.transactions[c.PERSON]) == [1]


def test_a_node_is_a_view_of_the_partition_not_a_copy():
    parts = partition(world(table([(1, 1, 4, 10, 0, 1), (2, 2, 5, 10, 0, 1)])), by="store", merchants=[4, 5])
    assert np.shares_memory(parts.node(1)[c.DAY].to_numpy(), parts.transactions[c.DAY].to_numpy())


def test_selecting_rows_keeps_the_merchants():
    parts = partition(world(table([(1, 1, 4, 10, 0, 1), (2, 2, 5, 10, 3, 1)])), by="store", merchants=[5, 4])
    late = parts.select(parts.transactions[parts.transactions[c.DAY] > 2])
    assert late.merchants == parts.merchants
    assert [len(late.node(0)), len(late.node(1))] == [1, 0]


@pytest.mark.parametrize("index", [-1, 2])
def test_a_node_that_does_not_exist_is_refused(index):
    parts = partition(world(table([(1, 1, 4, 10, 0, 1)])), by="store", merchants=[4, 5])
    with pytest.raises(ConfigError, match=f"node {index} does not exist; choose one from 0 to 1"):
        parts.node(index)


def test_an_unknown_partition_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="'city' is unknown; choose one of home_store, store, manufacturer"):
        partition(world(table([])), by="city")


@pytest.mark.parametrize("merchants", [None, []])
def test_a_partition_without_a_merchant_is_refused(merchants):
    with pytest.raises(ConfigError, match="partition by store of small has no merchant"):
        partition(world(table([])), by="store", merchants=merchants)


def test_a_merchant_listed_twice_is_refused():
    with pytest.raises(ConfigError, match="merchants listed twice: 4"):
        partition(world(table([])), by="store", merchants=[4, 5, 4])
