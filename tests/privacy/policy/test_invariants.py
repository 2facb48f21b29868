"""What must hold over the whole domain, whatever the packs say: checked against the register, not against the rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.policy import (
    ACTIONS,
    FORMS,
    JURISDICTIONS,
    KINDS,
    PURPOSES,
    ROLES,
    Context,
    Party,
    PolicyEngine,
    Register,
    Request,
)
from privacy.policy.check import enumerate_all
from privacy.policy.compile import compile_rules
from privacy.policy.compiled import compile_texts
from privacy.policy.domain import enumerate_requests, sample_register
from privacy.policy.facts import FactFinder
from privacy.policy.invariants import invariants
from privacy.policy.rule import CONDITIONS, RELATIONS, Choice, Rule
from privacy.policy.sources import PACKS, PolicyText, load_texts
from privacy.regimes import REGIMES

DOMAIN = enumerate_requests()
WORLD = sample_register()
SEPARATE = tuple(name for name, one in REGIMES.items() if not one.platform_reads)
DISTINCT = ("pure", "firewall", "federated", "federated_dp")  # "isolated" and "self_preferencing" add the same rules


def rival(request: Request, register: Register = WORLD) -> bool:
    """Actor and owner both trade, for different units, and the data are not public."""
    dataset = register.dataset(request.dataset)
    actor, owner = register.party(request.actor), register.party(dataset.owner)
    trading = {"merchant", "marketplace", "platform_retail"}
    units = {one.unit or one.id for one in register.parties if one.role in trading}
    ours, theirs = actor.unit or actor.id, owner.unit or owner.id
    return ours in units and owner.role in trading and ours != theirs and not dataset.public


RIVALS = [request for request in DOMAIN if rival(request)]


def allowed(engine: PolicyEngine, requests: list[Request]) -> list[Request]:
    return [one for one, verdict in zip(requests, engine.verdicts(requests), strict=True) if verdict.allowed]


def test_the_domain_is_finite_without_repeats_and_holds_everything():
    assert len(DOMAIN) == len(set(DOMAIN)) == 32_400
    assert {one.action for one in DOMAIN} == set(ACTIONS)
    assert {one.purpose for one in DOMAIN} == set(PURPOSES)
    assert {one.context.jurisdiction for one in DOMAIN} == set(JURISDICTIONS)
    assert {WORLD.dataset(one.dataset).kind for one in DOMAIN} == set(KINDS)
    assert {WORLD.dataset(one.dataset).form for one in DOMAIN} == set(FORMS)
    assert {WORLD.party(one.actor).role for one in DOMAIN} == set(ROLES) - {"regulator"}  # a case has it
    assert len(RIVALS) > 5_000


def test_regimes_that_differ_in_ranking_alone_have_the_same_rules():
    def rules(regime):
        return PolicyEngine.load(["base"], register=WORLD, regime=regime).policies.infos.values()

    def bare(regime):
        return [(info.id, info.english) for info in rules(regime)]

    assert bare("pure") == bare("isolated")
    assert bare("firewall") == bare("self_preferencing")
    assert set(DISTINCT) | {"isolated", "self_preferencing"} == set(SEPARATE)


@pytest.mark.parametrize("regime", DISTINCT)
def test_no_competing_unit_is_ever_allowed_another_units_non_public_data(regime):
    engine = PolicyEngine.load(["base"], register=WORLD, regime=regime)
    assert allowed(engine, RIVALS if regime == "federated_dp" else RIVALS[::5]) == []


def test_the_same_check_finds_the_platform_where_it_does_read():
    engine = PolicyEngine.load(["base"], register=WORLD, regime="pooled")
    seen = {one.actor for one in allowed(engine, RIVALS[::9])}
    assert {"marketplace", "retail"} <= seen


def test_the_dma_pack_keeps_the_retail_arm_out_of_every_pooled_regime():
    retail = [one for one in RIVALS if one.actor == "retail"]
    held = [f"marketplace/{kind}/{form}" for kind in KINDS for form in FORMS]
    retail += [Request("retail", action, data, "own_label_development") for action in ACTIONS for data in held]
    for regime in ("pooled", "pooled_self_preferencing", "affiliated_stores"):
        engine = PolicyEngine.load(["base", "dma"], register=WORLD, regime=regime)
        assert allowed(engine, retail if regime == "pooled" else retail[::9]) == []
        assert engine.decide(retail[0]).article.startswith("DMA Art. 6(2)")


def test_no_form_of_the_data_excuses_the_retail_arm():
    engine = PolicyEngine.load(["base", "dma"], register=WORLD, regime="pooled")
    everything = Context("separate", "EU", False, False, True)
    asked = [
        Request("retail", action, f"m1/{kind}/{form}", purpose, (), everything)
        for action in ACTIONS
        for kind in KINDS
        for form in FORMS
        for purpose in PURPOSES
    ]
    assert allowed(engine, asked) == []


@pytest.mark.parametrize("regime", ["pooled", "firewall", None])
def test_with_the_dma_the_platform_never_competes_by_what_merchants_trade_left_with_it(regime):
    engine = PolicyEngine.load(["base", "dma"], register=WORLD, regime=regime)
    asked = [
        Request(arm, action, f"{owner}/{kind}/{form}", purpose, (), Context("separate"))
        for arm in ("marketplace", "retail")
        for action in ("read", "train", "release")
        for owner in ("m1", "marketplace")
        for kind in KINDS
        for form in FORMS
        for purpose in ("ranking", "own_label_development")
    ]
    assert allowed(engine, asked) == []
    assert allowed(PolicyEngine.load(["base"], register=WORLD, regime=regime), asked) != []


def test_an_invariant_of_the_dma_finds_a_users_rule_that_lets_the_marketplace_compete(folder):
    house = folder("own-label,platform,may,read,any,any,any,own_label_development,,,any,house rule,")
    asked = [
        Request("marketplace", "read", "marketplace/orders/raw", "own_label_development"),
        Request("retail", "read", "marketplace/orders/dp", "own_label_development"),
    ]
    world = sample_register()
    finder = FactFinder(world)
    for request in asked:
        broken = [
            name for name, holds in invariants(None, ["dma", str(house)]).items() if not holds(finder.facts(request))
        ]
        assert any("marketplace" in name for name in broken)
        assert all(holds(finder.facts(request)) for holds in invariants(None, [str(house)]).values())
    found = enumerate_all(["base", house, "dma"], regime="pooled", requests=asked)
    assert found.wrong == ()  # the pack forbids what the house permits


@pytest.mark.parametrize("regime", ["pooled", "firewall"])
def test_a_merchant_never_gets_another_merchants_raw_rows(regime):
    engine = PolicyEngine.load(["base"], register=WORLD, regime=regime)
    merchants = [one for one in RIVALS if WORLD.party(one.actor).role == "merchant"]
    merchants = [one for one in merchants if WORLD.party(WORLD.dataset(one.dataset).owner).role == "merchant"]
    assert len(merchants) == 6 * 13 * 12  # actions, non-public data sets, purposes
    assert allowed(engine, merchants) == []


@pytest.mark.parametrize("role", ["aggregator", "auditor", "regulator", "researcher"])
def test_a_neutral_role_is_worth_nothing_inside_a_trading_unit(role):
    register = sample_register()
    asked = [one for one in DOMAIN if one.actor == "aggregator" and one.dataset.startswith("m1/")][::5]
    for unit in ("platform", "m2-group"):
        register.add(Party("aggregator", role, unit))
        for regime in DISTINCT:
            engine = PolicyEngine.load(["base"], register=register, regime=regime)
            assert [one for one in allowed(engine, asked) if rival(one, register)] == []


def test_all_packs_say_what_they_are_meant_to_over_a_part_of_the_domain():
    some = DOMAIN[::7]  # a slow test asks about all of it
    found = enumerate_all(PACKS, regime="federated_dp", requests=some)
    assert (found.requests, found.wrong) == (len(some), ())


@pytest.mark.slow
@pytest.mark.parametrize("regime", [*REGIMES, None])
def test_all_packs_say_what_they_are_meant_to_under_every_regime(regime):
    found = enumerate_all(PACKS, regime=regime)
    assert (found.requests, found.wrong) == (32_400, ())
    if regime == "federated_dp":
        assert found.idle == ()


def choices(words):
    picked = st.lists(st.sampled_from(sorted(words)), max_size=2, unique=True)
    return st.builds(lambda names, excluded: Choice(tuple(names), excluded and bool(names)), picked, st.booleans())


CLAUSES = st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=2, unique=True).map(tuple)
FORBIDS = st.builds(
    Rule,
    id=st.just("added"),
    permits=st.just(False),
    who=choices(ROLES),
    action=choices(ACTIONS),
    whose=st.sampled_from(["", *RELATIONS, "merchant"]),
    another=st.just(False),
    kind=choices(KINDS),
    form=choices(FORMS),
    purpose=choices(PURPOSES),
    when=CLAUSES,
    unless=CLAUSES,
    jurisdiction=choices([one for one in JURISDICTIONS if one != "none"]),
    article=st.just("test"),
    sentence=st.just(""),
)
SAMPLE = DOMAIN[::307]


TEXTS = load_texts(["base", "dma"], regime="pooled")
BEFORE = PolicyEngine(compile_texts(TEXTS), WORLD).verdicts(SAMPLE)


@given(rule=FORBIDS)
@settings(max_examples=10)
def test_adding_a_forbid_never_turns_a_denial_into_permission(rule):
    added = PolicyText("added", compile_rules([rule], pack="added"))
    after = PolicyEngine(compile_texts([*TEXTS, added]), WORLD).verdicts(SAMPLE)
    assert not any(now.allowed and not was.allowed for was, now in zip(BEFORE, after, strict=True))


def test_a_rule_that_permits_everything_is_found_with_counterexamples(folder):
    house = folder(cedar='@id("open-door")\npermit (principal, action, resource);')
    found = enumerate_all(["base", house], regime="firewall", requests=DOMAIN[::11])
    assert found.wrong_allow > 500
    assert {one.rule.split("; ")[-1] for one in found.wrong} == {"open-door"}
    assert all("competing unit" in one.why or "merchant" in one.why or "shoppers" in one.why for one in found.wrong)


def test_a_rule_that_decides_nothing_is_named_as_idle(folder):
    house = folder("never,merchant,may,read,marketplace's,mood,dp,payment,guardian; no consent,minor,any,x,")
    assert "never" in enumerate_all(["base", house], requests=DOMAIN[::11]).idle
