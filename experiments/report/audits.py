"""Empirical audits and certificates: what attacks found, and who was erased."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from experiments.documents import read_json
from experiments.report.accounts import RunFiles
from experiments.report.evidence import Evidence, Located
from experiments.report.model import Attack, Fact
from experiments.report.text import moment
from privacy.erasure.certificate import check_certificate
from retail.errors import DataError

ATTACK: Final = "attack"
ATTACK_WORDS: Final = ("outcome", "statement", "control")
ATTACKS_FILE: Final = Path("artifacts") / "attacks.json"


def attacks_of(evidence: Evidence, runs: Iterable[RunFiles]) -> tuple[Attack, ...]:
    """Return the stored results of attacks on runs, each held against its log entry.

    Raises:
        DataError: `attacks.json` is damaged.
    """
    found = []
    for run in runs:
        path = Path(run.record["path"]) / ATTACKS_FILE
        stored = read_json(path)
        logged = _logged(evidence, run.origin)
        if stored is None:
            stored = []
        results = stored.get("attacks", stored.get("results", [])) if isinstance(stored, dict) else stored
        if not isinstance(results, list):
            raise DataError(f"{path}: holds no list of attacks; run the attacks again")
        found += [_attack(evidence, run, logged.get(str(result.get("name"))), result) for result in results]
        for name in sorted(set(logged) - {str(result.get("name")) for result in results}):
            evidence.problems.append(f"{run.origin}: the attack {name} was logged, and {path} does not hold it")
    return tuple(found)


def breached(attacks: Iterable[Attack]) -> tuple[Attack, ...]:
    """Return the attacks that contradict a claim."""
    return tuple(attack for attack in attacks if attack.outcome == "breach")


def certificates_of(folder: Path | None, *, key_hex: str | None) -> tuple[Fact, ...]:
    """Return one line for each erasure certificate of a folder, and whether its signature is good.

    Raises:
        DataError: the folder is not there.
    """
    if folder is None:
        return (Fact("Certificates", "None was given. To show some: --certificates FOLDER.", "GDPR 17", ""),)
    if not folder.is_dir():
        raise DataError(f"there is no folder of certificates at {folder}; leave --certificates out, or name one")
    lines = []
    for path in sorted(folder.glob("*.json")):
        lines.append(_certificate(path, key_hex=key_hex))
    return tuple(lines) or (Fact("Certificates", f"The folder {folder.name} holds none.", "GDPR 17", ""),)


def _certificate(path: Path, *, key_hex: str | None) -> Fact:
    """Say what a certificate states, or why it is not good."""
    document = read_json(path)
    if not isinstance(document, dict) or "key_hex" not in document:
        return Fact(path.name, "This file is no erasure certificate.", "GDPR 17", "file")
    problems = check_certificate(document, key_hex=key_hex or str(document["key_hex"]))
    if problems:
        return Fact(path.name, f"NOT VALID: {'; '.join(problems)}.", "GDPR 17", "file")
    states = "; ".join(f"{place['place']}: {place['meaning']} ({place['state']})" for place in document["places"])
    head = document["log"]["head"]
    by = "" if key_hex else " Its own key was believed, since the store has none."
    text = (
        f"Request {document['request']} is {document['status']}, issued {moment(document['issued_at'])}. {states}. "
        f"Entry {document['log']['entry']['index']} of log {head['origin']}, proof checked.{by}"
    )
    return Fact(path.name, text, "GDPR 17", "signed certificate")


def _logged(evidence: Evidence, origin: str) -> dict[str, Located]:
    view = evidence.logs.view(origin)
    entries = view.of(ATTACK) if view is not None else ()
    return {str(entry.body.get("name")): (origin, entry) for entry in entries}


def _attack(evidence: Evidence, run: RunFiles, found: Located | None, result: Mapping[str, Any]) -> Attack:
    unit = str(result.get("unit", ""))

    def number(name: str, unit: str = unit) -> Any:
        known = found is not None and name in found[1].body
        return evidence.field(found if known else None, name, unit, expected=result.get(name))

    words = attack_words(result)
    if found is not None and attack_words(found[1].body) != words:
        evidence.problems.append(
            f"{run.origin}: entry {found[1].index} logged the attack {result.get('name')} with "
            "another outcome, statement or control than the stored result says"
        )
    return Attack(
        name=str(result.get("name", "")),
        run=run.id[:8],
        estimate=number("estimate"),
        lo=number("lo"),
        hi=number("hi"),
        ceiling=number("ceiling"),
        n=number("n", "count"),
        outcome=words["outcome"],
        statement=words["statement"],
        control=tuple(words["control"]),
    )


def attack_words(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of an attack in words, from a stored result or from its log entry."""
    control = result.get("control") or {}
    missed = "The planted leak was NOT found, so finding nothing would mean nothing"
    fired = "The planted leak was found" if control.get("fired") else missed
    return {
        "outcome": str(result.get("outcome", "inconclusive")),
        "statement": str(result.get("statement", "")),
        "control": [f"{fired} ({control.get('name', 'no control')})."],
    }
