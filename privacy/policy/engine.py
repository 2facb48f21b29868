"""The policy engine: asks Cedar, and says no whenever there is any doubt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cedarpy

from privacy.policy.compiled import CompiledPolicies, PolicyInfo, compile_texts, schema
from privacy.policy.register import Register, reference, shown, uid
from privacy.policy.request import Context, Decision, Request
from privacy.policy.sources import load_texts
from privacy.policy.vocabulary import ACTIONS, CONSENTS, JURISDICTIONS, PURPOSES

_ALLOW: Final = "Allow"
_BATCH: Final = 2_000  # larger ones are no faster: Python's collector then walks what is still alive


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Cedar said, before it is put into words.

    Attributes:
        allowed: after every check of ours.
        reasons: the policies that decided, in the order of the text.
        doubt: why the question could not be answered; empty when it was.
    """

    allowed: bool
    reasons: tuple[PolicyInfo, ...] = ()
    doubt: str = ""


class PolicyEngine:
    """Policies and a register; make it with `PolicyEngine.load`.

    Guarantee: a request is allowed only if Cedar answers Allow without any error in its diagnostics and actor, action,
        data set, owner and every fact of the request are known. Cedar itself skips a policy that fails, also one that
        forbids; here one failure refuses the request. Assumes that the register and the context tell the truth: whether
        people consented is the consent register's business, who the actor is, the caller's.
    """

    def __init__(self, policies: CompiledPolicies, register: Register) -> None:
        self.policies = policies
        self.register = register
        self._contexts: dict[tuple[object, ...], str] = {}

    @classmethod
    def load(cls, sources: Sequence[str | Path], *, register: Register, regime: str | None = None) -> PolicyEngine:
        """Read, compile and check policies.

        Args:
            sources: bundled packs ("base", "dma", "gdpr", "ai-act", "pipl", "bipa", "ccpa") or folders with rules. Laws
                mostly forbid: without "base" or a regime nothing is permitted.
            register: parties and data sets; looked up anew at each decision.
            regime: id of a regime, whose rules are added.

        Raises: PolicyError: an unknown source or regime, a wrong cell, or policies that do not compile.
        """
        return cls(compile_texts(load_texts(sources, regime=regime)), register)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of schema and policies; equal when the same rules are enforced, whatever their folder is called."""
        return self.policies.fingerprint

    def with_register(self, register: Register) -> PolicyEngine:
        """Return an engine with the same policies and another register."""
        return PolicyEngine(self.policies, register)

    def decide(self, request: Request) -> Decision:
        """Answer one request (see `decide_many`)."""
        return self.decide_many([request])[0]

    def decide_many(self, requests: Sequence[Request]) -> list[Decision]:
        """Answer requests, each by itself, in their order. Cheaper than one by one; equal questions are asked once."""
        return [
            self._in_words(request, verdict) for request, verdict in zip(requests, self.verdicts(requests), strict=True)
        ]

    def verdicts(self, requests: Sequence[Request]) -> list[Verdict]:
        """Answer requests without words; lists every policy that decided."""
        verdicts: dict[tuple[object, ...], Verdict] = {}
        pending: dict[tuple[object, ...], Request] = {}
        keys: list[tuple[object, ...]] = []
        for request in requests:
            doubt = self._doubt(request)
            key = (doubt,) if doubt else _question(request)
            keys.append(key)
            if doubt:
                verdicts[key] = Verdict(False, doubt=doubt)
            elif key not in verdicts:
                pending[key] = request
                if len(pending) == _BATCH:
                    verdicts.update(self._ask(pending))
                    pending.clear()
        verdicts.update(self._ask(pending))
        return [verdicts[key] for key in keys]

    def _doubt(self, request: Request) -> str:
        """Say why a request cannot be put to Cedar; empty when it can."""
        context = request.context
        if self.register.find_party(request.actor) is None:
            return f"there is no party {shown(request.actor)} in the register"
        dataset = self.register.find_dataset(request.dataset)
        if dataset is None:
            return f"there is no data set {shown(request.dataset)} in the register"
        if self.register.find_party(dataset.owner) is None:
            return f"the owner {shown(dataset.owner)} of data set {shown(dataset.id)} is not in the register"
        if not isinstance(context, Context):
            return f"the context must be a Context, got {shown(context)}"
        for what, word, known in (
            ("action", request.action, ACTIONS),
            ("purpose", request.purpose, PURPOSES),
            ("consent level", context.consent, CONSENTS),
            ("jurisdiction", context.jurisdiction, JURISDICTIONS),
        ):
            if not isinstance(word, str) or word not in known:
                return f"there is no {what} {shown(word)}"
        for name in ("minor", "guardian", "alternative"):
            if not isinstance(getattr(context, name), bool):
                return f"{name} must be true or false, got {shown(getattr(context, name))}"
        return ""

    def _document(self, request: Request) -> dict[str, object]:
        """Write a request as structured data, so that no id is ever read as policy text."""
        context = request.context
        key = (request.purpose, context)
        if key not in self._contexts:
            facts = {
                "purpose": reference("Purpose", request.purpose),
                "agreed": context.consent != "none",
                "agreed_separately": context.consent == "separate",
                "jurisdiction": reference("Jurisdiction", context.jurisdiction),
                "minor": context.minor,
                "guardian": context.guardian,
                "alternative": context.alternative,
            }
            self._contexts[key] = json.dumps(facts)
        return {
            "principal": uid("Party", request.actor),
            "action": uid("Action", request.action),
            "resource": uid("Dataset", request.dataset),
            "context": self._contexts[key],
        }

    def _ask(self, questions: Mapping[tuple[object, ...], Request]) -> dict[tuple[object, ...], Verdict]:
        parts: dict[tuple[str, str], list[tuple[object, ...]]] = {}
        for key, request in questions.items():
            parts.setdefault((request.context.jurisdiction, request.action), []).append(key)
        answers: dict[tuple[object, ...], Verdict] = {}
        for (place, action), keys in parts.items():
            documents = [self._document(questions[key]) for key in keys]
            answers.update(zip(keys, self._ask_cedar(documents, place=place, action=action), strict=True))
        return answers

    def _ask_cedar(self, documents: Sequence[Mapping[str, object]], *, place: str, action: str) -> list[Verdict]:
        """Ask about requests of one jurisdiction and action; whatever goes wrong is a denial of each."""
        try:
            policies = self.policies.slices.handle(place, action)
            results = cedarpy.is_authorized_batch(list(documents), policies, self._known_entities(), schema())
        except (ValueError, TypeError, RuntimeError) as error:
            return [Verdict(False, doubt=f"the policy engine failed ({error})")] * len(documents)
        if len(results) != len(documents):
            return [Verdict(False, doubt="the policy engine lost an answer")] * len(documents)
        return [self._verdict(result) for result in results]

    def _verdict(self, result: Any) -> Verdict:
        diagnostics = result.diagnostics
        if diagnostics.errors:
            return Verdict(False, doubt=f"a policy failed ({diagnostics.errors[0]})")
        names = sorted(diagnostics.reasons, key=lambda name: int(name.removeprefix("policy")))
        reasons = tuple(self.policies.infos[name] for name in names)
        # Compared by name: NoDecision is neither Allow nor Deny.
        allowed = result.decision.name == _ALLOW and bool(reasons)
        return Verdict(allowed, reasons)

    def _known_entities(self) -> Any:
        return self.register.parsed(lambda text: cedarpy.Entities.from_json_str(text, schema()))

    def _in_words(self, request: Request, verdict: Verdict) -> Decision:
        if verdict.doubt:
            return Decision(False, "", "", f"Denied: {verdict.doubt}; what is unknown is refused.")
        if not verdict.reasons:
            role = self.register.party(request.actor).role
            asked = f"{role} {shown(request.actor)} {request.action} {shown(request.dataset)} for {request.purpose}"
            return Decision(False, "", "", f"Denied: no rule permits that {asked}.")
        first, *others = verdict.reasons
        also = f" Also by {', '.join(one.id for one in others)}." if others else ""
        word = "Allowed" if verdict.allowed else "Denied"
        text = f"{word} by {first.id} ({first.article or 'no article'}): {first.english}{also}"
        return Decision(verdict.allowed, first.id, first.article, text)


def _question(request: Request) -> tuple[object, ...]:
    """Return all of a request that a rule can see."""
    return request.actor, request.action, request.dataset, request.purpose, request.context
