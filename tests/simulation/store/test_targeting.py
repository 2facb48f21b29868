import dataclasses
import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail.errors import ConfigError, PolicyError
from simulation.store.day import prepare, run_day
from simulation.store.demand_model import DemandModel
from simulation.store.demand_model.trips import trips_of
from simulation.store.plan import load_plan
from simulation.store.settings import StoreSettings
from simulation.store.targeting import POLICIES, SENSITIVE, Offers, affinity_of, targeting

NAMES = ("baby", "bakery", "cheese", "dairy", "pasta and rice", "tobacco")
SETTINGS = StoreSettings.default().with_values(offer_effect=0.15, consent_rate=0.6)


@functools.cache
def model():
    rng = np.random.default_rng(1)
    bought = rng.random((2000, len(NAMES))) < 0.3
    bought[:, 2] |= bought[:, 4] & (rng.random(2000) < 0.8)  # cheese goes with pasta
    bought[~bought.any(axis=1), 3] = True
    basket, number = np.nonzero(bought)
    trips = trips_of(
        basket=basket,
        hour=9 + basket % 10,
        category=np.array(NAMES)[number],
        quantity=np.ones(len(basket)),
        spend=1.0 + number,
    )
    return DemandModel("made", "EUR", "0", trips)


def offers(policy, **others):
    return Offers(policy, affinity_of(model().trips), model().categories, **others)


def day(seed=1, shoppers=3000, values=SETTINGS):
    return model().draw(0, seed=seed, shoppers=shoppers, settings=values)


def test_affinity_is_the_lift_of_pairs():
    affinity = affinity_of(model().trips)
    listed = np.zeros((2000, len(NAMES)))
    trips = model().trips
    listed[np.repeat(np.arange(2000), np.diff(trips.start)), trips.category] = 1
    both = listed[:, 2] @ listed[:, 4]
    chance = listed[:, 2].sum() * listed[:, 4].sum() / 2000
    assert affinity[2, 4] == affinity[4, 2] == pytest.approx((both + 20) / (chance + 20))
    assert affinity[2, 4] > 1.3
    assert abs(affinity[0, 1] - 1) < 0.2


@pytest.mark.parametrize("policy", POLICIES)
def test_only_consenting_shoppers_get_one_harmless_offer_of_what_is_not_on_their_list(policy):
    demand = day()
    offered = offers(policy).offered(demand, SETTINGS)
    assert np.all(demand.consent[offered.shopper])
    assert np.all(np.diff(offered.shopper) > 0)
    names = np.array(demand.categories)[offered.category]
    assert not set(names) & SENSITIVE
    for shopper, category in zip(offered.shopper, offered.category, strict=True):
        assert category not in demand.category[demand.start[shopper] : demand.start[shopper + 1]]
    assert bool(len(offered.shopper)) == (policy != "none")


@pytest.mark.parametrize("policy", ["random", "affinity"])
@given(seed=st.integers(0, 1000), shoppers=st.integers(0, 60))
@settings(max_examples=40)
def test_a_taken_offer_is_one_more_entry_and_nothing_else_changes(policy, seed, shoppers):
    values = SETTINGS.with_values(offer_effect=0.7)
    before = day(seed, shoppers, values)
    offered = offers(policy).offered(before, values)
    after = offers(policy)(before, values)
    taken = dict(zip(offered.shopper[offered.taken], offered.category[offered.taken], strict=True))
    assert len(after.category) == len(before.category) + len(taken)
    for i in range(before.shoppers):
        old, new = slice(*before.start[i : i + 2]), slice(*after.start[i : i + 2])
        assert np.all(np.diff(after.category[new]) > 0)
        keep = after.category[new] != taken.get(i, -1)
        for name in ("category", "items", "spend", "dwell_s"):
            assert np.array_equal(getattr(after, name)[new][keep], getattr(before, name)[old])
        own = np.append(keep, True)
        for name in ("detour_u", "detour_to_u"):
            mine = getattr(after, name)[after.start[i] + i : after.start[i + 1] + i + 1]
            theirs = getattr(before, name)[before.start[i] + i : before.start[i + 1] + i + 1]
            assert np.array_equal(mine[own], theirs)
        if i in taken:
            assert after.spend[new][~keep] == before.unplanned_spend[taken[i]]
    entries = {"start", "category", "items", "spend", "dwell_s", "detour_u", "detour_to_u"}
    for one in dataclasses.fields(before):
        if one.name not in entries:
            assert np.array_equal(getattr(before, one.name), getattr(after, one.name))


def test_without_offers_the_day_is_the_very_same():
    demand = day()
    assert offers("none")(demand, SETTINGS) is demand
    assert offers("affinity")(demand, SETTINGS.with_values(offer_effect=0.0)) is demand


def test_random_offers_are_taken_up_at_the_stated_effect():
    demand = day(shoppers=60_000)
    for relevance in (0.0, 1.0):
        offered = offers("random").offered(demand, SETTINGS.with_values(offer_relevance=relevance))
        assert abs(offered.chance.mean() - 0.15) < 0.002
        assert abs(offered.taken.mean() - 0.15) < 0.01


def test_affinity_does_better_only_as_far_as_relevance_is_assumed_to_matter():
    demand = day()
    flat, steep = (
        offers("affinity").offered(demand, SETTINGS.with_values(offer_relevance=relevance)).chance
        for relevance in (0, 1)
    )
    assert np.allclose(flat, 0.15)
    assert steep.mean() > 0.16
    assert np.all(steep >= 0.15 - 1e-12)


def test_affinity_offers_what_goes_with_the_list():
    demand = day()
    offered = offers("affinity").offered(demand, SETTINGS)
    cheese, pasta = NAMES.index("cheese"), NAMES.index("pasta and rice")
    only = [i for i in range(demand.shoppers)
            if demand.category[demand.start[i] : demand.start[i + 1]].tolist() == [pasta]]  # fmt: skip
    got = offered.category[np.isin(offered.shopper, only)]
    assert len(got) > 10
    assert np.all(got == cheese)


def test_sensitive_entries_of_a_list_are_no_reason_for_an_offer():
    demand = day()
    sensitive = [NAMES.index("baby"), NAMES.index("tobacco")]
    kept = ~np.isin(demand.category, sensitive)
    owner = np.repeat(np.arange(demand.shoppers), np.diff(demand.start))
    start = np.concatenate([[0], np.cumsum(np.bincount(owner[kept], minlength=demand.shoppers))])
    bare = dataclasses.replace(demand, start=start, category=demand.category[kept])
    one, other = (offers("affinity").offered(each, SETTINGS) for each in (demand, bare))
    assert np.array_equal(one.shopper, other.shopper)
    assert np.array_equal(one.category, other.category)


def test_more_consent_only_adds_takers():
    few, many = (
        offers("random").offered(day(values=SETTINGS.with_values(consent_rate=rate)), SETTINGS) for rate in (0.2, 0.8)
    )
    taken = [set(zip(each.shopper[each.taken], each.category[each.taken], strict=True)) for each in (few, many)]
    assert taken[0] < taken[1]


def test_nobody_who_wants_everything_is_offered_anything():
    demand = day(shoppers=200)
    narrow = offers("random", choice=("dairy",)).offered(demand, SETTINGS)
    assert set(narrow.category) == {NAMES.index("dairy")}
    wants = [3 in demand.category[demand.start[i] : demand.start[i + 1]] for i in narrow.shopper]
    assert not any(wants)


def test_sensitive_categories_cannot_be_targeted():
    with pytest.raises(PolicyError, match="baby, tobacco must not be targeted"):
        offers("affinity", choice=("baby", "tobacco", "dairy"))


def test_what_cannot_be_offered_is_refused():
    with pytest.raises(ConfigError, match="policy = 'best' is unknown; use one of none, random, affinity"):
        offers("best")
    with pytest.raises(ConfigError, match="nobody wants fish"):
        offers("affinity", choice=("fish",))
    with pytest.raises(ConfigError, match=r"affinity of shape \(2, 2\) does not fit 6 categories"):
        Offers("affinity", np.ones((2, 2)), NAMES)


def test_categories_that_the_affinity_does_not_know_are_bought_together_by_chance():
    demand = day()
    known = Offers("affinity", np.full((2, 2), 1.5), ("cheese", "pasta and rice"))
    offered = known.offered(demand, SETTINGS)
    whole = np.ones((6, 6))
    at = [NAMES.index("cheese"), NAMES.index("pasta and rice")]
    whole[np.ix_(at, at)] = 1.5
    same = Offers("affinity", whole, NAMES).offered(demand, SETTINGS)
    assert np.array_equal(offered.category, same.category)
    assert np.array_equal(offered.chance, same.chance)


def test_a_demand_without_any_of_the_chosen_categories_is_refused():
    with pytest.raises(ConfigError, match="nobody wants fish"):
        Offers("affinity", np.ones((1, 1)), ("fish",), ("fish",))(day(), SETTINGS)


def test_targeting_learns_from_the_model():
    made = targeting("affinity", model=model(), seed=3)
    assert np.array_equal(made.affinity, affinity_of(model().trips))
    assert (made.policy, made.categories, made.seed) == ("affinity", NAMES, 3)


def test_offers_sell_more_in_a_store_the_more_shoppers_consent_and_nothing_without():
    sold = []
    for rate in (0.0, 0.4, 0.9):
        values = SETTINGS.with_values(consent_rate=rate)
        store = prepare(load_plan("supermarket"), values)
        demand = model().draw(0, seed=1, shoppers=300, hours=store.hours, settings=values)
        kpis = [run_day(store, each, values).kpis for each in (demand, offers("random")(demand, values))]
        sold.append(kpis[1]["sales_visit"] - kpis[0]["sales_visit"])
    assert sold[0] == 0
    assert 0 < sold[1] < sold[2]
