"""Shares, masks and the ring, one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.secagg import shamir
from federation.secagg.masks import add_mask
from federation.secagg.ring import check_room, from_ring, to_ring
from privacy.steps import step_of
from retail.errors import PrivacyError


@given(st.binary(min_size=32, max_size=32), st.integers(1, 8), st.integers(0, 4), st.randoms(use_true_random=False))
def test_any_threshold_of_the_shares_gives_the_secret_back(secret, threshold, more, random):
    holders = random.sample(range(100), threshold + more)
    shares = shamir.split(secret, holders, threshold)
    some = dict(random.sample(sorted(shares.items()), threshold))
    assert shamir.combine(some, threshold) == secret
    assert shamir.combine(shares, threshold) == secret


def test_one_share_less_is_refused_and_fits_every_secret():
    shares = shamir.split(bytes(range(32)), range(5), 3)
    two = {holder: shares[holder] for holder in (1, 4)}
    with pytest.raises(PrivacyError, match="2 shares of a secret are here and 3 are needed"):
        shamir.combine(two, 3)
    for wanted in (bytes(32), b"\xff" * 32):
        third = _share_that_gives(wanted, two)
        assert shamir.combine({**two, 0: third}, 3) == wanted


def _share_that_gives(secret: bytes, two: dict[int, bytes]) -> bytes:
    points = [(0, int.from_bytes(secret, "big")), *((h + 1, int.from_bytes(s, "big")) for h, s in two.items())]
    return shamir._at(points, 1).to_bytes(shamir.SHARE_BYTES, "big")


def test_a_wrong_share_is_found_out():
    shares = shamir.split(bytes(32), range(5), 3)
    shares[2] = shares[3]
    with pytest.raises(PrivacyError, match="do not belong together"):
        shamir.combine(shares, 3)


def test_a_mask_goes_as_it_came_and_two_keys_make_two_masks():
    plain = np.arange(1000, dtype=np.uint64)
    one, other = plain.copy(), plain.copy()
    add_mask(one, bytes(32), sign=1)
    add_mask(other, b"\1" * 32, sign=1)
    assert (one != other).all()
    assert (one != plain).all()
    add_mask(one, bytes(32), sign=-1)
    assert (one == plain).all()


def test_sums_wrap_and_come_back_with_their_sign():
    parts = [np.array([-5, 7, 0]), np.array([2, -9, 1])]
    total = sum((to_ring(one) for one in parts), np.zeros(3, dtype=np.uint64))
    assert from_ring(total, step=0.5).tolist() == [-1.5, -1.0, 0.5]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, 0.5])
def test_what_is_no_whole_number_or_too_large_does_not_enter_the_ring(value):
    with pytest.raises(PrivacyError, match="not whole, or too large"):
        to_ring(np.array([1.0, value]))


def test_sums_that_could_wrap_around_are_refused():
    check_room(people=10**6, bound=1.0, noise=1e3, step=step_of(1.0))
    with pytest.raises(PrivacyError, match="do not fit the ring"):
        check_room(people=10**12, bound=1.0, noise=0.0, step=step_of(1.0))
