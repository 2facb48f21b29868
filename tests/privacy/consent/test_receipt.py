import datetime as dt
import json
from dataclasses import replace
from typing import get_args

import pytest

from privacy.consent.document import from_document, to_document
from privacy.consent.vocabulary import DPV_PROCESSING, DPV_PURPOSES, PROCESSING
from privacy.log import SigningKey
from privacy.policy.vocabulary import Purpose
from retail.errors import ConsentError

DAY = dt.timedelta(days=1)
FACES = {"level": "separate", "explicit": True, "data": ("face_images", "face_templates")}
IN_WRITING = FACES | {"jurisdiction": "US-IL", "lawful_basis": "written_release"}


def test_a_receipt_survives_the_way_through_json_with_all_its_fields(shop):
    receipt = shop.receipt(
        controllers=("m1", "m2"),
        purposes=("recommendation", "marketing"),
        recipients=("Agency 'A' & Söhne",),
        minor=True,
        guardian=True,
        guardian_token=shop.register.token("mother"),
    )
    document = json.loads(json.dumps(to_document(receipt)))
    assert from_document(document) == receipt
    assert from_document(document).sha256 == receipt.sha256


def test_the_document_has_the_sections_of_the_standard_and_the_terms_of_the_vocabulary(shop):
    document = to_document(shop.receipt(issued_at=dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)))
    sections = {"schema_version", "record_id", "pii_principal_id", "pii_processing", "party_identification", "event"}
    assert set(document) == sections
    assert document["pii_processing"]["purposes"] == [
        {"purpose": "recommendation", "purpose_type": "dpv:ProvideProductRecommendations"}
    ]
    assert document["party_identification"] == [{"party_id": "m1", "party_role": "pii_controller"}]
    assert document["event"]["event_time"] == "2026-03-01T12:00:00.000000+00:00"


def test_every_purpose_of_the_policy_and_every_processing_has_a_term():
    assert set(DPV_PURPOSES) == set(get_args(Purpose))
    assert set(DPV_PROCESSING) == set(PROCESSING)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"purposes": ()}, "list at least one"),
        ({"purposes": ("fortune_telling",)}, "'fortune_telling'"),
        ({"purposes": ("marketing", "marketing")}, "twice"),
        ({"purposes": "marketing"}, "list at least one"),
        ({"data": ("dreams",)}, "'dreams'"),
        ({"processing": ("burn",)}, "'burn'"),
        ({"jurisdiction": "MARS"}, "'MARS'"),
        ({"jurisdiction": "none"}, "'none'"),
        ({"jurisdiction": ["EU"]}, "use one of"),
        ({"lawful_basis": "legitimate_interest"}, "use one of"),
        ({"level": "none"}, "'none'"),
        ({"method": "telepathy"}, "'telepathy'"),
        ({"controllers": ()}, "list at least one"),
        ({"controllers": ("m1", "m1")}, "twice"),
        ({"language": "English!"}, "BCP 47"),
        ({"notice_sha256": "ab"}, "64 lower-case"),
        ({"principal": "17"}, "64 lower-case"),
        ({"record_id": ""}, "not empty"),
        ({"record_id": " r1"}, "spaces"),
        ({"record_id": "r\0"}, "invisible"),
        ({"record_id": "r\u202e1"}, "invisible"),
        ({"record_id": "r" * 5000}, "5,000 characters"),
        ({"record_id": "r\ud800"}, "invisible"),
        ({"record_id": 17}, "must be text"),
        ({"withdrawal": "x" * 501}, "501 characters"),
        ({"retention_days": 0}, "whole days"),
        ({"retention_days": float("nan")}, "whole days"),
        ({"retention_days": True}, "whole days"),
        ({"explicit": 1}, "true or false"),
        ({"schema": "kantara/1"}, "'kantara/1'"),
        ({"signature": "00"}, "128"),
        ({"level": "separate"}, "must be explicit"),
        ({"lawful_basis": "explicit_consent"}, "must be explicit"),
        ({"data": ("transactions", "face_templates")}, "face data must be explicit"),
        ({"level": "separate", "explicit": True, "purposes": ("marketing", "research")}, "exactly one purpose"),
        (FACES | {"data": ("face_templates", "payments")}, "covers nothing else"),
        (FACES | {"jurisdiction": "US-IL", "lawful_basis": "explicit_consent"}, "lawful_basis written_release"),
        (FACES | {"jurisdiction": "US-IL", "level": "general"}, "lawful_basis written_release"),
        (IN_WRITING | {"method": "recorded_call"}, "a recorded_call is none"),
        ({"minor": True}, "no guardian agreed"),
        ({"guardian": True}, "64 lower-case"),
        ({"guardian_token": "ab" * 32}, "guardian is false"),
    ],
)
def test_a_receipt_that_cannot_be_meant_is_refused(shop, changes, message):
    with pytest.raises(ConsentError, match=message):
        shop.receipt(**changes)


def test_a_person_cannot_be_their_own_guardian(shop):
    with pytest.raises(ConsentError, match="own token"):
        shop.receipt("17", minor=True, guardian=True, guardian_token=shop.register.token(17))


@pytest.mark.parametrize("name", ["issued_at", "valid_from", "expires_at"])
def test_a_time_without_a_zone_is_refused(shop, name):
    naive = dt.datetime(2026, 3, 1, 12)
    with pytest.raises(ConsentError, match=r"time zone|must be a date"):
        replace(shop.receipt(), **{name: naive})
    with pytest.raises(ConsentError, match="must be a date"):
        replace(shop.receipt(), **{name: "2026-03-01"})


def test_times_of_other_zones_mean_the_same_moment(shop):
    receipt = shop.receipt()
    beijing = receipt.issued_at.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert replace(receipt, issued_at=beijing).sha256 == receipt.sha256


def test_consent_never_works_backwards_or_for_no_time_at_all(shop):
    receipt = shop.receipt()
    with pytest.raises(ConsentError, match="backwards"):
        replace(receipt, valid_from=receipt.issued_at - DAY)
    with pytest.raises(ConsentError, match="is not after"):
        replace(receipt, expires_at=receipt.valid_from)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("extra",), 1, "unknown key 'extra'"),
        (("event", "mood"), "happy", "unknown key 'mood'"),
        (("event", "event_type"), "consent_withdrawn", "consent_given"),
        (("event", "event_time"), "2026-03-01T12:00:00", "time zone"),
        (("event", "event_time"), "yesterday", "cannot be read|write for example"),
        (("event", "event_time"), None, "must be text"),
        (("schema_version",), "2.0", "schema_version"),
        (("pii_processing",), [], "write a table"),
        (("pii_processing", "purposes"), "marketing", "write a list"),
        (("pii_processing", "purposes"), [{"purpose": "marketing", "purpose_type": "dpv:PaymentManagement"}], "in DPV"),
        (("pii_processing", "purposes"), [{"purpose": [], "purpose_type": ""}], "use one of"),
        (("pii_processing", "pii_information"), [["transactions"]], "no text"),
        (("party_identification",), [{"party_id": "m1", "party_role": "processor"}], "pii_controller only"),
    ],
)
def test_a_document_that_is_only_half_understood_is_refused(shop, path, value, message):
    document = to_document(shop.receipt())
    table = document
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = value
    with pytest.raises(ConsentError, match=message):
        from_document(document)


@pytest.mark.parametrize("key", ["record_id", "event", "party_identification", "pii_processing"])
def test_a_document_without_a_part_is_refused(shop, key):
    document = to_document(shop.receipt())
    del document[key]
    with pytest.raises(ConsentError, match=f"lacks '{key}'"):
        from_document(document)


def test_a_signature_is_good_for_exactly_one_receipt_and_one_key(shop):
    key, other = SigningKey.generate(), SigningKey.generate()
    signed = shop.receipt().signed(key)
    assert signed.is_signed_by(key.public_hex)
    assert not signed.is_signed_by(other.public_hex)
    assert not replace(signed, purposes=("marketing",)).is_signed_by(key.public_hex)
    assert not shop.receipt().is_signed_by(key.public_hex)


@pytest.mark.parametrize("changes", [FACES, IN_WRITING, FACES | {"method": "recorded_call"}])
def test_a_separate_consent_to_faces_alone_is_taken_in_illinois_in_writing(shop, changes):
    assert shop.receipt(**changes).data == FACES["data"]


@pytest.mark.parametrize("name", ["Alice\u202eSmith", "Alice Smith ", "Alice" * 200])
def test_no_message_about_an_id_shows_it(shop, name):
    document = to_document(shop.receipt())
    for attempt in (
        lambda: shop.register.token(name),
        lambda: shop.receipt(principal=name),
        lambda: shop.receipt(guardian=True, guardian_token=name),
        lambda: shop.receipt(record_id=name),
        lambda: shop.register.enrol(name, "m1"),
        lambda: shop.register.enrolment.leave(name, "m1"),
        lambda: from_document(document | {"pii_principal_id": name}),
        lambda: from_document(name),
    ):
        with pytest.raises(ConsentError) as refused:
            attempt()
        assert "Alice" not in str(refused.value)
