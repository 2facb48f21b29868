import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.erasure import Model, Registry, TableFolder, check_certificate
from privacy.erasure.certificate import _message
from privacy.log import SigningKey


@pytest.fixture
def issued(office, make, tmp_path):
    make.csv(tmp_path / "shop" / "transactions.csv", 1, 2)
    (tmp_path / "m.npz").write_bytes(b"w")
    registry = Registry()
    registry.add(TableFolder("tables", tmp_path / "shop", tombstones=office.tombstones))
    registry.add(Model("model", [tmp_path / "m.npz"], tombstones=office.tombstones), built_from=["tables"])
    return json.loads(office.erasure(registry).run(1).to_json())


def resigned(document, key):
    document = {**document, "key_hex": key.public_hex}
    return {**document, "signature_hex": key.sign(_message(document))}


def test_a_good_certificate_is_good_offline_and_says_that_it_is_open(issued, office):
    assert check_certificate(issued, key_hex=office.key.public_hex) == ()
    assert issued["status"] == "open"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(status="closed"),
        lambda d: d.update(commitments=["ab"]),
        lambda d: d.update(issued_at="2020-01-01T00:00:00.000000+00:00"),
        lambda d: d["places"].pop(),
        lambda d: d["places"][1].update(state="done"),
        lambda d: d["places"][0].update(found=0),
        lambda d: d["not_covered"].pop(),
        lambda d: d["log"]["entry"].update(index=7),
        lambda d: d["log"]["entry"]["body"].update(status="closed"),
        lambda d: d["log"]["head"].update(size=99),
        lambda d: d.update(signature_hex="00" * 64),
        lambda d: d.update(signature_hex=None),
        lambda d: d.update(version=2),
    ],
)
def test_any_change_is_found(issued, office, change):
    change(issued)
    problems = check_certificate(issued, key_hex=office.key.public_hex)
    assert any("signature is not good" in problem for problem in problems)


def test_the_holder_of_the_key_cannot_state_something_else_than_the_log_has(issued, office):
    for change, problem in (
        (lambda d: d["places"][1].update(state="done", left=None) or d.update(status="closed"), "another statement"),
        (lambda d: d.update(status="closed"), "add up to"),
        (lambda d: d["places"][0].update(left=3), "still holds"),
        (lambda d: d["log"]["entry"]["body"].update(request="x"), "not the one that the proof is about"),
        (lambda d: d["log"]["head"].update(root_hex="00" * 32), "does not lead to the head"),
        (lambda d: d["log"].pop("proof"), "no proof in the log"),
        (lambda d: d["log"].update(proof={}), "documented shape"),
        (lambda d: d.update(places=None), "documented shape"),
    ):
        changed = copy.deepcopy(issued)
        change(changed)
        problems = check_certificate(resigned(changed, office.key), key_hex=office.key.public_hex)
        assert any(problem in found for found in problems), (problem, problems)


def test_a_certificate_of_somebody_else_is_not_good_under_our_key(issued, office):
    other = SigningKey.generate()
    problems = check_certificate(resigned(issued, other), key_hex=office.key.public_hex)
    assert any("another key" in problem for problem in problems)
    problems = check_certificate(resigned(issued, other), key_hex=other.public_hex)
    assert any("head of the log is not signed with the key given" in problem for problem in problems)


@pytest.mark.parametrize("document", [None, [], {}, {"type": "tradefair erasure certificate"}, "text", 3])
def test_what_is_no_certificate_is_said_to_be_none(document, office):
    assert check_certificate(document, key_hex=office.key.public_hex)[0].startswith("it is no certificate")


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=2))


@given(st.data())
def test_no_value_in_any_field_makes_the_check_crash_or_pass(request_certificate, data):
    issued, key_hex = request_certificate
    field = data.draw(st.sampled_from(sorted(issued)))
    value = data.draw(JSON.filter(lambda x: x != issued[field]))
    assert check_certificate({**issued, field: value}, key_hex=key_hex) != ()


@pytest.fixture(scope="module")
def request_certificate():
    from privacy.commitments import Commitments
    from privacy.consent import ConsentRegister
    from privacy.erasure import Erasure
    from privacy.log import Log

    log = Log.open(":memory:", origin="x", key=SigningKey.generate())
    commitments = Commitments.open(":memory:")
    register = ConsentRegister.open(":memory:", log=log, commitments=commitments)
    register.withdraw("1", controller="m1", purpose="marketing")
    erasure = Erasure(Registry(), register=register, log=log, commitments=commitments, journal=":memory:")
    return json.loads(erasure.run("1").to_json()), log.key.public_hex
