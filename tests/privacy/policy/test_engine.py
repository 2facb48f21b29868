"""The engine says no whenever there is any doubt, and says why."""

from dataclasses import replace

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.policy import Context, Dataset, Party, PolicyEngine, Register, Request
from privacy.policy.compiled import schema
from privacy.policy.domain import enumerate_requests, sample_register
from privacy.policy.sources import PACKS
from retail.errors import PolicyError

OWN = Request("m1", "read", "m1/transactions/raw", "own_business")
SPY = Request("retail", "read", "m1/transactions/raw", "own_label_development")
NASTY = [
    'm1"',
    "m1'; permit(principal, action, resource);//",
    'm1" || true || "',
    "m1\x00",
    "m1\u202e1m",
    "m" * 5000,
    "Party::m1",
    "",
    "\ud800",
    "m1\n",
]


@pytest.fixture(scope="module")
def pooled():
    return PolicyEngine.load(["base"], register=sample_register(), regime="pooled")


def test_a_merchant_reads_its_own_and_its_rival_does_not(register):
    engine = PolicyEngine.load(["base"], register=register)
    allowed, denied = engine.decide_many([OWN, replace(OWN, actor="m2")])
    assert (allowed.allowed, allowed.rule) == (True, "base-own")
    assert (denied.allowed, denied.rule) == (False, "")
    assert "no rule permits" in denied.text


def test_a_denial_by_law_cites_the_article_and_says_it_in_english(register):
    engine = PolicyEngine.load(["base", "dma"], register=register, regime="pooled")
    denied = engine.decide(SPY)
    assert not denied.allowed
    assert denied.rule == "dma-6-2-retail"
    assert denied.article.startswith("DMA Art. 6(2)")
    assert "The platform's retail arm may not use in any way a merchant's data" in denied.text


def test_laws_alone_permit_no_business_anything_but_what_they_give_back(register):
    engine = PolicyEngine.load([pack for pack in PACKS if pack != "base"], register=register)
    allowed = [one for one in enumerate_requests()[::29] if engine.decide(one).allowed]
    assert {engine.register.party(one.actor).role for one in allowed} <= {"shopper", "merchant"}
    assert all(one.actor == engine.register.dataset(one.dataset).owner for one in allowed)


@pytest.mark.parametrize("change", ["actor", "dataset"])
@pytest.mark.parametrize("name", [*NASTY, None, 7, ("m1",)], ids=ascii)
def test_a_name_that_is_not_registered_is_refused_whatever_it_holds(pooled, change, name):
    decision = pooled.decide(replace(OWN, **{change: name}))
    assert not decision.allowed
    assert "in the register" in decision.text
    assert decision.text.isascii()
    assert decision.text.isprintable()


@pytest.mark.parametrize("name", [one for one in NASTY if one and one != "\ud800"], ids=ascii)
def test_a_registered_name_is_data_whatever_it_holds(name):
    register = Register(
        [Party(name, "merchant"), Party("m1", "merchant")],
        [Dataset(name, name, "transactions", "raw", True), Dataset("d", "m1", "transactions", "raw", True)],
    )
    engine = PolicyEngine.load(["base"], register=register)
    own, others = engine.decide_many(
        [Request(name, "read", name, "own_business"), Request(name, "read", "d", "own_business")]
    )
    assert own.allowed
    assert not others.allowed


@given(name=st.text(min_size=1, max_size=30), other=st.text(min_size=1, max_size=30))
def test_any_two_different_names_stay_two_parties(name, other):
    register = Register([Party(name, "merchant"), Party(other, "merchant")], [Dataset("d", other, "mood", "raw", True)])
    engine = PolicyEngine.load(["base"], register=register)
    assert engine.decide(Request(name, "read", "d", "own_business")).allowed == (name == other)


def test_a_data_set_whose_owner_is_unknown_is_refused(pooled):
    register = Register(
        [Party("p", "marketplace", "platform")], [Dataset("d", "gone", "catalogue", "raw", False, True)]
    )
    decision = pooled.with_register(register).decide(Request("p", "read", "d", "ranking"))
    assert not decision.allowed
    assert "owner" in decision.text


@pytest.mark.parametrize(
    "change",
    [
        {"action": "delete"},
        {"action": 'read"'},
        {"purpose": "fun"},
        {"purpose": None},
        {"context": None},
        {"context": Context(consent="full")},
        {"context": Context(consent=True)},
        {"context": Context(jurisdiction="eu")},
        {"context": Context(minor="no")},
        {"context": Context(guardian=1)},
        {"context": Context(alternative=None)},
    ],
    ids=str,
)
def test_a_word_outside_the_vocabulary_is_refused(pooled, change):
    assert not pooled.decide(replace(OWN, **change)).allowed


def test_a_policy_that_fails_refuses_although_cedar_would_allow(folder, register):
    broken = '@id("broken")\n@law("none")\nforbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };'
    house = folder(cedar=broken)
    engine = PolicyEngine.load(["base", house], register=register)
    decision = engine.decide(OWN)
    assert not decision.allowed
    assert "a policy failed" in decision.text
    handle = cedarpy.Entities.from_json_str(register.entities(), schema())
    cedar = cedarpy.is_authorized(engine._document(OWN), engine.policies.handle, handle, schema())
    assert cedar.allowed  # the trap: Cedar skips what fails, a forbid included


def test_no_decision_is_a_denial(pooled):
    document = {**pooled._document(OWN), "context": '{"purpose": 3}'}
    result = cedarpy.is_authorized(document, pooled.policies.handle, "[]", schema())
    assert result.decision.name == "NoDecision"
    assert not pooled._verdict(result).allowed


def test_an_engine_that_fails_refuses_everything(pooled, monkeypatch):
    def fail(*arguments):
        raise ValueError("no such thing")

    monkeypatch.setattr(cedarpy, "is_authorized_batch", fail)
    assert [one.allowed for one in pooled.decide_many([OWN, SPY])] == [False, False]
    monkeypatch.setattr(cedarpy, "is_authorized_batch", lambda *arguments: [])
    assert not pooled.decide(OWN).allowed


def test_who_moves_to_the_retail_arm_in_the_middle_loses_access_at_the_next_decision(register):
    register.add(Party("analyst", "aggregator"))
    engine = PolicyEngine.load(["base"], register=register, regime="firewall")
    asked = Request("analyst", "train", "m1/transactions/raw", "recommendation")
    assert engine.decide(asked).allowed
    register.add(Party("analyst", "platform_retail", "platform"))
    assert not engine.decide(asked).allowed
    register.add(Party("analyst", "aggregator", "platform"))  # the old title, but paid by the platform
    assert not engine.decide(asked).allowed


def test_neutrality_ends_when_a_trading_business_joins_the_unit(register):
    register.add(Party("lab", "researcher", "new-group"))
    engine = PolicyEngine.load(["base"], register=register)
    asked = Request("lab", "read", "m1/transactions/dp", "research")
    assert engine.decide(asked).allowed
    register.add(Party("m9", "merchant", "new-group"))
    assert not engine.decide(asked).allowed


def test_a_unit_named_like_a_party_is_not_that_party():
    register = Register(
        [Party("m1", "merchant"), Party("lab", "researcher", "m1")], [Dataset("d", "m1", "orders", "dp", True)]
    )
    engine = PolicyEngine.load(["base"], register=register)
    assert engine.decide(Request("lab", "read", "d", "research")).allowed


def test_data_that_become_public_or_private_are_seen_at_the_next_decision(register):
    engine = PolicyEngine.load(["base"], register=register)
    asked = Request("public", "read", "m1/catalogue/raw", "own_business")
    assert not engine.decide(asked).allowed
    register.add(replace(register.dataset("m1/catalogue/raw"), public=True))
    assert engine.decide(asked).allowed


def test_columns_do_not_change_an_answer_and_equal_questions_get_equal_answers(pooled):
    asked = [OWN, replace(OWN, columns=("a", "b")), SPY, OWN]
    answers = pooled.decide_many(asked)
    assert answers[0] == answers[1] == answers[3]
    assert answers == [pooled.decide(one) for one in asked]
    assert pooled.decide_many([]) == []


def test_a_fingerprint_names_the_enforced_text(register, folder):
    load = PolicyEngine.load
    one = load(["base", "dma"], register=register)
    assert one.fingerprint == load(["base", "dma"], register=Register()).fingerprint
    assert one.fingerprint != load(["base"], register=register).fingerprint
    assert one.fingerprint != load(["base", "dma"], register=register, regime="pooled").fingerprint
    pure, isolated = (load(["base"], register=register, regime=name) for name in ("pure", "isolated"))
    assert pure.fingerprint == isolated.fingerprint  # neither adds a rule


@pytest.mark.parametrize(
    ("sources", "regime"),
    [(["nowhere"], None), (["base", "base"], None), ("base", None), ([""], None), (["base"], "feudal"), ([".."], None)],
)
def test_an_unknown_source_or_regime_is_refused(sources, regime):
    with pytest.raises(PolicyError):
        PolicyEngine.load(sources, register=Register(), regime=regime)


def test_parties_without_units_are_each_a_unit_of_their_own(register):
    engine = PolicyEngine.load(["base"], register=register, regime="pooled")
    asked = Request("marketplace", "read", "aggregator/model/raw", "ranking")
    register.add(Party("marketplace", "marketplace"))
    register.add(Party("aggregator", "aggregator"))
    assert not engine.decide(asked).allowed
