"""Leaving out what cannot matter must change no answer, no reason and no error."""

import cedarpy
import pytest

from privacy.policy import PolicyEngine
from privacy.policy.compiled import parsed, schema
from privacy.policy.domain import enumerate_requests, sample_register
from privacy.policy.slices import can_matter
from privacy.policy.sources import PACKS


def asked_whole(engine, requests):
    documents = [engine._document(one) for one in requests]
    entities = cedarpy.Entities.from_json_str(engine.register.entities(), schema())
    results = cedarpy.is_authorized_batch(documents, engine.policies.handle, entities, schema())
    return [engine._verdict(one) for one in results]


@pytest.mark.parametrize("regime", ["pooled", "federated"])
def test_a_part_answers_like_the_whole(regime):
    engine = PolicyEngine.load(PACKS, register=sample_register(), regime=regime)
    requests = enumerate_requests()[::31]
    assert engine.verdicts(requests) == asked_whole(engine, requests)


@pytest.mark.slow
def test_a_part_answers_like_the_whole_over_the_whole_domain():
    engine = PolicyEngine.load(PACKS, register=sample_register(), regime="pooled")
    requests = enumerate_requests()
    assert engine.verdicts(requests) == asked_whole(engine, requests)


@pytest.mark.parametrize(
    ("text", "matters"),
    [
        ("(principal, action, resource)", True),
        ('(principal, action == Action::"read", resource)', True),
        ('(principal, action == Action::"sell", resource)', False),
        ('(principal, action in [Action::"sell", Action::"train"], resource)', False),
        ('(principal, action in [Action::"sell", Action::"read"], resource)', True),
        ('(principal, action, resource) when { context.jurisdiction == Jurisdiction::"EU" }', True),
        ('(principal, action, resource) when { context.jurisdiction == Jurisdiction::"CN" && context.minor }', False),
        ('(principal, action, resource) when { context.jurisdiction != Jurisdiction::"EU" }', False),
        ('(principal, action, resource) when { !(context.jurisdiction in [Jurisdiction::"CN"]) }', True),
        ('(principal, action, resource) unless { context.jurisdiction == Jurisdiction::"CN" }', True),
        ('(principal, action, resource) when { context.minor || context.jurisdiction == Jurisdiction::"CN" }', True),
        # What comes first could fail, so the policy stays although the place is another.
        (
            "(principal, action, resource) when { 9223372036854775807 + 1 == 0 && "
            'context.jurisdiction == Jurisdiction::"CN" }',
            True,
        ),
    ],
)
def test_only_what_can_neither_hold_nor_fail_is_left_out(text, matters):
    (policy,) = parsed(f'@id("a")\npermit {text};', "test").values()
    assert can_matter(policy, place="EU", action="read") is matters
