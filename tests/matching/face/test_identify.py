import datetime as dt

import numpy as np
import pytest

from matching.embeddings import Embeddings
from matching.face.decision import Match, NoMatch, Refused
from matching.face.enrol import Enrolled
from matching.face.rate_limit import RateLimit
from matching.face.visits import VisitCounts
from privacy import Budget, Ledger
from privacy.log import Log, verify_log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.release import ReleaseGate
from privacy.statistics.bounds import Bounds
from privacy.statistics.query_file import parse_query
from retail.errors import ConfigError

from .conftest import GREET, PAY, again


def test_a_customer_who_agreed_is_recognised_and_a_stranger_is_not(merchant, pictures):
    people = sorted(pictures)
    for person in people[:4]:
        assert merchant.enrol(person, pictures[person][:3]) == Enrolled(3)
    greeter = merchant.greeter()
    for person in people[:4]:
        assert greeter.greet(again(pictures[person][0]), device="door") == Match(person)
    strangers = [greeter.greet(again(pictures[person][0]), device="door") for person in people[4:]]
    assert strangers.count(NoMatch()) >= len(strangers) - 1  # a threshold for 2% false positives, few strangers


def test_a_match_is_in_the_log_by_commitment_and_no_file_holds_an_id_or_a_photo(merchant, pictures):
    person = "a.very.long.name@example.org"
    photos = next(iter(pictures.values()))
    merchant.enrol(person, photos[:3])
    probe = again(photos[0])
    assert merchant.greeter().greet(probe, device="door") == Match(person)
    entry = merchant.log.entries("recognition")[-1].body
    assert entry["person"] == merchant.commitments.known(merchant.register.token(person))
    assert entry["outcome"] == "match"
    embedding = merchant.encoder.encode([probe]).vectors
    for content in merchant.files().values():
        assert person.encode() not in content
        assert probe.tobytes()[:64] not in content
        assert embedding.tobytes()[:16] not in content
    merchant.log.sign_head()
    assert verify_log(merchant.folder / "books.sqlite").ok


def test_somebody_who_is_not_recognised_leaves_every_file_as_it_was(merchant, pictures):
    people = sorted(pictures)
    merchant.enrol(people[0], pictures[people[0]][:3])
    greeter = merchant.greeter(visits=VisitCounts("m1"))
    before = merchant.files()
    answers = [greeter.greet(again(pictures[person][0]), device="door") for person in people[1:]]
    answers += [greeter.greet(b"no image", device="door"), greeter.greet(pictures[people[1]][0][:1, :1], device="door")]
    assert NoMatch() in answers
    assert not any(isinstance(answer, Match) for answer in answers)
    assert merchant.files() == before


ENDED = {
    "withdrawn": lambda shop, person: shop.register.withdraw(person, controller="m1", purpose=GREET),
    "expired": lambda shop, person: shop.clock.advance(days=400),
    "erased": lambda shop, person: shop.register.tombstones.add(person),
    "revoked": lambda shop, person: shop.enrolment().revoke(person),
}


@pytest.mark.parametrize("how", ENDED)
def test_a_customer_whose_consent_has_ended_is_not_compared_any_more(merchant, pictures, how):
    one, other = sorted(pictures)[:2]
    merchant.enrol(other, pictures[other][:3], expires_at=merchant.clock.now + dt.timedelta(days=900))
    merchant.enrol(one, pictures[one][:3])
    greeter = merchant.greeter()
    assert greeter.greet(again(pictures[one][0]), device="door") == Match(one)
    ENDED[how](merchant, one)
    assert greeter.greet(again(pictures[one][0]), device="door") == NoMatch()
    assert greeter._gallery.persons == {other}
    assert greeter.greet(again(pictures[other][0]), device="door") == Match(other)


def test_a_template_from_before_a_withdrawal_is_not_used_again_when_the_person_agrees_anew(merchant, pictures):
    person = min(pictures)
    merchant.enrol(person, pictures[person][:3])
    merchant.register.withdraw(person, controller="m1", purpose=GREET)
    merchant.clock.advance(seconds=1)
    receipt = merchant.agree(person)
    greeter = merchant.greeter()
    assert greeter.greet(again(pictures[person][0]), device="door") == NoMatch()
    assert merchant.enrolment().enrol(person, pictures[person][:3], receipt).reason == "photo"  # still a template there
    merchant.enrolment().revoke(person)
    assert merchant.enrolment().enrol(person, pictures[person][:3], receipt) == Enrolled(3)
    assert greeter.greet(again(pictures[person][0]), device="door") == Match(person)


def test_a_customer_who_was_enrolled_anew_is_compared_with_the_new_photos_also_after_a_rekeying(merchant, pictures):
    one, other = sorted(pictures)[:2]
    greeter, receipt = merchant.greeter(), merchant.agree(one)
    merchant.enrolment().enrol(one, pictures[other][:3], receipt)  # a mistake: somebody else's photos
    assert greeter.greet(again(pictures[one][0]), device="door") == NoMatch()
    merchant.enrolment().revoke(one)
    merchant.enrolment().enrol(one, pictures[one][:3], receipt)
    assert greeter.greet(again(pictures[one][0]), device="door") == Match(one)
    merchant.open_vault().rekey()  # by another process
    assert greeter.greet(again(pictures[one][0]), device="door") == Match(one)
    assert greeter.greet(again(pictures[other][0]), device="door") == NoMatch()


def test_people_without_consent_for_this_purpose_change_no_answer(make_merchant, tmp_path, pictures):
    people = sorted(pictures)
    probes = [again(crop, seed) for seed, person in enumerate(people) for crop in pictures[person][:1]]
    answers = []
    for name, with_others in (("plain", False), ("with others", True)):
        shop = make_merchant(tmp_path / name)
        for person in people[:3]:
            shop.enrol(person, pictures[person][:3])
        if with_others:
            for person in people[3:5]:  # agreed to pay, not to be greeted
                shop.enrol(person, pictures[person][:3], PAY)
            for person in people[5:7]:  # agreed and withdrew
                shop.enrol(person, pictures[person][:3])
                shop.register.withdraw(person, controller="m1", purpose=GREET)
        greeter = shop.greeter(limit=RateLimit(10_000, 1.0))
        answers.append([greeter.greet(probe, device="door") for probe in probes])
        assert greeter._gallery.persons == set(people[:3])
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purposes": (PAY,)}, "not for in_store_recognition"),
        ({"level": "general"}, "no separate consent"),
        ({"data": ("face_images",)}, "no separate consent"),
        ({"valid_from": dt.datetime(2026, 6, 1, tzinfo=dt.UTC)}, "not now"),
        ({"expires_at": dt.datetime(2026, 3, 2, tzinfo=dt.UTC)}, "not now"),
        ({"principal": "f" * 64}, "another person's"),
    ],
)
def test_enrolment_needs_a_receipt_for_just_this(merchant, pictures, changes, reason):
    person = min(pictures)
    receipt = merchant.agree(person, **changes)
    if "expires_at" in changes:
        merchant.clock.advance(days=2)
    before = merchant.files()
    answer = merchant.enrolment().enrol(person, pictures[person][:3], receipt)
    assert isinstance(answer, Refused)
    assert reason in answer.message
    assert merchant.files() == before


def test_a_receipt_that_was_never_recorded_enrols_nobody(merchant, pictures):
    person = min(pictures)
    answer = merchant.enrolment().enrol(person, pictures[person][:3], merchant.receipt(person))
    assert answer.reason == "consent"
    assert "not on record" in answer.message


def test_without_a_liveness_check_nobody_is_enrolled_and_a_boolean_is_no_check(merchant, pictures):
    person = min(pictures)
    receipt = merchant.agree(person)
    for check in (None, True, lambda photos: True):
        answer = merchant.enrolment(liveness=check).enrol(person, pictures[person][:3], receipt)
        assert answer.reason == "liveness"
    assert merchant.vault.bindings(GREET) == []


def test_a_device_that_asks_too_often_is_refused(merchant, pictures):
    now = [0.0]
    greeter = merchant.greeter(limit=RateLimit(most=3, per_s=60.0, clock=lambda: now[0]))
    probe = pictures[min(pictures)][0]
    assert [greeter.greet(probe, device="door") for _ in range(5)][3:] == [
        Refused("rate limit", "this device asks too often; wait a while")
    ] * 2
    assert greeter.greet(probe, device="other door") == NoMatch()
    now[0] = 61.0
    assert greeter.greet(probe, device="door") == NoMatch()


def test_where_the_policy_forbids_recognition_nobody_is_recognised_and_the_reason_is_logged(
    make_merchant, tmp_path, pictures
):
    person = min(pictures)
    shop = make_merchant(tmp_path / "off", sources=("gdpr",))  # laws alone permit nothing
    answer = shop.greeter().greet(pictures[person][0], device="door")
    assert answer.reason == "policy"
    assert shop.log.entries("recognition")[-1].body["reason"] == "policy"


def test_a_gallery_larger_than_the_calibration_is_refused(merchant, pictures):
    for person in sorted(pictures)[:3]:
        merchant.enrol(person, pictures[person][:3])
    small = merchant.calibrations[GREET].__class__(
        **{name: getattr(merchant.calibrations[GREET], name) for name in merchant.calibrations[GREET].__slots__}
        | {"gallery": 2}
    )
    merchant.calibrations = merchant.calibrations | {GREET: small}
    assert merchant.greeter().greet(pictures[min(pictures)][0], device="door").reason == "gallery"


def test_service_parts_of_different_models_or_purposes_are_refused(merchant):
    merchant.calibrations = merchant.calibrations | {GREET: merchant.calibrations[PAY]}
    with pytest.raises(ConfigError, match="the calibration's purpose is 'payment'"):
        merchant.greeter()


def test_a_service_without_an_alternative_cannot_be_made(merchant):
    with pytest.raises(ConfigError, match="never the only way"):
        type(merchant.permission())(merchant.register, merchant.engine, "m1", GREET, "faces", "EU", alternative=False)


def test_visits_leave_through_the_release_gate_with_noise_and_never_as_they_are(merchant, tmp_path, pictures):
    visits = VisitCounts("m1", clock=merchant.clock)
    greeter = merchant.greeter(visits=visits, limit=RateLimit(10_000, 1.0))
    for _ in range(80):
        greeter.greet(pictures[min(pictures)][0], device="door")
    day = merchant.clock.now.date().isoformat()
    ledger = Ledger.open(":memory:", scope="run", budget=Budget("visits", 4.0, 1e-5, 1000))
    register = Register([Party("m1", "merchant")], [Dataset("visits", "m1", "movement", "dp", about_persons=True)])
    gate = ReleaseGate(
        dataset="visits",
        ledger=ledger,
        engine=PolicyEngine.load(["base"], register=register),
        log=Log.open(ledger.books, origin="visits", key=None),
        rows=visits.rows,
        bounds=Bounds(max_merchants=1, max_cells=1, max_rows=1),
        catalogue={"day": (day,)},
    )
    query = parse_query(
        {"kind": "histogram", "column": "day", "epsilon": 1.0, "dataset": "visits", "purpose": "own_business"}
    )
    answer = gate.release("m1", query)
    assert abs(answer.rows[0][1] - 80) <= 10 * answer.error_95
    assert [entry.kind for entry in gate.log.entries()] == ["access", "release"]


def test_a_probe_of_nan_is_refused_and_nothing_is_stored(merchant, pictures):
    person = min(pictures)
    receipt = merchant.agree(person)
    before = merchant.files()
    answer = merchant.enrolment().enrol(person, np.full((64, 64), np.nan), receipt)
    assert answer.reason == "photo"
    assert merchant.files() == before


def test_only_templates_that_may_never_be_used_again_have_ended(merchant):
    one, other, third = "17", "18", "19"
    start, permission = merchant.clock.now, merchant.permission()
    for person, days in ((one, 10), (other, 365), (third, 365)):
        receipt = merchant.agree(person, expires_at=start + dt.timedelta(days=days))
        binding = permission.bind(person, receipt, model=merchant.encoder.model)
        rng = np.random.default_rng(0)
        vector = rng.standard_normal(merchant.encoder.dimension).astype(np.float32)
        template = Embeddings((vector / np.linalg.norm(vector))[None], merchant.encoder.model)
        merchant.vault.enrol(person, binding, template)

    def ended():
        return [one.subject for one in permission.ended(merchant.vault.bindings(GREET))]

    assert ended() == []
    merchant.clock.now = start - dt.timedelta(days=900)  # a clock that was set back deletes nobody
    assert permission.usable(merchant.vault.bindings(GREET)) == []
    assert ended() == []
    merchant.clock.now = start + dt.timedelta(days=10)
    assert ended() == [merchant.register.token(one)]
    merchant.register.withdraw(other, controller=merchant.name, purpose=GREET)
    merchant.clock.now += dt.timedelta(seconds=1)
    merchant.agree(other)  # agreeing again does not bring back the template from before
    assert sorted(ended()) == sorted(merchant.register.token(person) for person in (one, other))
    merchant.register.tombstones.add(third)
    assert len(ended()) == 3


def test_photos_of_two_people_make_no_template(merchant, pictures):
    one, other = sorted(pictures)[:2]
    receipt = merchant.agree(one)
    strict = merchant.enrolment(one_person=0.99)
    before = merchant.files()
    answer = strict.enrol(one, [pictures[one][0], pictures[other][0]], receipt)
    assert "not look like one person" in answer.message
    assert merchant.files() == before
    assert merchant.enrolment(one_person=None).enrol(one, pictures[one][:2], receipt).reason == "photo"
    assert merchant.enrolment(one_person=-1.0).enrol(one, pictures[one][:2], receipt) == Enrolled(2)
