"""Consumers choose by a logit, exactly and at most once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.randomness import person_keys, uniforms
from simulation.market import MarketSettings
from simulation.market.consumers import attention_of, choose, expected_arrivals, shares, utilities
from simulation.market.start import draw_state
from simulation.market.state import STREAMS

SETTINGS = MarketSettings(merchants=10, consumers=3000, products=40, categories=2)


def choices(seed=3, period=5, settings=SETTINGS):
    state = draw_state(settings, seed)
    v = utilities(state.products, state.consumers, state.products.price, settings)
    attention = np.broadcast_to(state.products.active[:, None, :], v.shape).astype(float)
    share, _ = shares(v, attention)
    picks = np.empty((settings.consumers, 2), dtype=np.int64)
    units, arrivals = choose(share, state.consumers, settings, period, picks=picks)
    return state, share, units, arrivals, picks


def test_choices_are_the_inverse_of_the_distribution_at_each_consumers_own_numbers():
    state, share, _, _, picks = choices()
    people = np.arange(SETTINGS.consumers)
    keys = person_keys(3, people)
    u = {name: uniforms(keys, stream=STREAMS[name], counter=5) for name in ("arrival", "need", "choice")}
    segment = (uniforms(keys, stream=STREAMS["segment"]) * SETTINGS.segments).astype(int)
    for person in people:
        if u["arrival"][person] >= SETTINGS.arrival:
            assert (picks[person] == -1).all()
            continue
        category = int(np.searchsorted(state.consumers.share, u["need"][person], side="right"))
        bought = int(np.searchsorted(np.cumsum(share[category, segment[person]]), u["choice"][person], side="right"))
        assert picks[person, 0] == category * SETTINGS.segments + segment[person]
        assert picks[person, 1] == (bought if bought < share.shape[2] else -1)


def test_each_consumer_buys_at_most_once_an_arrival():
    _, _, units, arrivals, picks = choices()
    assert (units.sum(axis=2) <= arrivals).all()
    assert units.sum() == (picks[:, 1] >= 0).sum()
    assert arrivals.sum() == (picks[:, 0] >= 0).sum()


def test_only_what_is_shown_is_bought():
    state, _, units, _, _ = choices()
    assert units[~np.broadcast_to(state.products.active[:, None, :], units.shape)].sum() == 0


def test_chunks_change_nothing(monkeypatch):
    _, _, units, arrivals, _ = choices()
    monkeypatch.setattr("simulation.market.consumers.CHUNK", 700)
    _, _, again, arrivals_again, _ = choices()
    assert (units == again).all()
    assert (arrivals == arrivals_again).all()


def test_frequencies_agree_with_the_shares():
    settings = SETTINGS.with_values(consumers=200_000, arrival=1.0)
    _, share, units, arrivals, _ = choices(settings=settings)
    expected = share * arrivals[:, :, None]
    seen = expected > 5
    z = (units - expected)[seen] / np.sqrt((expected * (1 - share))[seen])
    assert abs(z).max() < 5
    assert abs(arrivals - expected_arrivals(draw_state(settings, 3).consumers, settings)).max() < 1000


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_shares_and_leaving_sum_to_one(values, seed):
    v = np.array(values)[None, None, :]
    attention = np.random.default_rng(seed).random(v.shape)
    share, inclusive = shares(v, attention)
    leaving = np.exp(-inclusive)
    assert (share >= 0).all()
    assert share.sum() + leaving.sum() == pytest.approx(1, abs=1e-12)


def test_the_logsum_is_the_mean_of_the_best_of_gumbel_utilities():
    rng = np.random.default_rng(0)
    v, attention = np.array([0.3, -0.5, 1.0]), np.array([1.0, 0.7, 0.3])
    _, inclusive = shares(v[None, None], attention[None, None])
    noise = rng.gumbel(size=(400_000, 4))
    best = np.maximum(noise[:, 0], (v + np.log(attention) + noise[:, 1:]).max(axis=1))
    over_leaving = best.mean() - np.euler_gamma
    assert over_leaving == pytest.approx(float(inclusive[0, 0]), abs=4 * best.std() / np.sqrt(best.size))


@given(st.floats(0.5, 5), st.floats(0.01, 2))
def test_a_higher_price_never_raises_ones_own_share_nor_lowers_anothers(price, rise):
    v = np.array([1 - price, 0.5, 0.2])[None, None]
    dearer = np.array([1 - price - rise, 0.5, 0.2])[None, None]
    before, _ = shares(v, np.ones_like(v))
    after, _ = shares(dearer, np.ones_like(v))
    assert after[0, 0, 0] < before[0, 0, 0]
    assert (after[0, 0, 1:] >= before[0, 0, 1:]).all()


def test_attention_falls_with_the_place_and_ends_with_the_list():
    settings = SETTINGS.with_values(places=3, attention=0.5)
    found = attention_of(np.array([1, 2, 3, 4, 9]), settings)
    assert found == pytest.approx([1, 2**-0.5, 3**-0.5, 0, 0])
