"""Whether the proof behind a number is about the line on which the number is printed.

A proof shows that a number was logged. Which rule, arm or run it was logged for is in the entry too, and is compared
here with what the report prints beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from experiments.report.audits import ATTACK, ATTACK_WORDS, attack_words
from experiments.report.figures import FIGURE, OUTCOMES, sweep_text
from privacy.access import schema as a

_ENDS: Final = ("value", "lo", "hi", "n")
_DENIED: Final = (a.ACTOR, a.ROLE, a.ACTION, a.DATASET, a.KIND, a.PURPOSE, a.RULE, a.ARTICLE)


def strangers(document: Mapping[str, Any], logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Say which printed lines rest on proofs that are about something else.

    Args:
        document: a report whose proofs, derivations and heads were checked.
        logs: entries of the logs that are in the report as a whole, by origin.
    """
    entries = {proof["id"]: proof for proof in document["proofs"]}
    derived = {one["id"]: one for one in document["derivations"]}
    yield from _verdicts(document, derived)
    for figure in (*document["figures"], *document["targets"]):
        yield from _figure(document, figure, entries)
    for kind in ("accounts", "rounds", "attacks"):
        for line in document[kind]:
            yield from _of_run(kind, line, entries, derived)
    yield from _denials(document, derived)
    yield from _attacks(document, logs, entries)


def _verdicts(document: Mapping[str, Any], derived: Mapping[str, Any]) -> Iterator[str]:
    whole = {one["origin"] for one in document["heads"]}
    wanted = whole if document["scope"] == "scenario" else {document["origin"]}
    for one in document["verdicts"]:
        proof = derived.get(one["breaches"]["proof"])
        if one["breaches"]["proof"] is None:
            if one["outcome"] in ("pass", "fail"):
                yield f"rule {one['rule']} is called {one['outcome']!r} without a proof of its breaches"
        elif proof is None or (proof["how"], proof["kind"], proof["field"]) != _replayed(one["rule"]):
            yield f"the breaches of rule {one['rule']} rest on {one['breaches']['proof']}, about something else"
        elif set(proof["origins"]) != wanted:
            yield f"the breaches of rule {one['rule']} were counted in {len(proof['origins'])} of {len(wanted)} logs"


def _replayed(rule: str) -> tuple[str, str, str]:
    return "replay", a.KIND_OF_ENTRY, rule


def _figure(document: Mapping[str, Any], figure: Mapping[str, Any], entries: Mapping[str, Any]) -> Iterator[str]:
    target = bool(figure["met"])
    whole = figure["name"] if target or document["scope"] == "run" else f"{figure['name']}({figure['arm']})"
    for end in _ENDS:
        number = figure[end]
        if number["proof"] is None:
            continue
        proof = entries.get(number["proof"])
        body = {} if proof is None else proof["entry"]["body"]
        named = str(body.get("name") or body.get("target", ""))
        arm = str(body.get("arm", figure["arm"]))
        right = (
            proof is not None
            and (proof["entry"]["kind"], proof["origin"], number["field"]) == (FIGURE, document["origin"], end)
            and (named == whole or (named, arm) == (figure["name"], figure["arm"]))
            and sweep_text(dict(body.get("sweep") or {})) == figure["sweep"]
            and (not target or figure["condition"] == body.get("target"))
            and (not target or "met" not in body or OUTCOMES.get(body["met"]) == figure["met"])
        )
        if not right:
            yield f"{end} of {whole} rests on {number['proof']}, which is about something else"


def _of_run(
    kind: str, line: Mapping[str, Any], entries: Mapping[str, Any], derived: Mapping[str, Any]
) -> Iterator[str]:
    for name, number in line.items():
        if not isinstance(number, Mapping) or number.get("proof") is None:
            continue
        proof = number["proof"]
        origins = [entries[proof]["origin"]] if proof in entries else derived.get(proof, {}).get("origins", ())
        if len(origins) != 1 or not origins[0].rpartition("/")[2].startswith(line["run"]):
            yield f"{kind}: {name} of run {line['run']} rests on {proof}, which is about another run"


def _denials(document: Mapping[str, Any], derived: Mapping[str, Any]) -> Iterator[str]:
    for one in document["denials"]:
        proof = derived.get(one["times"]["proof"])
        if one["times"]["proof"] is None:
            continue
        asked = {**{name: one[name] for name in _DENIED}, a.DECISION: a.DENY}
        where = {} if proof is None else {name: str(value) for name, value in proof["where"].items()}
        if where != asked:
            yield f"the denial of {one['dataset']} to {one['actor']} is counted by {one['times']['proof']}, of others"


def _attacks(
    document: Mapping[str, Any], logs: Mapping[str, Sequence[Mapping[str, Any]]], entries: Mapping[str, Any]
) -> Iterator[str]:
    """Compare the words of each attack with its entry, and find logged attacks that the report leaves out."""
    shown = {(one["name"], one["run"]): one for one in document["attacks"]}
    for origin, lines in logs.items():
        logged = {str(line["body"].get("name")): line["body"] for line in lines if line["kind"] == ATTACK}
        for name, body in logged.items():
            run = origin.rpartition("/")[2][:8]
            one = shown.get((name, run))
            if one is None:
                yield f"the log of run {run} holds the attack {name}, which the report leaves out"
            elif any(one[word] != attack_words(body)[word] for word in ATTACK_WORDS):
                yield f"attack {name} on run {run} was logged with another outcome or statement than is printed"
    for one in document["attacks"]:
        proof = entries.get(one["estimate"]["proof"])
        if proof is not None and (proof["entry"]["kind"], proof["entry"]["body"].get("name")) != (ATTACK, one["name"]):
            yield f"attack {one['name']} on run {one['run']} rests on {proof['id']}, which is about something else"
