import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.psi import asking
from matching.psi.answering import hide, mark_of, mask_both
from matching.psi.asking import ask, count_matches
from matching.psi.group import fresh_key, inverse, masked, point_of, public_of, random_point
from matching.psi.messages import Question, Reply
from matching.psi.terms import Terms
from privacy.blind import BEYOND
from privacy.statistics.noise import CountNoise
from retail.errors import PrivacyError

NOISE = CountNoise("laplace", 0.3)
SPARE = 2 * NOISE.beyond(BEYOND)
IDENTITY = bytes(32)
NO_POINT = b"\xff" * 32


def terms(places: int = 100) -> Terms:
    return Terms.fresh("m1", "platform", places=places, purpose="own_business")


def people(letter: str, count: int = 100) -> list[str]:
    return [f"{letter}{number}" for number in range(count)]


def reply_to(question: Question, ids: list[str], matching: int = SPARE // 2) -> Reply:
    marks, own = mask_both(question, ids, fresh_key())
    return hide(question, marks, own, matching=matching, spare=SPARE, noise=NOISE)


# Any sets, small ones too: a session needs a hundred people, the arithmetic does not.
@given(st.sets(st.text(min_size=1)), st.sets(st.text(min_size=1)), st.sets(st.text(min_size=1)))
@settings(deadline=None)
def test_matches_are_as_many_as_the_set_intersection_holds(first, second, shared):
    first, second = first | shared, second | shared
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "LEAST_PEOPLE", 0)
        agreed, key = terms(), fresh_key()
        question = Question.read(ask(agreed, first, key).to_bytes())
        reply = Reply.read(reply_to(question, list(second)).to_bytes())
    assert count_matches(reply, key) == len(first & second)


@pytest.mark.parametrize("matching", [0, 3, SPARE])
def test_points_for_nobody_move_the_count_by_as_many_as_match(matching):
    agreed, key = terms(), fresh_key()
    question = ask(agreed, people("a"), key)
    assert count_matches(reply_to(question, people("a"), matching), key) == 100 + matching - SPARE // 2


def test_two_sessions_about_the_same_people_have_nothing_in_common():
    first, second = (ask(terms(), people("a"), fresh_key()) for _ in range(2))
    assert not {first.public, *first.points} & {second.public, *second.points}
    one, other = reply_to(first, people("a")), reply_to(second, people("a"))
    assert not set(one.marks) & set(other.marks)
    assert not set(one.points) & set(other.points)


def test_even_the_same_key_says_nothing_across_sessions():
    key = fresh_key()
    assert not set(ask(terms(), people("a"), key).points) & set(ask(terms(), people("a"), key).points)


def test_no_message_holds_an_id_a_hash_of_one_or_a_point_without_a_mask():
    agreed = terms(120)
    question = ask(agreed, people("customer-"), fresh_key())
    sent = question.to_bytes() + reply_to(question, people("customer-")).to_bytes()
    for one in people("customer-"):
        bare = point_of(agreed.domain, one)
        for trace in (one.encode(), bare, mark_of(agreed.domain, bare)):
            assert trace not in sent
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
            digest = hashlib.new(name, one.encode())
            assert digest.digest() not in sent
            assert digest.hexdigest().encode() not in sent


def test_messages_are_as_long_however_many_people_a_party_has():
    few, many = (ask(terms(500), people("a", count), fresh_key()) for count in (100, 500))
    assert len(few.to_bytes()) == len(many.to_bytes())
    replies = [reply_to(question, people("b", count)) for question, count in ((few, 500), (many, 100), (few, 100))]
    assert len({len(one.to_bytes()) for one in replies}) == 1


def test_shuffling_hides_who_stands_where():
    """Over sessions the first id of each list stands anywhere, and neighbours are torn apart."""
    places, near = [], 0
    for _ in range(60):
        agreed, key = terms(), fresh_key()
        question = ask(agreed, people("a"), key)
        first, second = masked([point_of(agreed.domain, "a0"), point_of(agreed.domain, "a1")], key)
        places.append(question.points.index(first))
        near += question.points.index(second) - places[-1] == 1
    assert len(set(places)) > 30  # 45 expected of 100 places
    assert near < 10  # kept in order it would be 60; about 1 expected
    answers = []
    for _ in range(60):
        mine = fresh_key()
        marks, own = mask_both(question, people("a"), mine)
        reply = hide(question, marks, own, matching=SPARE // 2, spare=SPARE, noise=NOISE)
        answers += [reply.points.index(own[0]), reply.marks.index(marks[0])]
    assert len(set(answers)) > 50  # of about 200 places


def test_the_group_keeps_its_own_rules():
    key, other = fresh_key(), fresh_key()
    point = random_point()
    assert masked(masked([point], key), inverse(key)) == [point]
    assert masked(masked([point], key), other) == masked(masked([point], other), key)
    assert masked([public_of(key)], other) == masked([public_of(other)], key)
    assert point_of(b"one", "17") == point_of(b"one", "17") != point_of(b"two", "17")
    assert point_of(b"on", "e17") != point_of(b"one", "17")


def test_elements_are_those_of_the_standard():
    """RFC 9496, appendix A.1 (multiples of the base point) and A.3 (from uniform bytes)."""
    import rbcl

    three = (3).to_bytes(32, "little")
    assert public_of(three).hex() == "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259"
    wide = bytes.fromhex(
        "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
        "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6"
    )
    expected = "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"
    assert rbcl.crypto_core_ristretto255_from_hash(wide).hex() == expected


def tampered(message: bytes, place: int, with_: bytes) -> bytes:
    start = message.index(b"\n") + 1 + place
    return message[:start] + with_ + message[start + len(with_) :]


@pytest.mark.parametrize("bad", [IDENTITY, NO_POINT], ids=["identity", "no point"])
@pytest.mark.parametrize("place", [0, 5 * 32], ids=["public", "somebody"])
def test_a_question_with_something_that_is_no_point_is_refused(bad, place):
    message = tampered(ask(terms(), people("a"), fresh_key()).to_bytes(), place, bad)
    with pytest.raises(PrivacyError, match="no point of the group"):
        reply_to(Question.read(message), people("b"))


@pytest.mark.parametrize("bad", [IDENTITY, NO_POINT], ids=["identity", "no point"])
def test_a_reply_with_something_that_is_no_point_is_refused(bad):
    key = fresh_key()
    message = reply_to(ask(terms(), people("a"), key), people("b")).to_bytes()
    message = message[:-32] + bad
    with pytest.raises(PrivacyError, match="no point of the group"):
        count_matches(Reply.read(message), key)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda message: message[:-1], "bytes of points"),
        (lambda message: message + bytes(32), "more points than"),
        (lambda message: message[:-32] + message[-64:-32], "a point twice"),
        (lambda message: message.replace(b'"psi": "question"', b'"psi": "reply"'), "no question"),
        (lambda message: message.replace(b'"places": 100', b'"places": 90'), "whole number from 100"),
        (lambda message: message.replace(b'"places": 100', b'"places": 1e2'), "whole number from 100"),
        (lambda message: message.replace(b'"places": 100', b'"places": 200'), "bytes of points"),
        (lambda message: message.replace(b'"asker": "m1"', b'"asker": "platform"'), "with itself"),
        (lambda message: message.replace(b'"purpose"', b'"reason"'), "have the fields"),
        (lambda message: message.replace(b'"session": "', b'"session": "z'), "32 hexadecimal digits"),
        (lambda message: b"[" * 3000 + b"\n" + message, "no question"),
        (lambda message: b"", "first line is missing"),
        (lambda message: bytes(100_000), "first line is missing"),
    ],
)
def test_a_message_that_no_honest_party_sends_is_refused(change, says):
    message = ask(terms(), people("a"), fresh_key()).to_bytes()
    with pytest.raises(PrivacyError, match=says):
        Question.read(change(message))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("spare", 3, "even number"),
        ("spare", -2, "even number"),
        ("spare", SPARE + 2, "do not fit the noise"),
        ("noise", {"shape": "laplace", "scale": 9.0}, "do not fit the noise"),
        ("noise", {"shape": "none", "scale": 1.0}, "noise must be"),
        ("noise", {"shape": "laplace", "scale": "1"}, "shape and scale"),
        ("noise", [], "shape and scale"),
        ("noise", {"shape": "laplace", "scale": 1e308}, "fits no reply"),
        ("noise", {"shape": "laplace", "scale": 10**400}, "fits no reply"),
        ("extra", 1, "no reply"),
    ],
)
def test_a_reply_that_no_honest_party_sends_is_refused(field, value, says):
    line, points = reply_to(ask(terms(), people("a"), fresh_key()), people("b")).to_bytes().split(b"\n", 1)
    changed = json.dumps(json.loads(line) | {field: value}).encode()
    with pytest.raises(PrivacyError, match=says):
        Reply.read(changed + b"\n" + points)


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (people("a", 99), "fewer than 100"),
        (people("a", 101), "agree on more places"),
        ([*people("a", 99), "a0"], "twice"),
        ([*people("a", 99), ""], "not empty"),
        ([*people("a", 99), 17], "texts"),
    ],
)
def test_a_list_that_protects_nobody_is_refused_on_both_sides(ids, says):
    with pytest.raises(PrivacyError, match=says):
        ask(terms(), ids, fresh_key())


def test_an_asker_who_cheats_with_a_key_for_each_id_sees_who_is_shared():
    """What semi-honest means: the docs warn of this. Noise hides how many match, not which of one's own keys do."""
    agreed = terms()
    keys = {one: fresh_key() for one in people("a")}
    points = [masked([point_of(agreed.domain, one)], key)[0] for one, key in keys.items()]
    cheating = replace(ask(agreed, people("a"), fresh_key()), points=tuple(points))
    shared = people("a", 7) + people("b", 93)
    reply = reply_to(cheating, shared)
    seen = {
        one for one, key in keys.items()
        if any(mark_of(agreed.domain, both) in reply.marks for both in masked(reply.points, key))
    }  # fmt: skip
    assert seen == set(people("a", 7))


@pytest.mark.parametrize("there", [True, False])
def test_an_answerer_who_cheats_counts_one_person_of_the_asker_many_times(there):
    """The other half of semi-honest: noise for one count each does not hide somebody who counts fifteen times."""
    target, times, noise = "a7", 15, CountNoise("laplace", 60.0)
    asked = [one for one in people("a", 101) if there or one != target][:100]
    agreed, key, spare = terms(), fresh_key(), 2 * noise.beyond(BEYOND)
    question = ask(agreed, asked, key)
    own_keys, fill = [fresh_key() for _ in range(times)], spare // 2
    marks = [mark_of(agreed.domain, one) for own in own_keys for one in masked(question.points, own)]
    points = [masked([point_of(agreed.domain, target)], own)[0] for own in own_keys]
    for _ in range(fill):  # match for nobody, and make up for what the asker takes away
        own = fresh_key()
        marks.append(mark_of(agreed.domain, masked([question.public], own)[0]))
        points.append(public_of(own))
    length = agreed.places + spare
    assert len(marks) <= length
    marks += [mark_of(agreed.domain, random_point()) for _ in range(length - len(marks))]
    points += [random_point() for _ in range(length - len(points))]
    reply = Reply.read(Reply(agreed, spare, noise, tuple(marks), tuple(points)).to_bytes())
    assert count_matches(reply, key) == (times if there else 0)
