"""The server gets the sum of those who answered, or nothing; and never a vector."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.secagg import keys
from federation.secagg.graph import Graph
from federation.secagg.masks import add_mask, pair_sign
from federation.secagg.node import MASK, NodeSession
from federation.secagg.terms import Terms
from retail.errors import ConfigError, PrivacyError

from .rounds import Rehearsal

SIZE = 40


def vectors_of(nodes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (nodes, SIZE), dtype=np.uint64)


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 12), st.integers(0, 3), st.integers(0, 2), st.randoms(use_true_random=False), st.integers(1, 3))
def test_whoever_is_lost_within_the_terms_the_sum_is_that_of_the_vectors_sent(nodes, dropouts, colluders, random, when):
    try:
        terms = Terms(nodes, dropouts, colluders)
    except ConfigError:
        return
    lost = random.sample(range(nodes), dropouts)
    stage = {1: "lost_before_keys", 2: "lost_before_shares", 3: "lost_before_masks"}[when]
    vectors = vectors_of(nodes)
    there = [node for node in range(nodes) if node not in lost]
    total = Rehearsal(terms, SIZE).run(vectors, **{stage: lost})
    assert (total == vectors[there].sum(axis=0, dtype=np.uint64)).all()


def test_three_of_ten_may_be_lost_at_different_times_and_one_more_between_sending_and_revealing():
    vectors = vectors_of(10)
    total = Rehearsal(Terms(10, dropouts=3), SIZE).run(
        vectors, lost_before_keys=[1], lost_before_shares=[4], lost_before_masks=[7], lost_before_reveal=[2]
    )
    there = [0, 2, 3, 5, 6, 8, 9]
    assert (total == vectors[there].sum(axis=0, dtype=np.uint64)).all()


def test_few_neighbours_of_many_nodes_give_the_same_sum():
    vectors = vectors_of(60)
    lost = [3, 17, 40]
    total = Rehearsal(Terms(60, dropouts=3, colluders=2, degree=12), SIZE).run(vectors, lost_before_masks=lost)
    there = [node for node in range(60) if node not in lost]
    assert (total == vectors[there].sum(axis=0, dtype=np.uint64)).all()


def test_below_the_quorum_the_server_gets_nothing_and_is_told_so():
    with pytest.raises(PrivacyError, match="6 of 10 nodes sent a vector and 7 must; the round gives nothing"):
        Rehearsal(Terms(10, dropouts=3), SIZE).run(vectors_of(10), lost_before_masks=[0, 1, 2, 3])


def test_a_server_that_hides_how_few_answered_is_refused_by_the_nodes():
    rehearsal = Rehearsal(Terms(10, dropouts=3), SIZE)
    found = rehearsal.server.keys_for({node: one.advertise() for node, one in rehearsal.nodes.items()})
    shares = rehearsal.server.shares_for({node: one.share(found[node]) for node, one in rehearsal.nodes.items()})
    for node, one in rehearsal.nodes.items():
        one.mask(shares[node], vectors_of(10)[node])
    with pytest.raises(PrivacyError, match="6 of 10 nodes answered and 7 must"):
        rehearsal.nodes[0].reveal(range(6))
    with pytest.raises(PrivacyError, match="step 4 of a secure aggregation was asked for"):
        rehearsal.nodes[0].reveal(range(10))


def test_too_few_answers_at_the_end_give_nothing():
    with pytest.raises(PrivacyError, match="cannot be unmasked"):
        Rehearsal(Terms(10, dropouts=3), SIZE).run(vectors_of(10), lost_before_reveal=[0, 1, 2, 3, 4])


def _unmasked_by_server(rehearsal: Rehearsal, node: int, known: set[int]) -> np.ndarray:
    """Take off a vector all masks that the server can compute: with `known` nodes' keys for masks."""
    vector = rehearsal.masked[node].copy()
    shares = {holder: given[node] for holder, given in rehearsal.revealed.items() if node in given}
    from federation.secagg import shamir

    add_mask(vector, shamir.combine(shares, rehearsal.terms.threshold), sign=-1)
    for peer in Graph(rehearsal.terms, rehearsal.session).neighbours(node):
        if node in known or peer in known:
            owner, other = (node, peer) if node in known else (peer, node)
            secret = rehearsal.nodes[owner].stolen
            public = keys.public_key(rehearsal.nodes[other].stolen)
            key = keys.agreed(
                secret, public, purpose=MASK, session=rehearsal.session, between=(min(node, peer), max(node, peer))
            )
            add_mask(vector, key, sign=-pair_sign(node, peer))
    return vector


def _with_stolen_keys(nodes: int) -> tuple[Rehearsal, np.ndarray]:
    rehearsal = Rehearsal(Terms(nodes, dropouts=1), SIZE)
    vectors = np.tile(np.arange(SIZE, dtype=np.uint64), (nodes, 1)) + np.arange(nodes, dtype=np.uint64)[:, None]
    for one in rehearsal.nodes.values():
        mask = one.mask

        def keeping(sealed, vector, one=one, mask=mask):
            one.stolen = one._mask
            return mask(sealed, vector)

        one.mask = keeping
    total = rehearsal.run(vectors)
    assert (total == vectors.sum(axis=0, dtype=np.uint64)).all()
    return rehearsal, vectors


def test_with_all_that_the_server_saw_no_vector_is_recovered():
    rehearsal, vectors = _with_stolen_keys(8)
    for node in rehearsal.nodes:
        opened = _unmasked_by_server(rehearsal, node, known=set())
        assert (opened != vectors[node]).all()
        # Small numbers would show in the upper half of 64 bits, if a mask were missing there.
        assert len(np.unique(opened >> np.uint64(32))) == SIZE


def test_the_same_reading_recovers_a_vector_once_its_key_for_masks_is_known():
    rehearsal, vectors = _with_stolen_keys(8)
    assert (_unmasked_by_server(rehearsal, 3, known={3}) == vectors[3]).all()
    others = set(rehearsal.nodes) - {3}
    assert (_unmasked_by_server(rehearsal, 3, known=others) == vectors[3]).all()
    all_but_one = others - {5}
    assert (_unmasked_by_server(rehearsal, 3, known=all_but_one) != vectors[3]).all()


def test_the_messages_of_two_rounds_on_the_same_vectors_have_nothing_in_common():
    vectors = vectors_of(4)
    first, second = Rehearsal(Terms(4), SIZE), Rehearsal(Terms(4), SIZE)
    first.run(vectors)
    second.run(vectors)
    assert all((first.masked[node] != second.masked[node]).all() for node in range(4))


def test_a_key_that_the_roster_does_not_know_is_as_good_as_none():
    rehearsal = Rehearsal(Terms(5, dropouts=1), SIZE)
    stranger = keys.new_identity()
    advertised = {node: one.advertise() for node, one in rehearsal.nodes.items()}
    advertised[2] = keys.advertise(rehearsal.session, 2, identity=stranger, seal=keys.new_key(), mask=keys.new_key())
    heard = rehearsal.server.keys_for(advertised)
    assert 2 not in heard
    assert all(one.node != 2 for one in heard[0])
    with pytest.raises(PrivacyError, match="no neighbour has signed"):
        rehearsal.nodes[0].share([*heard[0], advertised[2]])


def test_a_share_changed_on_its_way_stops_the_node_that_gets_it():
    rehearsal = Rehearsal(Terms(4), SIZE)
    heard = rehearsal.server.keys_for({node: one.advertise() for node, one in rehearsal.nodes.items()})
    shares = rehearsal.server.shares_for({node: one.share(heard[node]) for node, one in rehearsal.nodes.items()})
    shares[0][1] = bytes(len(shares[0][1]))
    with pytest.raises(PrivacyError, match="changed on its way"):
        rehearsal.nodes[0].mask(shares[0], vectors_of(4)[0])


def test_a_node_can_go_on_in_another_process_after_each_answer():
    terms, vectors = Terms(4, dropouts=1), vectors_of(4)
    rehearsal = Rehearsal(terms, SIZE)

    def revived(place: int) -> NodeSession:
        fresh = NodeSession(
            terms, rehearsal.roster, rehearsal.session, place=place, identity=rehearsal.identities[place]
        )
        fresh.restore(rehearsal.nodes[place].dump())
        return fresh

    heard = rehearsal.server.keys_for({node: one.advertise() for node, one in rehearsal.nodes.items()})
    rehearsal.nodes = {place: revived(place) for place in range(4)}
    shares = rehearsal.server.shares_for({node: one.share(heard[node]) for node, one in rehearsal.nodes.items()})
    rehearsal.nodes = {place: revived(place) for place in range(4)}
    for node, one in rehearsal.nodes.items():
        rehearsal.server.add(node, one.mask(shares[node], vectors[node]))
    rehearsal.nodes = {place: revived(place) for place in range(4)}
    survivors = rehearsal.server.survivors()
    total = rehearsal.server.unmask({node: one.reveal(survivors) for node, one in rehearsal.nodes.items()})
    assert (total == vectors.sum(axis=0, dtype=np.uint64)).all()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"nodes": 2}, "nodes = 2"),
        ({"nodes": 10, "dropouts": -1}, "dropouts = -1"),
        ({"nodes": 4, "dropouts": 2, "colluders": 1}, "fewer than two honest"),
        ({"nodes": 10, "dropouts": 5}, "may leave fewer than 6 of the 10 holders"),
        ({"nodes": 100, "degree": 7}, "odd"),
        ({"nodes": 100, "dropouts": 40}, "raise degree"),
    ],
)
def test_terms_that_protect_nobody_or_never_end_well_are_refused(numbers, message):
    with pytest.raises(ConfigError, match=message):
        Terms(**numbers)


@given(st.integers(3, 200), st.integers(0, 10), st.integers(0, 5), st.sampled_from([4, 10, 20]))
def test_no_lie_about_who_was_lost_gives_enough_shares_of_both_secrets_of_a_node(nodes, dropouts, colluders, degree):
    try:
        terms = Terms(nodes, dropouts, colluders, degree)
    except ConfigError:
        return
    honest = terms.holders - colluders
    assert honest + 2 * colluders < 2 * terms.threshold


def test_survivors_that_fall_into_two_pieces_are_found_out():
    terms = Terms(60, dropouts=3, degree=12)
    graph = Graph(terms, b"s" * 32)
    assert graph.holds_together(range(60))
    ring = list(graph._order)
    gap = set(ring[:6])
    assert not graph.holds_together([node for node in range(60) if node not in gap])
    assert graph.holds_together([node for node in range(60) if node not in set(ring[:5])])


@given(st.integers(3, 80), st.sampled_from([2, 6, 20]))
def test_neighbours_are_mutual_and_as_many_as_the_terms_say(nodes, degree):
    terms = Terms(nodes, degree=degree)
    graph = Graph(terms, bytes(32))
    found = {node: set(graph.neighbours(node)) for node in range(nodes)}
    for node, near in found.items():
        assert len(near) == terms.neighbours
        assert node not in near
        assert all(node in found[peer] for peer in near)
