"""Planted mistakes must not go unnoticed, and this file fails when one does."""

import pytest

from privacy.policy.mutants import REGIMES_WITH_RULES, Mutant, Range, plant
from privacy.policy.proof import prove
from privacy.policy.sources import PACKS, REGIME_PACK, load_source, load_texts

ALL = [*((pack, None) for pack in PACKS), *((REGIME_PACK, regime) for regime in REGIMES_WITH_RULES)]
QUICK = [("dma", None), ("gdpr", None), (REGIME_PACK, "federated_dp")]
"""Of the sources of each sort one or two; a slow test plants every mistake in all of them."""
CASES = "rule,expect,regime,actor,action,dataset,purpose,consent,jurisdiction,minor,guardian,alternative"


GRAVE = ("dropped", "a rule that permits everything")


def serious(mutant: Mutant) -> bool:
    """A dropped rule, a rule that permits everything, `==` where a group needs `in`, the wrong consent."""
    change = mutant.change
    return change in GRAVE or "== for in" in change or "agreed" in change


@pytest.mark.parametrize(("source", "regime"), QUICK)
def test_dropped_rules_open_doors_slips_of_groups_and_of_consent_are_all_noticed(source, regime):
    place = Range(source, regime=regime)
    planted = [mutant for mutant in plant(place.text) if serious(mutant)]
    grave = [mutant for mutant in planted if mutant.change in GRAVE]
    planted = grave + [mutant for mutant in planted if mutant.change not in GRAVE][::3]  # a slow test plants all
    assert len(planted) >= 4
    assert [trial.mutant for trial in map(place.hunt, planted) if not trial.killed_by] == []


@pytest.mark.slow
@pytest.mark.parametrize(("source", "regime"), ALL)
def test_every_mistake_in_every_pack_and_regime_is_noticed(source, regime):
    place = Range(source, regime=regime)
    planted = list(plant(place.text, narrowed=True))
    assert len(planted) > 50
    assert [trial.mutant for trial in map(place.hunt, planted) if not trial.killed_by] == []


@pytest.mark.slow
def test_a_proof_counts_what_was_asked_and_planted():
    proof = prove(["bipa", "ccpa"])
    assert proof.holds, proof.complaints()
    document = proof.document()
    assert document["requests"] == 2 * 32_400
    assert document["regimes"] == ["federated_dp", "pooled"]
    assert document["neighbours"] > 10_000
    assert document["wrong_allow"] == document["wrong_deny"] == 0
    assert document["mutants"]["killed"] == document["mutants"]["planted"] > 200


def narrowed(place: Range) -> list[Mutant]:
    return [mutant for mutant in plant(place.text, narrowed=True) if mutant.spares]


@pytest.mark.parametrize("pack", ["ai-act", "bipa"])
def test_a_rule_about_any_that_spares_one_role_action_or_purpose_is_noticed(pack):
    place = Range(pack)
    planted = narrowed(place)[::4]
    assert len(planted) > 10
    assert [trial.mutant for trial in map(place.hunt, planted) if not trial.killed_by] == []


def test_a_sparing_that_another_rule_covers_is_not_planted():
    found = {(mutant.rule, mutant.spares) for mutant in narrowed(Range("bipa"))}
    assert ("bipa-15-c", "payment") in found
    assert ("bipa-15-c", "research") not in found  # bipa-15-a forbids that use in any way
    assert ("bipa-15-a", "sell") not in found
    assert ("bipa-15-a", "read") in found


def test_users_rules_are_not_narrowed_since_only_their_cases_could_tell(folder):
    assert not Range(folder("house-no-moods,any,may not,any,any,mood,any,any,,,any,house rule,")).restated


def test_each_sort_of_mistake_is_planted_somewhere():
    planted = [*plant(load_source("dma")), *plant(load_source("gdpr"), narrowed=True)]
    planted += [mutant for text in load_texts([], regime="firewall") for mutant in plant(text)]
    changes = " | ".join(mutant.change for mutant in planted)
    assert "any principal.role but auditor" in changes
    for sort in ("dropped", "turned round", "permits everything", "== for in", "negated", "removed", "EU read as CN"):
        assert sort in changes
    assert "agreed_separately read as agreed" in changes
    assert "unless clause removed" in changes


def test_a_mutant_differs_from_its_source_and_parses():
    from privacy.policy.compiled import parsed

    text = load_source("bipa")
    original = parsed(text.cedar, "bipa")
    for mutant in plant(text):
        assert list(parsed(mutant.cedar, "mutant").values()) != list(original.values()), mutant.change


def test_a_mutant_that_no_case_and_no_invariant_notices_lives(folder):
    rule = "house-no-moods,any,may not,any,any,mood,any,any,,,any,house rule,"
    place = Range(folder(rule))
    (dropped,) = [mutant for mutant in plant(place.text) if mutant.change == "dropped"]
    assert place.hunt(dropped).killed_by == ""
    cases = (
        "house-no-moods,deny,,m1,read,m1/mood/raw,own_business,none,none,no,no,no",
        "house-no-moods,allow,,m1,read,m1/movement/raw,own_business,none,none,no,no,no",
    )
    watched = Range(folder(rule, name="watched", cases=(CASES, *cases)))
    assert watched.hunt(dropped).killed_by.startswith("case watched/cases.csv:2")


def test_what_is_wrong_before_the_mistake_does_not_count_as_noticing_it(folder):
    rule = "house-no-moods,any,may not,any,any,mood,any,any,,,any,house rule,"
    wrong = "house-no-moods,deny,,m1,read,m1/movement/raw,own_business,none,none,no,no,no"
    place = Range(folder(rule, cases=(CASES, wrong)))
    (dropped,) = [mutant for mutant in plant(place.text) if mutant.change == "dropped"]
    assert place.hunt(dropped).killed_by == ""


def test_a_mistake_that_the_schema_refuses_is_killed_by_it():
    place = Range("bipa")
    nonsense = Mutant(
        "bipa", "x", "nonsense", '@id("x")\npermit (principal, action, resource) when { principal.age > 1 };'
    )
    assert place.hunt(nonsense).killed_by == "schema"
