import datetime as dt
import sqlite3

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.consent import ConsentRegister, Notice
from privacy.log import SigningKey, verify_log
from retail.errors import ConsentError, PrivacyError

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
ODD_IDS = ("o'neil", 'a"b', "x'); DROP TABLE grants;--", "张伟", "a\u0301", "=1+1", "%", "x" * 500)
NO_IDS = (None, float("nan"), 17.0, True, "", " 17", "a\0b", "a\u202eb", "x" * 5000, "\ud800", pd.NA, b"17")


def test_consent_holds_for_its_person_controller_purpose_and_kind_of_data_and_nothing_else(shop):
    shop.agree("17")
    assert shop.allowed("17", "18") == [True, False]
    assert shop.allowed("17", controller="m2") == [False]
    assert shop.allowed("17", purpose="marketing") == [False]
    assert shop.allowed("17", data="transactions") == [True]
    assert shop.allowed("17", data="face_templates") == [False]
    assert shop.allowed("17", jurisdiction="EU") == [True]
    assert shop.allowed("17", jurisdiction="CN") == [False]


def test_a_person_is_the_same_as_number_and_as_text_and_a_mask_keeps_order_and_repeats(shop):
    shop.agree("17")
    persons = np.array([17, 18, 17], dtype=np.int64)
    assert shop.register.mask(persons, controller="m1", purpose="recommendation", level="general").tolist() == [
        True,
        False,
        True,
    ]
    series = pd.Series(["17", "18", "17"], dtype="str")
    assert shop.register.mask(series, controller="m1", purpose="recommendation", level="general").sum() == 2
    assert shop.allowed(17, "17", np.int32(17)) == [True, True, True]
    assert shop.allowed(17.0, True, None) == [False, False, False]
    assert shop.allowed() == []


@pytest.mark.parametrize("person", ODD_IDS)
def test_ids_with_quotes_any_script_and_500_characters_are_people_like_others(shop, person):
    shop.agree(person)
    assert shop.allowed(person, "17") == [True, False]
    assert shop.register.withdraw(person, controller="m1", purpose="recommendation") == 1
    assert shop.allowed(person, "17") == [False, False]


@pytest.mark.parametrize("person", NO_IDS)
def test_what_can_be_no_id_is_never_allowed_and_cannot_be_recorded(shop, person):
    shop.agree("17")
    assert shop.allowed(person, "17") == [False, True]
    with pytest.raises(ConsentError):
        shop.register.token(person)


def test_separate_consent_covers_general_use_but_not_the_other_way_round(shop):
    shop.agree("1")
    shop.agree("2", level="separate", explicit=True)
    assert shop.allowed("1", "2") == [True, True]
    assert shop.allowed("1", "2", level="separate") == [False, True]


@pytest.mark.parametrize("words", [{"purpose": "fun"}, {"level": "none"}, {"data": "dreams"}, {"jurisdiction": "none"}])
def test_a_mask_for_an_unknown_word_is_an_error_not_an_empty_answer(shop, words):
    with pytest.raises(ConsentError, match="unknown"):
        shop.allowed("17", **words)


def test_a_mask_at_a_time_without_a_zone_is_refused(shop):
    with pytest.raises(ConsentError, match="time zone"):
        shop.allowed("17", at=dt.datetime(2026, 3, 1))


def test_consent_starts_when_it_says_and_ends_when_it_expires(shop):
    begin = shop.clock.now + DAY
    shop.agree("17", valid_from=begin, expires_at=begin + DAY)
    assert shop.allowed("17") == [False]
    assert shop.register.status("17")[0].state == "not_yet"
    assert shop.allowed("17", at=begin) == [True]
    assert shop.allowed("17", at=begin + DAY) == [False]
    shop.clock.advance(days=3)
    assert shop.register.status("17")[0].state == "expired"


def test_a_withdrawal_counts_at_every_moment_also_at_one_in_the_past(shop):
    shop.agree("17")
    past = shop.clock.now
    shop.clock.advance(hours=1)
    assert shop.register.withdraw("17", controller="m1", purpose="recommendation") == 1
    assert shop.allowed("17") == [False]
    assert shop.allowed("17", at=past) == [False]
    assert shop.register.status("17")[0].state == "withdrawn"


def test_a_withdrawal_ends_one_purpose_of_one_controller_only(shop):
    shop.agree("17", controllers=("m1", "m2"), purposes=("recommendation", "marketing"))
    shop.register.withdraw("17", controller="m1", purpose="marketing")
    assert shop.allowed("17", purpose="marketing") == [False]
    assert shop.allowed("17", purpose="marketing", controller="m2") == [True]
    assert shop.allowed("17") == [True]


def test_a_letter_dated_earlier_ends_what_came_before_it_was_recorded_and_one_from_the_future_is_refused(shop):
    said = shop.clock.now
    shop.clock.advance(days=2)
    shop.agree("17")  # given after the letter was written, before it was opened
    with pytest.raises(ConsentError, match="future"):
        shop.register.withdraw("17", controller="m1", purpose="recommendation", at=shop.clock.now + DAY)
    shop.register.withdraw("17", controller="m1", purpose="recommendation", at=said)
    assert shop.allowed("17") == [False]


def test_an_objection_before_any_consent_voids_receipts_from_before_it(shop):
    early = shop.receipt("17")
    assert shop.register.withdraw("17", controller="m1", purpose="recommendation") == 0
    with pytest.raises(ConsentError, match="withdrew"):
        shop.register.record(early)


def test_a_replayed_receipt_never_revives_consent(shop):
    receipt = shop.agree("17")
    with pytest.raises(ConsentError, match="used before"):
        shop.register.record(receipt)
    shop.register.withdraw("17", controller="m1", purpose="recommendation")
    for replay in (receipt, shop.receipt("17", issued_at=receipt.issued_at)):
        with pytest.raises(ConsentError, match=r"used before|withdrew"):
            shop.register.record(replay)
    assert shop.allowed("17") == [False]
    shop.clock.advance(seconds=1)
    shop.agree("17")
    assert shop.allowed("17") == [True]


def test_a_record_id_counts_once_for_all_people(shop):
    shop.agree("17", record_id="r")
    with pytest.raises(ConsentError, match="used before"):
        shop.agree("18", record_id="r")
    assert shop.allowed("18") == [False]


def test_a_receipt_from_the_future_from_before_its_notice_or_expired_is_refused(shop):
    now = shop.clock.now
    with pytest.raises(ConsentError, match="later than now"):
        shop.agree("17", issued_at=now + HOUR)
    with pytest.raises(ConsentError, match="before its notice"):
        shop.agree("17", issued_at=dt.datetime(2025, 12, 31, tzinfo=dt.UTC))
    with pytest.raises(ConsentError, match="expired"):
        shop.agree("17", issued_at=now - 2 * DAY, expires_at=now - DAY)
    assert shop.allowed("17") == [False]


@pytest.mark.parametrize(
    "changes",
    [
        {"notice_sha256": "ab" * 32},
        {"notice": "notice-2"},
        {"language": "de"},
        {"controllers": ("unknown",)},
        {"controllers": ("m1", "unknown")},
    ],
)
def test_a_receipt_on_a_text_that_a_controller_never_showed_is_refused(shop, changes):
    with pytest.raises(ConsentError, match="registered no notice"):
        shop.agree("17", **changes)


def test_a_notice_keeps_its_date_and_none_is_registered_ahead(shop):
    known = shop.register.notices.all()[0]
    shop.register.notices.add(known)
    later = Notice(known.controller, known.reference, known.language, known.sha256, known.published_at + DAY)
    with pytest.raises(ConsentError, match="has this text already"):
        shop.register.notices.add(later)
    with pytest.raises(ConsentError, match="in the future"):
        shop.register.notices.add(Notice("m1", "notice-9", "en", "cd" * 32, shop.clock.now + DAY))


def test_a_controller_with_a_key_must_sign(shop):
    key = SigningKey.generate()
    shop.register.notices.require_signature("m1", key.public_hex)
    with pytest.raises(ConsentError, match="no good signature"):
        shop.agree("17")
    with pytest.raises(ConsentError, match="no good signature"):
        shop.register.record(shop.receipt("17").signed(SigningKey.generate()))
    shop.register.record(shop.receipt("17").signed(key))
    assert shop.allowed("17") == [True]
    with pytest.raises(ConsentError, match="another key"):
        shop.register.notices.require_signature("m1", SigningKey.generate().public_hex)


def test_every_event_changes_the_version_and_asking_does_not(shop):
    seen = [shop.register.version]
    shop.agree("17")
    seen.append(shop.register.version)
    shop.register.withdraw("17", controller="m1", purpose="recommendation")
    seen.append(shop.register.version)
    shop.allowed("17")
    shop.register.status("17")
    assert seen == sorted(set(seen))
    assert shop.register.version == seen[-1]


def test_the_log_holds_every_event_and_no_id_no_token_and_no_record_id(shop_on_disk, tmp_path):
    shop = shop_on_disk
    shop.agree("anna-smith", record_id="anna-smith-1")
    shop.register.withdraw("anna-smith", controller="m1", purpose="recommendation")
    shop.register.enrolment.open_period("loyalty-2026", k_max=2)
    shop.register.enrol(shop.register.token("anna-smith"), "m1")
    events = [entry.body["event"] for entry in shop.log.entries()]
    assert events == ["notice"] * 3 + ["recorded", "withdrawn", "period_opened", "enrolled"]
    text = "".join(str(entry.leaf) for entry in shop.log.entries())
    assert "anna" not in text
    assert shop.register.token("anna-smith") not in text
    people = {entry.body["person"] for entry in shop.log.entries() if "person" in entry.body}
    assert people == {shop.commitments.commitment(shop.register.token("anna-smith"))}
    assert verify_log(tmp_path / "log.sqlite").ok
    assert b"anna" not in (tmp_path / "consent.sqlite").read_bytes().replace(b"anna-smith-1", b"")


def test_an_event_whose_log_was_down_is_delivered_later_exactly_once(shop_on_disk, monkeypatch):
    shop = shop_on_disk

    def down(*_):
        raise PrivacyError("the disk is full")

    shop.agree("17")
    with monkeypatch.context() as patch:
        patch.setattr(shop.log, "append_many", down)
        with pytest.raises(PrivacyError, match="disk is full"):
            shop.register.withdraw("17", controller="m1", purpose="recommendation")
    assert shop.allowed("17") == [False], "a withdrawal acts although the log is down"
    assert not shop.log.entries("withdrawal")
    shop.open()
    shop.open()
    assert len(shop.log.entries("withdrawal")) == 1


def test_an_event_that_was_logged_just_before_a_crash_is_not_logged_twice(shop_on_disk, monkeypatch):
    shop = shop_on_disk
    append = shop.log.append_many

    def then_die(events):
        append(events)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shop.log, "append_many", then_die)
        with pytest.raises(KeyboardInterrupt):
            shop.agree("17")
    assert len(shop.log.entries("consent")) == 4
    shop.open()
    assert len(shop.log.entries("consent")) == 4


def test_a_register_needs_commitments_to_be_logged(shop_on_disk, tmp_path):
    shop = shop_on_disk
    with pytest.raises(PrivacyError, match="needs commitments"):
        ConsentRegister.open(tmp_path / "other.sqlite", log=shop.log, commitments=None)


def test_a_register_without_its_key_or_with_another_one_is_not_opened(shop_on_disk, tmp_path):
    shop = shop_on_disk
    key = tmp_path / "consent.sqlite.key"
    assert key.stat().st_mode & 0o077 == 0
    text = key.read_text()
    key.unlink()
    with pytest.raises(PrivacyError, match="no key"):
        shop.open()
    key.write_text("00" * 32)
    with pytest.raises(PrivacyError, match="not the key"):
        shop.open()
    key.write_text("rubbish")
    with pytest.raises(PrivacyError, match="cannot be read"):
        shop.open()
    key.write_text(text)
    shop.open()


def test_two_registers_give_one_person_two_tokens(shop):
    other = ConsentRegister.open(":memory:", log=None, commitments=None)
    assert other.token("17") != shop.register.token("17")


def test_another_sqlite_file_is_no_register(tmp_path):
    sqlite3.connect(tmp_path / "other.sqlite").executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
    with pytest.raises(PrivacyError, match="no consent register"):
        ConsentRegister.open(tmp_path / "other.sqlite", log=None, commitments=None)


def test_a_summary_counts_people_and_names_none(shop):
    shop.agree("1")
    shop.agree("2")
    shop.agree("2")
    shop.register.withdraw("1", controller="m1", purpose="recommendation")
    assert shop.register.summary() == [
        ("m1", "recommendation", "general", "valid", 1),
        ("m1", "recommendation", "general", "withdrawn", 1),
    ]


def test_a_withdrawal_in_one_process_is_seen_by_an_open_register_in_another(shop_on_disk, tmp_path, start_code):
    shop = shop_on_disk
    shop.agree("17")
    before = shop.register.version
    code = (
        "import sys; from privacy.consent import ConsentRegister;"
        "ConsentRegister.open(sys.argv[1], log=None, commitments=None)"
        ".withdraw(17, controller='m1', purpose='recommendation')"
    )
    other = start_code(code, tmp_path / "consent.sqlite")
    assert other.communicate()[1] == ""
    assert other.returncode == 0
    assert shop.register.version > before
    assert shop.allowed("17") == [False]


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["agree", "withdraw", "wait"]), st.integers(0, 2), st.sampled_from(["m1", "m2"])),
    max_size=12,
)


@given(ACTIONS)
@settings(max_examples=25)
def test_the_mask_equals_a_model_of_who_agreed_last(actions):
    now = [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)]
    register = ConsentRegister.open(":memory:", log=None, commitments=None, clock=lambda: now[0])
    from_conftest = _receipts(register, now)
    until: dict[tuple[int, str], dt.datetime] = {}
    for action, person, controller in actions:
        now[0] += dt.timedelta(minutes=1)
        if action == "agree":
            register.record(from_conftest(person, controller))
            until[person, controller] = now[0] + HOUR / 10
        elif action == "withdraw":
            register.withdraw(person, controller=controller, purpose="recommendation")
            until.pop((person, controller), None)
        else:
            now[0] += HOUR / 20
        for one in ("m1", "m2"):
            mask = register.mask([0, 1, 2], controller=one, purpose="recommendation", level="general")
            assert mask.tolist() == [until.get((p, one), now[0]) > now[0] for p in (0, 1, 2)]


def _receipts(register, now):
    from privacy.consent import Receipt

    for controller in ("m1", "m2"):
        register.notices.add(Notice(controller, "n", "en", "ab" * 32, now[0]))
    count = iter(range(1000))

    def receipt(person, controller):
        return Receipt(
            record_id=str(next(count)), principal=register.token(person), controllers=(controller,), notice="n",
            notice_sha256="ab" * 32, language="en", purposes=("recommendation",), data=("transactions",),
            processing=("use",), storage=("EU",), retention_days=1, recipients=(), jurisdiction="EU",
            lawful_basis="consent", level="general", explicit=False, issued_at=now[0], valid_from=now[0],
            expires_at=now[0] + HOUR / 10, method="app", withdrawal="call us",
        )  # fmt: skip

    return receipt


def test_every_controller_with_a_key_must_have_signed_whatever_its_place_in_the_list(shop):
    key = SigningKey.generate()
    shop.register.notices.require_signature("m1", key.public_hex)
    with pytest.raises(ConsentError, match="m1 signs its receipts"):
        shop.agree("17", controllers=("m2", "m1"))
    assert shop.allowed("17") == [False]
    shop.register.record(shop.receipt("17", controllers=("m2", "m1")).signed(key))
    assert shop.allowed("17") == [True]
    shop.register.notices.require_signature("m2", SigningKey.generate().public_hex)
    with pytest.raises(ConsentError, match="a receipt each"):
        shop.register.record(shop.receipt("18", controllers=("m2", "m1")).signed(key))


def test_a_clock_that_was_set_back_keeps_no_withdrawal_from_ending_what_was_given_before(shop):
    shop.agree("17")
    shop.clock.advance(seconds=-5)
    shop.register.withdraw("17", controller="m1", purpose="recommendation")
    shop.clock.advance(minutes=1)
    assert shop.allowed("17") == [False]
    assert shop.register.objected(["17"], controller="m1", purpose="recommendation").tolist() == [True]
    assert shop.register.status("17")[0].state == "withdrawn"
    shop.agree("17")
    assert shop.allowed("17") == [True]


def test_a_receipt_that_is_recorded_later_allows_nothing_in_the_past(shop):
    issued = shop.clock.now
    shop.clock.advance(days=9)
    between = shop.clock.now - 5 * DAY
    shop.agree("17", issued_at=issued)
    assert shop.allowed("17", at=between) == [False]
    assert shop.allowed("17") == [True]


def test_an_objection_ends_only_when_the_person_agrees_again_to_that_kind_of_data_and_law(shop):
    use = {"controller": "m1", "purpose": "recommendation"}
    shop.register.withdraw("17", **use)

    def objected(**asked):
        return shop.register.objected(["17", "18"], **use, **asked).tolist()

    assert objected() == [True, False]
    shop.clock.advance(seconds=1)
    shop.agree("17", data=("payments",))
    assert objected(data="transactions") == [True, False]
    assert objected(data="payments") == [False, False]
    assert objected(data="payments", jurisdiction="CN") == [True, False]
    assert objected(data="payments", jurisdiction="EU") == [False, False]
    assert objected() == [False, False]
    shop.agree("17")
    assert objected(data="transactions") == [False, False]
    with pytest.raises(ConsentError, match="unknown"):
        objected(data="dreams")


def test_what_is_refused_leaves_no_salt(shop):
    shop.register.tombstones.add("17")
    receipt, token = shop.receipt("17"), shop.register.token("17")
    shop.register.enrolment.open_period("2026", k_max=1)
    for refused in (
        lambda: shop.register.record(receipt),
        lambda: shop.register.enrol(token, "m1"),
        lambda: shop.register.tombstones.let_back("18"),
    ):
        with pytest.raises(ConsentError):
            refused()
    assert not shop.register.enrolment.leave(token, "m1")
    names = (token, receipt.sha256, shop.register.token("18"))
    assert [shop.commitments.known(name) for name in names] == [None] * 3


def test_a_withdrawal_of_an_erased_person_writes_nothing_and_a_lost_key_keeps_nobody_from_withdrawing(shop_on_disk):
    shop = shop_on_disk
    shop.register.tombstones.add("17")
    version = shop.register.version
    assert shop.register.withdraw("17", controller="m1", purpose="recommendation") == 0
    assert (shop.register.version, shop.register.holds("17")) == (version, 0)
    assert shop.commitments.known(shop.register.token("17")) is None
    assert not shop.log.entries("withdrawal")
    shop.agree("18")
    (shop.folder / "consent.sqlite.tombstones.key").unlink()
    assert shop.register.withdraw("18", controller="m1", purpose="recommendation") == 1
    assert shop.allowed("18") == [False]


def test_a_register_of_version_1_is_raised_to_this_one_with_guardians_and_times(shop_on_disk):
    shop = shop_on_disk
    mother = shop.register.token("mother")
    shop.agree("kid", minor=True, guardian=True, guardian_token=mother)
    with sqlite3.connect(shop.folder / "consent.sqlite") as old:
        old.execute("ALTER TABLE receipts DROP COLUMN guardian")
        old.execute("ALTER TABLE grants DROP COLUMN recorded_at")
        old.execute("PRAGMA user_version = 1")
    old.close()
    raised = shop.open()
    assert raised.holds("mother") == 2
    use = {"controller": "m1", "purpose": "recommendation", "level": "general"}
    assert raised.mask(["kid"], **use).tolist() == [True]
    assert raised.mask(["kid"], at=shop.clock.now - HOUR, **use).tolist() == [False]
    raised = shop.open()
    with sqlite3.connect(shop.folder / "consent.sqlite") as new:
        assert new.execute("SELECT COUNT(*) FROM grants WHERE recorded_at <> ''").fetchone() == (1,)
        assert new.execute("PRAGMA user_version").fetchone() == (2,)
    new.close()
