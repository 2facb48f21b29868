import decimal

import numpy as np
import pytest

from privacy.consent import ConsentRegister
from retail.errors import ConsentError, PrivacyError


def test_an_erased_person_is_refused_and_the_message_names_rows_but_nobody(shop):
    shop.register.tombstones.add("anna")
    shop.register.tombstones.add("anna")
    shop.register.tombstones.refuse(["ben", 17, None], where="orders")
    with pytest.raises(ConsentError, match=r"orders: 2 rows .*rows 2, 4") as refused:
        shop.register.tombstones.refuse(["ben", "anna", 17, "anna"], where="orders")
    assert "anna" not in str(refused.value)


def test_an_erased_person_is_found_in_every_spelling_that_an_import_may_have(shop):
    shop.register.tombstones.add(1)
    assert shop.register.tombstones.which([1.0, "1", 2, 1, True, " 1 ", np.int64(1), 1.5, None]) == [0, 1, 3, 5, 6]
    assert not shop.register.tombstones.has("2")


def test_the_register_takes_no_receipt_and_no_enrolment_of_an_erased_person(shop):
    shop.agree("17")
    shop.register.enrolment.open_period("2026", k_max=2)
    shop.register.tombstones.add("17")
    assert shop.allowed("17") == [False], "uses end with the tombstone, before anything else is deleted"
    with pytest.raises(ConsentError, match="was erased"):
        shop.agree("17")
    with pytest.raises(ConsentError, match="was erased"):
        shop.register.enrol(shop.register.token("17"), "m1")


def test_forgetting_leaves_no_row_and_no_salt_and_record_ids_stay_used(shop_on_disk):
    shop = shop_on_disk
    receipt = shop.agree("17")
    shop.register.withdraw("17", controller="m1", purpose="recommendation")
    assert shop.register.holds("17") == 3
    shop.register.tombstones.add("17")
    assert shop.register.forget("17") == 2
    assert shop.register.forget("17") == 0
    assert shop.register.holds("17") == 0
    assert shop.register.status("17") == []
    assert shop.commitments.known(receipt.sha256) is None
    with pytest.raises(ConsentError, match="used before"):
        shop.register.record(shop.receipt("18", record_id=receipt.record_id))
    token = shop.register.token("17").encode()
    assert token not in (shop.folder / "consent.sqlite").read_bytes(), "deleted rows are overwritten"


def test_somebody_who_comes_back_must_agree_anew(shop):
    old = shop.receipt("17")
    shop.register.tombstones.add("17")
    shop.register.tombstones.let_back("17")
    with pytest.raises(ConsentError, match="before the person's erasure"):
        shop.register.record(old)
    shop.clock.advance(seconds=1)
    shop.agree("17")
    assert shop.allowed("17") == [True]
    with pytest.raises(ConsentError, match="not on the list"):
        shop.register.tombstones.let_back("17")


def test_nobody_gets_new_slots_in_the_same_period_by_erasure_and_return(shop):
    enrolment = shop.register.enrolment
    enrolment.open_period("2026", k_max=1)
    shop.register.enrol(shop.register.token("17"), "m1")
    shop.register.tombstones.add("17")
    shop.register.forget("17")
    with pytest.raises(ConsentError, match="still open"):
        shop.register.tombstones.let_back("17")
    enrolment.close_period("2026")
    shop.register.tombstones.let_back("17")


def test_without_its_key_nobody_is_waved_through_and_destroying_it_is_final(shop_on_disk):
    shop = shop_on_disk
    shop.register.tombstones.add("17")
    key = shop.folder / "consent.sqlite.tombstones.key"
    text = key.read_text()
    key.unlink()
    for question in (lambda: shop.register.tombstones.has("17"), lambda: shop.agree("18")):
        with pytest.raises(PrivacyError, match="no key"):
            question()
    key.write_text(text)
    assert shop.register.tombstones.has("17")
    assert shop.register.tombstones.destroy_key() == 1
    assert not key.exists()
    assert not shop.register.tombstones.has("17")
    shop.register.tombstones.add("18")
    assert shop.register.tombstones.has("18")
    assert not shop.register.tombstones.has("17")


def test_marks_of_two_registers_have_nothing_in_common(shop):
    other = ConsentRegister.open(":memory:", log=None, commitments=None)
    assert other.tombstones.mark("17") != shop.register.tombstones.mark("17")
    assert shop.register.tombstones.mark("17") == shop.register.tombstones.mark(17)


@pytest.mark.parametrize(
    "spelling", ["17.0", " 17.00 ", np.float32(17), decimal.Decimal("17.0"), b"17", b" 17.0", 17.0]
)
def test_numbers_texts_and_bytes_that_mean_the_same_id_are_refused(shop, spelling):
    shop.register.tombstones.add("17")
    assert shop.register.tombstones.which([spelling, "18"]) == [0]


@pytest.mark.parametrize(
    "other",
    ["017", "17.5", "1.7e1", "17.0.0", True, np.float32(17.5), decimal.Decimal("NaN"), float("inf"), b"\xff", []],
)
def test_what_is_another_id_or_none_is_not_mistaken_for_it(shop, other):
    shop.register.tombstones.add("17")
    shop.register.tombstones.add("1")
    assert shop.register.tombstones.which([other]) == []


def test_an_erased_guardian_leaves_no_trace_and_the_childs_receipt_ends(shop_on_disk):
    shop = shop_on_disk
    token = shop.register.token("mother")
    child = {"minor": True, "guardian": True, "guardian_token": token}
    shop.agree("other kid")
    old, receipt = shop.receipt("kid 2", **child), shop.agree("kid", **child)
    assert shop.register.holds("mother") == 2
    version = shop.register.version
    shop.register.tombstones.add("mother")
    assert shop.register.version > version
    assert shop.allowed("kid", "other kid") == [False, True]
    with pytest.raises(ConsentError, match="guardian was erased"):
        shop.agree("kid 2", **child)
    assert shop.register.forget("mother") == 1
    assert (shop.register.holds("mother"), shop.register.holds("kid")) == (0, 0)
    assert shop.commitments.known(receipt.sha256) is None
    assert token.encode() not in (shop.folder / "consent.sqlite").read_bytes()
    shop.register.tombstones.let_back("mother")
    with pytest.raises(ConsentError, match="before the guardian's erasure"):
        shop.register.record(old)
    shop.clock.advance(seconds=1)
    shop.agree("kid 2", **child)


def test_the_cap_outlives_the_list_and_forgetting(shop):
    shop.register.enrolment.open_period("2026", k_max=1)
    token = shop.register.token("17")
    shop.register.enrol(token, "m1")
    with pytest.raises(ConsentError, match="not on the list"):
        shop.register.forget("17")
    shop.register.tombstones.add("17")
    shop.register.forget("17")
    with pytest.raises(ConsentError, match="close the period first"):
        shop.register.tombstones.destroy_key()
    with pytest.raises(ConsentError, match="was erased"):
        shop.register.enrol(token, "m2")
    shop.register.enrolment.close_period("2026")
    assert shop.register.tombstones.destroy_key() == 1


def test_a_return_while_the_clock_is_set_back_revives_no_receipt_from_before_the_erasure(shop):
    old = shop.receipt("17")
    shop.clock.advance(seconds=1)
    shop.register.tombstones.add("17")
    shop.clock.advance(seconds=-60)
    shop.register.tombstones.let_back("17")
    shop.clock.advance(minutes=5)
    with pytest.raises(ConsentError, match="before the person's erasure"):
        shop.register.record(old)
