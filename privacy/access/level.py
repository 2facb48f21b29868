"""Which level of consent a read or release needs: the least that the policy accepts, children thought of."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from privacy.policy import Consent, Decision, PolicyEngine, Request

LEVELS: Final[tuple[Consent, ...]] = ("none", "general", "separate")


def settle(engine: PolicyEngine, request: Request, *, has_consents: bool) -> tuple[Request, Decision]:
    """Find the least level of consent that the policy accepts.

    Args:
        engine: decides.
        request: what is asked for; its level of consent is not looked at.
        has_consents: whether a register can say who agreed. Without one, and for what is not rows about people, only
            the level "none" is tried.

    Returns: the request at the level that is allowed, with the decision; where none is, the refusal at the first level
        whose refusal names a rule, or at the first.
    """
    dataset = engine.register.find_dataset(request.dataset)
    of_persons = dataset is not None and dataset.about_persons and dataset.form == "raw"
    refused: list[tuple[Request, Decision]] = []
    for level in LEVELS if of_persons and has_consents else LEVELS[:1]:
        asked = replace(request, context=replace(request.context, consent=level))
        asked, decision = judge(engine, asked) if of_persons else (asked, engine.decide(asked))
        if decision.allowed:
            return asked, decision
        refused.append((asked, decision))
    return next((one for one in refused if one[1].rule), refused[0])


def judge(engine: PolicyEngine, request: Request) -> tuple[Request, Decision]:
    """Ask the policy about rows of people, of whom some may be children.

    Nothing in the rows tells a child's from others'. Where receipts decide about rows, a child's has a guardian's
    agreement; where none are asked for, nobody agreed for the child.

    Returns: the request that was refused, or the one asked, and the decision about it.
    """
    agreed = request.context.consent != "none"
    child = replace(request, context=replace(request.context, minor=True, guardian=agreed))
    grown, young = engine.decide_many([request, child])
    return (request, grown) if young.allowed or not grown.allowed else (child, young)
