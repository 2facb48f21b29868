"""The tree and its proofs against RFC 9162, written down anew and as slowly as the RFC says it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.log.merkle import (
    EMPTY_ROOT,
    RightEdge,
    completed,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
    root_of,
)
from privacy.log.proofs import ConsistencyProof, InclusionProof
from retail.errors import PrivacyError

LARGEST = 20


def sha(data):
    return hashlib.sha256(data).digest()


def split(count):
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree_hash(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\x00" + leaves[0])
    k = split(len(leaves))
    return sha(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:]))


def rfc_path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*rfc_path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*rfc_path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def rfc_subproof(m, leaves, whole):
    if m == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*rfc_subproof(m, leaves[:k], whole), tree_hash(leaves[k:])]
    return [*rfc_subproof(m - k, leaves[k:], False), tree_hash(leaves[:k])]


def stored(leaves):
    """Append leaves one by one, and return how to look up what that kept."""
    kept = {}
    for size, leaf in enumerate(leaves):
        hashes = completed(size, leaf_hash(leaf), lambda level, position: kept[level, position])
        kept.update({(level, size >> level): each for level, each in enumerate(hashes)})
    return lambda level, position: kept[level, position]


LEAVES = [bytes([number]) * (number % 5) + b"%d" % number for number in range(LARGEST)]
SUBTREES = stored(LEAVES)
ROOTS = [tree_hash(LEAVES[:size]).hex() for size in range(LARGEST + 1)]


def inclusion(index, size):
    path = tuple(each.hex() for each in inclusion_path(index, size, SUBTREES))
    return InclusionProof(index, size, leaf_hash(LEAVES[index]).hex(), path)


def consistency(old, new):
    return ConsistencyProof(old, new, tuple(each.hex() for each in consistency_path(old, new, SUBTREES)))


def test_roots_are_those_published_for_certificate_transparency():
    # Test data of RFC 6962's reference implementation: eight leaves, and the root after each.
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    data = [bytes.fromhex(leaf) for leaf in leaves]
    subtrees = stored(data)
    for size, expected in enumerate(roots):
        assert root(size, subtrees).hex() == expected
        assert root_of(map(leaf_hash, data[:size])).hex() == expected
    assert [each.hex() for each in inclusion_path(5, 8, subtrees)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [each.hex() for each in consistency_path(6, 8, subtrees)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_both_ways_to_a_root_agree_with_the_rfcs_recursion(leaves):
    expected = tree_hash(leaves)
    assert root(len(leaves), stored(leaves)) == expected
    assert root_of(map(leaf_hash, leaves)) == expected


def test_a_tree_that_grows_hands_out_what_the_store_keeps():
    edge = RightEdge()
    assert edge.root() == EMPTY_ROOT
    for size, leaf in enumerate(LEAVES):
        assert edge.push(leaf_hash(leaf)) == completed(size, leaf_hash(leaf), SUBTREES)
        assert edge.root().hex() == ROOTS[size + 1]


def test_every_inclusion_proof_has_the_rfcs_shape_and_verifies():
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = inclusion(index, size)
            assert [bytes.fromhex(each) for each in proof.path] == rfc_path(index, LEAVES[:size])
            assert proof.verify(ROOTS[size])


def test_an_inclusion_proof_holds_for_no_other_leaf_place_size_or_root():
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = inclusion(index, size)
            for other in range(LARGEST):
                if other != index:
                    leaf = leaf_hash(LEAVES[other]).hex()
                    assert not InclusionProof(index, size, leaf, proof.path).verify(ROOTS[size])
                    assert not InclusionProof(other, size, proof.leaf_hex, proof.path).verify(ROOTS[size])
            for other in range(LARGEST + 1):
                assert proof.verify(ROOTS[other]) == (other == size)


def test_every_consistency_proof_has_the_rfcs_shape_and_verifies():
    for new in range(LARGEST + 1):
        for old in range(new + 1):
            proof = consistency(old, new)
            expected = [] if old in (0, new) else rfc_subproof(old, LEAVES[:new], True)
            assert [bytes.fromhex(each) for each in proof.path] == expected
            assert proof.verify(ROOTS[old], ROOTS[new])


def test_a_consistency_proof_holds_for_no_other_pair_of_roots():
    for new in range(LARGEST + 1):
        for old in range(new + 1):
            proof = consistency(old, new)
            for other in range(LARGEST + 1):
                assert proof.verify(ROOTS[other], ROOTS[new]) == (other == old)
                # Every tree extends the empty one, so the proof for 0 says nothing about the later root.
                assert proof.verify(ROOTS[old], ROOTS[other]) == (other == new or (old == 0 and 0 < min(new, other)))


@given(st.data())
def test_a_fork_has_no_consistency_proof(data):
    """Two logs that differ in one earlier entry: no proof made from the one fits a head of the other."""
    new = data.draw(st.integers(2, LARGEST))
    old = data.draw(st.integers(1, new))
    changed = data.draw(st.integers(0, old - 1))
    forked = [*LEAVES[:changed], b"forged", *LEAVES[changed + 1 : new]]
    path = tuple(each.hex() for each in consistency_path(old, new, stored(forked)))
    assert not ConsistencyProof(old, new, path).verify(ROOTS[old], tree_hash(forked).hex())
    assert not ConsistencyProof(old, new, path).verify(ROOTS[old], ROOTS[new]) or path == consistency(old, new).path


@given(st.data())
def test_a_proof_with_one_changed_bit_or_another_length_is_false(data):
    size = data.draw(st.integers(2, LARGEST))
    proof = inclusion(data.draw(st.integers(0, size - 1)), size)
    path = [bytes.fromhex(each) for each in proof.path]
    which, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(path[which]) ^ (1 << bit)).to_bytes(32)
    changes = [
        [*path[:which], flipped, *path[which + 1 :]],
        [*path, path[which]],
        path[:which] + path[which + 1 :],
    ]
    for changed in changes:
        texts = tuple(each.hex() for each in changed)
        assert not InclusionProof(proof.index, size, proof.leaf_hex, texts).verify(ROOTS[size])


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "A" * 64, " " * 64, None, 5, b"0" * 64])
def test_what_is_no_hash_is_false_and_no_error(text):
    proof = inclusion(3, 8)
    assert not proof.verify(text)
    assert not InclusionProof(3, 8, text, proof.path).verify(ROOTS[8])
    assert not InclusionProof(3, 8, proof.leaf_hex, (text, *proof.path[1:])).verify(ROOTS[8])
    grown = consistency(3, 8)
    assert not grown.verify(text, ROOTS[8])
    assert not grown.verify(ROOTS[3], text)
    assert not ConsistencyProof(3, 8, (text, *grown.path[1:])).verify(ROOTS[3], ROOTS[8])


def test_a_hash_in_capitals_is_another_text_and_refused():
    assert inclusion(3, 8).verify(ROOTS[8])
    assert not inclusion(3, 8).verify(ROOTS[8].upper())


@pytest.mark.parametrize(("index", "size"), [(-1, 8), (8, 8), (0, 0), (9, 8)])
def test_a_place_outside_the_log_is_false(index, size):
    assert not InclusionProof(index, size, inclusion(0, 8).leaf_hex, inclusion(0, 8).path).verify(ROOTS[8])


def test_an_inner_node_cannot_pass_for_a_leaf():
    left, right = leaf_hash(LEAVES[0]), leaf_hash(LEAVES[1])
    assert node_hash(left, right) != leaf_hash(left + right)


def test_proofs_survive_json_and_nothing_else_is_read_as_one():
    for proof in (inclusion(5, 13), consistency(5, 13)):
        kind, document = type(proof), proof.to_json()
        assert kind.from_json(document) == proof
        for wrong in (
            {},
            [],
            {**document, "more": 1},
            {**document, "path": "ab"},
            {**document, next(iter(document)): "5"},
        ):
            with pytest.raises(PrivacyError):
                kind.from_json(wrong)
