import csv
import functools

import numpy as np
import pandas as pd
import pytest

from retail import columns as c
from retail.complete_journey import load
from retail.errors import DataError
from simulation.store.categories import CATEGORIES
from simulation.store.demand_model import complete_journey_demand, folder_demand
from simulation.store.demand_model.complete_journey import UNNAMED, category_table


def shop(folder, rows, products):
    names = (c.PERSON, c.BASKET, c.PRODUCT, c.STORE, c.TIME, c.QUANTITY, c.SALES)
    for file, header, lines in (
        ("transactions.csv", names, rows),
        ("products.csv", (c.PRODUCT, c.CATEGORY), products),
    ):
        with (folder / file).open("w", newline="") as out:
            csv.writer(out).writerows([header, *lines])
    return folder


ROWS = [
    (1, 10, 1, 5, "2024-03-01 09:59:00", 2, 3.0),
    (1, 10, 2, 5, "2024-03-01 09:59:00", 0.4, 2.0),
    (2, 11, 1, 5, "2024-03-01 17:10:00", 1, 1.5),
    (2, 11, 3, 5, "2024-03-01 17:10:00", 1, 4.0),
]
PRODUCTS = [(1, " Dairy"), (2, "Fromage"), (3, "Odds and ends")]


def test_a_folder_becomes_demand_by_name_mapping_and_a_place_for_the_rest(tmp_path):
    model = folder_demand(shop(tmp_path, ROWS, PRODUCTS), mapping={"fromage": "cheese"}, other="general merchandise")
    assert model.categories == ("cheese", "dairy", "general merchandise")
    assert model.currency == "EUR"
    assert np.flatnonzero(model.trips.hour_shares).tolist() == [9, 17]
    assert model.trips.items.tolist() == [1, 2, 1, 1]
    assert model.trips.spend.tolist() == [2.0, 3.0, 1.5, 4.0]
    assert model.draw(0, seed=1, shoppers=30).shoppers > 10


def test_unknown_categories_are_listed_with_their_lines(tmp_path):
    with pytest.raises(DataError, match=r"known for Fromage \(1 lines\), Odds and ends \(1 lines\); add them"):
        folder_demand(shop(tmp_path, ROWS, PRODUCTS))


def test_a_product_without_a_category_needs_a_place(tmp_path):
    folder = shop(tmp_path, ROWS, [(1, "dairy"), (2, "cheese"), (3, "")])
    with pytest.raises(DataError, match=r"\(none\) \(1 lines\)"):
        folder_demand(folder)
    assert "eggs" in folder_demand(folder, other="eggs").categories


def test_lines_with_nothing_bought_are_left_out(tmp_path):
    nothing = [(*row[:5], 0, row[6]) for row in ROWS]
    with pytest.raises(DataError, match="no line has a quantity above 0"):
        folder_demand(shop(tmp_path, nothing, PRODUCTS), other="eggs")
    some = folder_demand(shop(tmp_path, [*nothing[:2], *ROWS[2:]], PRODUCTS), other="eggs")
    assert some.trips.count == 1


def test_the_mapping_is_part_of_the_identity(tmp_path):
    folder = shop(tmp_path, ROWS, PRODUCTS)
    assert folder_demand(folder, other="eggs").fingerprint != folder_demand(folder, other="baby").fingerprint


def test_the_table_leads_to_every_category_of_the_example_stores():
    assert set(category_table().values()) == set(CATEGORIES)
    assert UNNAMED in category_table()


@functools.cache
def journey():
    return load()


@pytest.mark.slow
def test_every_category_of_the_complete_journey_is_mapped():
    assert set(journey().products[c.CATEGORY].fillna(UNNAMED)) == set(category_table())


@pytest.mark.slow
def test_the_complete_journey_keeps_its_baskets_hours_and_money():
    data = journey()
    model = complete_journey_demand()
    baskets = data.transactions.groupby(c.BASKET)
    assert model.trips.count == len(baskets)
    assert model.trips.spend.sum() == pytest.approx(data.transactions[c.SALES].sum())
    assert model.trips.items.sum() == data.transactions[c.QUANTITY].sum()
    assert model.trips.lines.sum() == len(data.transactions)
    hours = baskets[c.TIME].min().dt.hour.value_counts(normalize=True).reindex(range(24), fill_value=0)
    assert np.allclose(model.trips.hour_shares, hours.sort_index())
    assert np.argmax(model.trips.hour_shares) == 17
    named = data.transactions.merge(data.products[[c.PRODUCT, c.CATEGORY]], on=c.PRODUCT)
    place = named[c.CATEGORY].fillna(UNNAMED).map(category_table())
    rate = named[place == "dairy"][c.BASKET].nunique() / len(baskets)
    number = model.categories.index("dairy")
    assert np.mean(np.bincount(model.trips.category, minlength=32)[number] / model.trips.count) == pytest.approx(rate)


@pytest.mark.slow
def test_kept_trips_are_the_made_ones_and_a_broken_copy_is_made_again(tmp_path):
    from simulation.store.demand_model import complete_journey as source

    made = complete_journey_demand(cache=tmp_path)
    (kept,) = tmp_path.glob("store-trips-*.npz")
    source._demand.cache_clear()
    read = complete_journey_demand(cache=tmp_path)
    assert read is not made
    assert np.array_equal(read.trips.spend, made.trips.spend)
    assert read.fingerprint == made.fingerprint
    kept.write_bytes(kept.read_bytes()[:1000])
    source._demand.cache_clear()
    again = complete_journey_demand(cache=tmp_path)
    assert np.array_equal(again.trips.category, made.trips.category)
    assert pd.Index(again.categories).equals(pd.Index(CATEGORIES))
