import json

import pytest

from privacy.policy import Dataset, Party, Register
from retail.errors import PolicyError


@pytest.mark.parametrize(
    "item",
    [
        Party("", "merchant"),
        Party(3, "merchant"),
        Party("x", "king"),
        Party("x", None),
        Party("x", "merchant", None),
        Party("\ud800", "merchant"),
        Party("x", "platform"),
        Dataset("", "x", "mood", "raw", True),
        Dataset("d", "", "mood", "raw", True),
        Dataset("d", "x", "biometric", "raw", True),
        Dataset("d", "x", "mood", "hashed", True),
        Dataset("d", "x", "mood", "raw", "yes"),
        Dataset("d", "x", "mood", "raw", True, 1),
        "x",
    ],
    ids=ascii,
)
def test_what_cannot_be_understood_is_not_registered(item):
    register = Register()
    with pytest.raises(PolicyError):
        register.add(item)
    assert register.parties == ()
    assert register.datasets == ()


def test_a_later_entry_of_the_same_name_replaces_the_earlier():
    register = Register([Party("x", "merchant"), Party("x", "auditor")])
    assert register.parties == (Party("x", "auditor"),)
    assert register.party("x").role == "auditor"


def test_asking_for_what_is_missing_names_it_without_control_characters():
    with pytest.raises(PolicyError, match=r"'a\\u202eb'"):
        Register().party("a\u202eb")
    with pytest.raises(PolicyError, match="data set"):
        Register().dataset("d")


def test_entities_are_structured_data_with_groups():
    register = Register([Party('p"', "platform_retail", "platform")])
    entities = {(one["uid"]["type"], one["uid"]["id"]): one for one in json.loads(register.entities())}
    assert entities["Role", "platform_retail"]["parents"] == [{"type": "Role", "id": "platform"}]
    assert entities["Kind", "face_templates"]["parents"] == [{"type": "Kind", "id": "biometric"}]
    party = entities["Party", 'p"']["attrs"]
    assert party["of_platform"] is True
    assert party["independent"] is False
