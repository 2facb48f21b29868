import datetime as dt
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from matching.psi.answering import hide, mask_both
from matching.psi.asking import ask, count_matches
from matching.psi.group import fresh_key
from matching.psi.messages import Question, Reply
from matching.psi.party import LEAST_SHOWN
from matching.psi.pending import Pending
from matching.psi.sessions import Limit, Sessions
from matching.psi.shared_count import joint_error
from matching.psi.terms import Terms
from privacy.accounting import cap
from privacy.books import Books
from privacy.log import SigningKey
from privacy.statistics.noise import CountNoise
from retail.errors import ConfigError, PolicyError, PrivacyError

PLACES = 200
STRANGER = SigningKey.generate()


def people(letter: str, count: int) -> list[str]:
    return [f"{letter}{number}" for number in range(count)]


MERCHANTS = people("s", 90) + people("a", 60)
PLATFORMS = people("s", 90) + people("b", 70)


def start(party, ids=MERCHANTS, *, epsilon=1.0, purpose="own_business"):
    return party.start(ids, "platform", places=PLACES, purpose=purpose, epsilon=epsilon)


def answer(platform, question, others=PLATFORMS, *, epsilon=1.0, **more):
    return platform.answer(question, others, places=PLACES, epsilon=epsilon, **more)


def asked(terms, ids, key):
    """A question of somebody who keeps no books."""
    return ask(terms, ids, key).sign(STRANGER)


def session(merchant, platform, ids=MERCHANTS, others=PLATFORMS, *, epsilon=1.0):
    question, pending = start(merchant, ids, epsilon=epsilon)
    reply = answer(platform, Question.read(question.to_bytes()), others, epsilon=epsilon)
    return merchant.finish(Reply.read(reply.to_bytes()), pending, epsilon=epsilon)


def kinds(party) -> list[str]:
    return [entry.kind for entry in party.log.entries()]


def test_a_session_counts_shared_people_charges_both_ledgers_and_is_logged(make_party):
    merchant, platform = make_party("m1"), make_party("platform")
    shared = session(merchant, platform, epsilon=4.0)
    assert shared.count == pytest.approx(90, abs=20)
    most = cap(epsilon=4.0, delta=1e-6)
    assert 0 < merchant._blind.ledger.spent <= most
    assert 0 < platform._blind.ledger.spent <= most
    assert kinds(platform) == ["access", "session"]
    assert kinds(merchant) == ["session", "access", "release"]
    for party in (merchant, platform):
        assert "90" not in {str(value) for entry in party.log.entries() for value in entry.body.values()}


@pytest.mark.slow
def test_the_count_is_as_often_within_its_error_as_it_says(make_party):
    """Through both parties' noise; the books keep no number that would undo the answerer's."""
    inside = 0
    limit = Limit(most=100)
    merchant, platform = (
        make_party("m1", epsilon=300.0, limit=limit),
        make_party("platform", epsilon=300.0, limit=limit),
    )
    for _ in range(40):
        shared = session(merchant, platform, epsilon=2.0)
        inside += shared.count is not None and abs(shared.count - 90) <= shared.error_95
    assert inside >= 30  # 38 expected; fewer than 30 has a chance below 1 in a million


@pytest.mark.slow
def test_the_asker_never_has_the_exact_count(make_party):
    """Before its own noise, what the asker counts in the reply is spread like the answerer's noise."""
    platform = make_party("platform", epsilon=900.0, limit=Limit(most=300))
    counted, noise = [], None
    for _ in range(100):
        terms, key = Terms.fresh("m1", "platform", places=PLACES, purpose="own_business"), fresh_key()
        reply = answer(platform, asked(terms, MERCHANTS[:120], key), PLATFORMS[:110], epsilon=1.0)
        counted.append(count_matches(reply, key) - 90)
        noise = reply.noise
    wide = noise.error()
    assert np.mean(np.abs(counted) <= wide) > 0.85  # .95 expected
    assert np.std(counted) > 0.6 * noise.scale
    assert len(set(counted)) > 5


@pytest.mark.slow
def test_lists_that_differ_by_one_person_are_told_apart_no_better_than_the_epsilon_allows(make_party):
    """The known attack: ask, let one person go, ask again. Two sessions tell little more than luck does."""
    platform = make_party("platform", epsilon=900.0, limit=Limit(most=500))
    epsilon, right, trials = 0.5, 0, 60
    for trial in range(trials):
        with_person = trial % 2 == 0
        others = PLATFORMS[:110] if with_person else PLATFORMS[1:110]
        terms, key = Terms.fresh("m1", "platform", places=PLACES, purpose="own_business"), fresh_key()
        seen = count_matches(answer(platform, asked(terms, MERCHANTS[:100], key), others, epsilon=epsilon), key)
        right += (seen >= 90) == with_person
    most = np.exp(epsilon) / (1 + np.exp(epsilon))  # .62: what epsilon .5 admits at best
    assert right / trials < most + 4 * np.sqrt(most * (1 - most) / trials)


def test_repeating_the_question_ends_when_the_budget_does(make_party):
    merchant, platform = make_party("m1", epsilon=8.0), make_party("platform", epsilon=2.0, limit=Limit(most=1000))
    answered = 0
    for number in range(12):
        others = PLATFORMS if number % 2 else PLATFORMS[1:]
        question, _ = start(merchant)
        if platform._blind.ledger.remaining < cap(epsilon=1.0, delta=1e-6):
            break
        answer(platform, question, others, epsilon=1.0)
        answered += 1
    with pytest.raises(PrivacyError, match="nano-rho left"):
        answer(platform, question, PLATFORMS, epsilon=1.0)
    assert answered == cap(epsilon=2.0, delta=1e-6) // cap(epsilon=1.0, delta=1e-6)
    assert kinds(platform)[-1] == "refusal"


def test_a_pair_holds_few_sessions_also_after_a_restart(make_party):
    limit = Limit(most=3, days=30)
    merchant = make_party("m1", limit=Limit(most=100))
    for _ in range(3):
        answer(make_party("platform", limit=limit), start(merchant)[0], PLATFORMS, epsilon=0.1)
    platform = make_party("platform", limit=limit)
    before = platform._blind.ledger.spent
    with pytest.raises(PrivacyError, match="held 3 sessions in 30 days"):
        answer(platform, start(merchant)[0], PLATFORMS, epsilon=0.1)
    assert platform._blind.ledger.spent == before


def test_a_question_is_answered_once_and_a_reply_counted_once(make_party):
    merchant, platform = make_party("m1"), make_party("platform")
    question, pending = start(merchant)
    reply = answer(platform, question, PLATFORMS, epsilon=1.0)
    paid, entries = platform._blind.ledger.spent, len(kinds(platform))
    with pytest.raises(PrivacyError, match="answered before"):
        answer(platform, question, PLATFORMS[1:], epsilon=1.0)
    assert (platform._blind.ledger.spent, len(kinds(platform))) == (paid, entries)
    shared = merchant.finish(reply, pending, epsilon=1.0)
    paid, entries = merchant._blind.ledger.spent, len(kinds(merchant))
    assert [merchant.finish(reply, pending, epsilon=1.0) for _ in range(3)] == [shared] * 3  # with the same noise
    assert (merchant._blind.ledger.spent, len(kinds(merchant))) == (paid, entries)


def test_a_reply_that_cannot_be_counted_leaves_the_session_open_for_the_right_one(make_party):
    merchant, platform = make_party("m1"), make_party("platform")
    question, pending = start(merchant)
    reply = answer(platform, question)
    bad = replace(reply, points=(*reply.points[:-1], b"\xff" * 32)).sign(platform.key)
    for wrong, says in ((bad, "no point of the group"), (replace(reply, signature=None), "not signed")):
        with pytest.raises(PrivacyError, match=says):
            merchant.finish(wrong, pending, epsilon=1.0)
    assert (merchant._blind.ledger.spent, kinds(merchant)) == (0, ["session"])
    merchant.finish(reply, pending, epsilon=1.0)
    assert merchant._blind.ledger.spent > 0


def test_no_second_noise_is_drawn_over_matches_whose_count_failed(make_party, monkeypatch):
    """Whatever broke after the count, trying again finds the session ended, and spends nothing more."""
    from privacy.mechanisms import statistics

    merchant, platform = make_party("m1"), make_party("platform")
    question, pending = start(merchant)
    reply = answer(platform, question)

    def broken(exact, plan):
        raise PrivacyError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(statistics, "draw_counts", broken)
        with pytest.raises(PrivacyError, match=r"the disk is full; session \w+ has ended without"):
            merchant.finish(reply, pending, epsilon=1.0)
    paid = merchant._blind.ledger.spent
    with pytest.raises(PrivacyError, match="has ended; a reply counts once"):
        merchant.finish(reply, pending, epsilon=1.0)
    assert merchant._blind.ledger.spent == paid > 0


def test_nobody_asks_or_answers_under_the_name_of_somebody_else(make_party):
    merchant, platform = make_party("m1"), make_party("platform")
    first, pending = start(merchant)
    reply = answer(platform, first)
    terms = Terms.fresh("m1", "platform", places=PLACES, purpose="own_business")
    stolen = asked(terms, MERCHANTS, fresh_key())
    with pytest.raises(PrivacyError, match="somebody else uses that name"):
        answer(platform, stolen)
    with pytest.raises(PrivacyError, match="its key was given as"):
        answer(platform, start(merchant)[0], asker_key=STRANGER.public_hex)
    with pytest.raises(PrivacyError, match="a key has one name here"):
        answer(platform, replace(stolen, terms=replace(terms, asker="m2")).sign(merchant.key))
    with pytest.raises(PrivacyError, match="changed on its way"):
        answer(platform, replace(start(merchant)[0], points=stolen.points))
    with pytest.raises(PrivacyError, match="its key was given as"):
        merchant.finish(reply.sign(STRANGER), pending, epsilon=1.0, answerer_key=platform.key.public_hex)
    assert answer(platform, stolen, asker_key=STRANGER.public_hex)  # m1 said that its key was changed


def test_new_names_with_new_keys_are_held_to_one_limit_until_somebody_confirms_them(make_party):
    platform = make_party("platform", limit=Limit(most=2))

    def stranger(name, key):
        terms = Terms.fresh(name, "platform", places=PLACES, purpose="own_business")
        return ask(terms, MERCHANTS, fresh_key()).sign(key)

    for name in ("a1", "a2"):
        answer(platform, stranger(name, SigningKey.generate()), epsilon=0.1)
    key, paid = SigningKey.generate(), platform._blind.ledger.spent
    with pytest.raises(PrivacyError, match="2 are allowed for all of them together"):
        answer(platform, stranger("a3", key), epsilon=0.1)
    assert platform._blind.ledger.spent == paid
    for _ in range(2):
        answer(platform, stranger("a3", key), epsilon=0.1, asker_key=key.public_hex)
    with pytest.raises(PrivacyError, match="a3 and platform have held 2 sessions"):
        answer(platform, stranger("a3", key), epsilon=0.1)


def test_places_are_those_of_the_answerer_so_that_refusals_tell_nobody_how_long_its_list_is(make_party):
    platform = make_party("platform")
    terms = Terms.fresh("m1", "platform", places=150, purpose="own_business")
    with pytest.raises(PrivacyError, match="the question has 150 places, and 200 were agreed to"):
        answer(platform, asked(terms, MERCHANTS, fresh_key()))


def test_a_reply_of_another_session_or_on_other_terms_is_refused(make_party):
    merchant, platform = make_party("m1"), make_party("platform")
    (first, kept), (second, _) = start(merchant), start(merchant)
    reply = answer(platform, second, PLATFORMS, epsilon=1.0)
    with pytest.raises(PrivacyError, match="was begun on other terms"):
        merchant.finish(reply, kept, epsilon=1.0)
    assert first.terms.session in str(kept)
    assert merchant._blind.ledger.spent == 0


def test_a_question_for_somebody_else_is_refused(make_party):
    with pytest.raises(PrivacyError, match="hand it on"):
        answer(make_party("m2"), start(make_party("m1"))[0], PLATFORMS, epsilon=1.0)


@pytest.mark.parametrize("bad", [bytes(32), b"\xff" * 32])
def test_a_malicious_point_costs_nothing_and_leaves_nothing(make_party, bad):
    merchant, platform = make_party("m1"), make_party("platform")
    question = start(merchant)[0]
    with pytest.raises(PrivacyError, match="no point of the group"):
        answer(platform, replace(question, points=(*question.points[:-1], bad)).sign(merchant.key))
    assert (platform._blind.ledger.spent, kinds(platform)) == (0, [])
    with platform.log.books.transaction("DEFERRED") as connection:
        assert connection.execute("SELECT COUNT(*) FROM psi_sessions").fetchone() == (0,)


def test_the_policy_decides_before_anything_is_spent(make_party):
    stranger = make_party("m1", owner="somebody")
    with pytest.raises(PolicyError, match="may not have this release"):
        start(stranger)
    platform = make_party("platform", owner="somebody")
    with pytest.raises(PolicyError, match="may not have this release"):
        answer(platform, start(make_party("m2"))[0], PLATFORMS, epsilon=1.0)
    assert platform._blind.ledger.spent == 0
    assert kinds(platform) == ["access"]


@pytest.mark.parametrize("epsilon", [0, -1.0, float("nan"), float("inf"), 11.0, "1"])
def test_an_epsilon_that_promises_nothing_is_refused(make_party, epsilon):
    with pytest.raises(ConfigError, match="above 0 and at most 10"):
        start(make_party("m1"), epsilon=epsilon)


def test_small_counts_are_not_shown(make_party):
    merchant, platform = make_party("m1"), make_party("platform")
    shared = session(merchant, platform, MERCHANTS[80:] + people("c", 40), PLATFORMS, epsilon=4.0)
    assert (shared.count, shared.least) == (None, LEAST_SHOWN)


def test_the_drawn_noise_lies_nowhere_in_the_answerers_books(make_party, monkeypatch):
    """With it, whoever reads the books and learns the count has the exact one."""
    from privacy.mechanisms import statistics

    platform = make_party("platform", epsilon=8.0)
    monkeypatch.setattr(statistics, "draw_counts", lambda exact, plan: exact + 7)
    reply = answer(platform, start(make_party("m1"))[0], PLATFORMS, epsilon=0.5)
    drawn = reply.spare // 2 + 7
    connection = sqlite3.connect(platform.log.books.path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert {"psi_sessions", "reservations"} <= set(tables)
    for name in tables:
        for row in connection.execute(f"SELECT * FROM {name}"):
            assert drawn not in row
            assert f'"extra": {drawn}' not in str(row)


def test_without_noise_the_tests_above_would_notice(make_party, monkeypatch):
    from privacy.mechanisms import statistics

    platform = make_party("platform", epsilon=8.0)
    monkeypatch.setattr(statistics, "draw_counts", lambda exact, plan: exact)
    terms, key = Terms.fresh("m1", "platform", places=PLACES, purpose="own_business"), fresh_key()
    assert count_matches(answer(platform, asked(terms, MERCHANTS, key), PLATFORMS, epsilon=1.0), key) == 90


def test_noise_that_does_not_fit_sends_nothing(make_party, monkeypatch):
    from privacy.mechanisms import statistics

    platform = make_party("platform")
    monkeypatch.setattr(statistics, "draw_counts", lambda exact, plan: exact + 10**6)
    with pytest.raises(PrivacyError, match="nothing was sent"):
        answer(platform, start(make_party("m1"))[0], PLATFORMS, epsilon=1.0)
    assert platform._blind.ledger.spent > 0  # nobody knows what was seen: it stays paid


def test_a_waiting_session_is_kept_for_its_owner_alone_and_comes_back_the_same(make_party, tmp_path):
    _, pending = start(make_party("m1"))
    path = pending.save(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    assert Pending.load(tmp_path, pending.terms.session) == pending
    assert pending.key.hex() not in repr(pending)
    Pending.forget(tmp_path, pending.terms.session)
    with pytest.raises(PrivacyError, match="no session"):
        Pending.load(tmp_path, pending.terms.session)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"terms": 1, "key": "00"}', "\u00fc"])
def test_a_damaged_waiting_session_is_refused(make_party, tmp_path, text):
    _, pending = start(make_party("m1"))
    pending.save(tmp_path).write_text(text, encoding="utf-8")
    with pytest.raises(PrivacyError, match=r"damaged|have the fields"):
        Pending.load(tmp_path, pending.terms.session)


def test_a_clock_set_back_gives_no_further_session(tmp_path):
    now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    books = Books.open(tmp_path / "books.sqlite")
    for days, allowed in ((0, True), (1, True), (-5, False), (29, False), (31, True)):
        sessions = Sessions(books, limit=Limit(most=2, days=30), clock=lambda days=days: now + dt.timedelta(days=days))
        terms = Terms.fresh("m1", "m2", places=100, purpose="own_business")
        if allowed:
            with books.transaction() as connection:
                sessions.open_within(connection, terms, "asker")
        else:
            with pytest.raises(PrivacyError, match="have held 2 sessions"):
                sessions.check(terms, "asker")


def test_whoever_asks_the_pair_is_the_same(tmp_path):
    books = Books.open(tmp_path / "books.sqlite")
    sessions = Sessions(books, limit=Limit(most=1))
    with books.transaction() as connection:
        sessions.open_within(connection, Terms.fresh("m1", "m2", places=100, purpose="audit"), "asker")
    with pytest.raises(PrivacyError, match="have held 1 sessions"):
        sessions.check(Terms.fresh("m2", "m1", places=100, purpose="audit"), "answerer")
    sessions.check(Terms.fresh("m1", "m3", places=100, purpose="audit"), "asker")


@pytest.mark.parametrize(
    ("first", "second"), [("laplace", "laplace"), ("gaussian", "laplace"), ("gaussian", "gaussian")]
)
def test_the_error_of_both_noises_is_that_of_many_draws(first, second):
    rng = np.random.default_rng(0)
    one, other = CountNoise(first, 6.0), CountNoise(second, 9.0)

    def draws(noise):
        if noise.shape == "gaussian":
            return np.rint(rng.normal(0, noise.scale, 200_000))
        stay = 1 - np.exp(-1 / noise.scale)
        return (rng.geometric(stay, 200_000) - rng.geometric(stay, 200_000)).astype(float)

    sums = np.abs(draws(one) + draws(other))
    assert abs(joint_error(one, other) - np.quantile(sums, 0.95)) <= 1
    assert max(one.error(), other.error()) < joint_error(one, other) < one.error() + other.error()


def test_points_that_stand_for_nobody_cannot_be_told_from_people_by_their_place():
    terms, key = Terms.fresh("m1", "platform", places=PLACES, purpose="own_business"), fresh_key()
    question = ask(terms, MERCHANTS, key)
    marks, own = mask_both(question, PLATFORMS, fresh_key())
    noise = CountNoise("laplace", 2.0)
    places = [hide(question, marks, own, matching=0, spare=400, noise=noise).points.index(own[0]) for _ in range(40)]
    assert max(places) > PLACES  # unshuffled, people would come first
    assert len(set(places)) > 20
