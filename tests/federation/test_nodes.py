import numpy as np
import pytest

from federation import nodes
from retail.datasource import DataSource
from retail.errors import DataError, PrivacyError


def rows_of(node):
    history = node.history
    keys = (history.persons[history.rows()], history.day, history.product, history.quantity)
    return sorted(zip(*(key.tolist() for key in keys), strict=True))


@pytest.mark.parametrize(("by", "k_max"), [("home_store", 1), ("store", 2), ("manufacturer", 3), ("department", 1)])
def test_removing_a_shopper_leaves_everybody_elses_rows_and_the_nodes_as_they_are(make_config, write_folder, by, k_max):
    person = 17
    settings = {"by": by, "k_max": k_max, "merchants": "all", "epsilon": 1.0}
    everybody = nodes.load_nodes(make_config(source=write_folder(), **settings))
    neighbour = nodes.load_nodes(make_config(source=write_folder(person), **settings))
    assert [one.merchant for one in everybody] == [one.merchant for one in neighbour]
    touched = 0
    for one, other in zip(everybody, neighbour, strict=True):
        assert rows_of(other) == [row for row in rows_of(one) if row[0] != person]
        touched += person in one.history.persons
    assert 1 <= touched <= k_max


@pytest.mark.parametrize(("by", "k_max"), [("home_store", 1), ("store", 2)])
def test_nobody_is_at_more_nodes_than_allowed_and_no_row_is_from_the_future(make_config, by, k_max):
    config = make_config(by=by, k_max=k_max, merchants="all")
    held = nodes.load_nodes(config)
    persons = np.concatenate([node.history.persons for node in held])
    assert np.unique(persons, return_counts=True)[1].max() == k_max
    assert max(node.history.day.max(initial=0) for node in held) < config.now
    assert len(persons) > len(np.unique(persons)) or k_max == 1


def test_a_claim_needs_public_merchants_and_a_public_period(make_config, write_folder):
    no_stores = write_folder(keep=("transactions", "products"))
    with pytest.raises(PrivacyError, match="list of merchants"):
        nodes.load_nodes(make_config(source=no_stores, merchants="all", epsilon=1.0))
    assert nodes.load_nodes(make_config(source=no_stores, merchants="all"))
    assert nodes.load_nodes(make_config(source=no_stores, merchants=(1, 2), epsilon=1.0))
    with pytest.raises(PrivacyError, match="period"):
        nodes.load_nodes(make_config(source=write_folder(start=None, end=None), epsilon=1.0))


def test_data_without_a_public_catalogue_cannot_be_federated(make_config, write_folder):
    with pytest.raises(DataError, match="products"):
        nodes.load_nodes(make_config(source=write_folder(keep=("transactions", "stores"))))


def test_without_a_claim_or_a_declared_population_sums_are_divided_by_the_shoppers_found(make_config, write_folder):
    config = make_config(source=write_folder(population=None))
    assert nodes.denominator(config) == nodes.people(nodes.load_nodes(config))
    assert nodes.denominator(make_config(source=write_folder())) == 300


def test_the_members_of_the_complete_journey_are_its_nodes(make_config):
    from retail.complete_journey import MEMBER_STORES

    config = make_config(source=DataSource(), merchants="members", now=17_500, delta=1e-5, epsilon=4.0)
    held = nodes.load_nodes(config)
    assert tuple(node.merchant for node in held) == MEMBER_STORES
    assert config.population == 2469
    assert 2_300 < nodes.people(held) < 2_400
