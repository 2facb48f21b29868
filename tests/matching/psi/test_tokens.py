import pytest

from matching.psi.tokens import TokenRequest, registry_points
from privacy.consent import ConsentRegister, Secret
from retail.errors import ConsentError, PrivacyError

KEY = Secret(bytes(range(32)))


def tokens(ids, key=KEY):
    request = TokenRequest.of(ids)
    return request.tokens(registry_points(request.points, key=key))


def test_a_person_has_one_token_at_all_merchants_and_another_under_another_key():
    assert tokens(["17", "42"]) == tokens(["42", "17"])[::-1]
    assert len({*tokens(["17", "42"]), *tokens(["17"]), *tokens(["17"], Secret.fresh())}) == 3


def test_the_registry_sees_neither_ids_nor_the_same_points_twice():
    first, second = TokenRequest.of(["17", "42"]), TokenRequest.of(["17", "42"])
    assert not set(first.points) & set(second.points)
    answered = registry_points(first.points, key=KEY)
    assert not set(answered) & set(registry_points(second.points, key=KEY))


def test_nobody_is_enrolled_at_more_merchants_than_allowed_and_the_register_never_learns_who(tmp_path):
    register = ConsentRegister.open(tmp_path / "consent.sqlite", log=None, commitments=None)
    register.enrolment.open_period("2026", k_max=2)
    for merchant in ("m1", "m2"):
        for token in tokens(["anna-marie", "bert"]):
            register.enrolment.enrol(token, merchant)
    with pytest.raises(ConsentError, match="has used all 2 slots"):
        register.enrolment.enrol(tokens(["anna-marie"])[0], "m3")
    register.enrolment.enrol(tokens(["carla"])[0], "m3")
    for path in tmp_path.iterdir():
        assert b"anna-marie" not in path.read_bytes()


@pytest.mark.parametrize("ids", [[], ["17", "17"], [""], [17]])
def test_a_request_that_names_nobody_is_refused(ids):
    with pytest.raises(PrivacyError):
        TokenRequest.of(ids)


@pytest.mark.parametrize("bad", [bytes(32), b"\xff" * 32, b"short"])
def test_something_that_is_no_point_is_refused_on_both_sides(bad):
    request = TokenRequest.of(["17", "42"])
    with pytest.raises(PrivacyError, match="no point of the group"):
        registry_points([request.points[0], bad], key=KEY)
    with pytest.raises(PrivacyError, match="no point of the group"):
        request.tokens([request.points[0], bad])


def test_points_that_are_missing_or_twice_are_refused():
    request = TokenRequest.of(["17", "42"])
    with pytest.raises(PrivacyError, match="different points"):
        registry_points([request.points[0]] * 2, key=KEY)
    with pytest.raises(PrivacyError, match="answered 1 of 2"):
        request.tokens(request.points[:1])
