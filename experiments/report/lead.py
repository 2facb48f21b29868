"""The first page: what was released, under which promise, what failed, what is not covered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from experiments.logbook import RUN
from experiments.report.accounts import ROUND, RunFiles
from experiments.report.audits import breached
from experiments.report.evidence import Evidence
from experiments.report.model import Account, Attack, Figure, Promise, Summary, Verdict
from experiments.report.proven import Sentence
from experiments.report.replaying import DEFAULT_DENY
from experiments.store.scenario import StoreScenario
from privacy.access import schema as a

STORE: Final = StoreScenario.kind


def summary_of(
    evidence: Evidence,
    *,
    scenario: str,
    scope: str,
    runs: Sequence[RunFiles],
    failures: Sequence[Mapping[str, Any]],
    figures: Sequence[Figure],
    targets: Sequence[Figure],
    promises: Sequence[Promise],
    accounts: Sequence[Account],
    verdicts: Sequence[Verdict],
    attacks: Sequence[Attack],
    packs: Sequence[str],
    regimes: Sequence[str],
) -> Summary:
    """Return the summary; every number in it carries its proof."""
    origins = [run.origin for run in runs]
    return Summary(
        setting=_setting(runs, regimes, verdicts),
        released=_released(evidence, scenario, scope, runs, origins, figures),
        promise=_promise(runs, promises),
        failed=_failed(evidence, failures, targets, accounts, verdicts, attacks),
        not_covered=_not_covered(promises, figures, attacks, verdicts, packs),
    )


def about_stores(runs: Sequence[RunFiles]) -> bool:
    """Whether all runs simulate a store."""
    return bool(runs) and all(run.settings.get("kind") == STORE for run in runs)


def _setting(runs: Sequence[RunFiles], regimes: Sequence[str], verdicts: Sequence[Verdict]) -> str:
    """Say whether it is a simulation, under which regime and where, and whether a rule was broken."""
    if about_stores(runs):
        return (
            "A simulation of a store: its figures tell what the model's shoppers do, on as many simulated days as stand"
            " beside each, and nothing about a person."
        )
    modes = {str(run.settings.get("privacy", {}).get("mode", "")) for run in runs}
    places = dict.fromkeys(str(run.settings.get("policy", {}).get("jurisdiction", "none")) for run in runs)
    if modes == {"simulation"}:
        kind = "A simulation: noise comes from a seed and protects nobody; it shows what a deployment would give."
    elif "simulation" in modes:
        kind = "Simulations (noise from a seed, which protects nobody) beside deployments."
    else:
        kind = "A deployment: noise comes from the system's random source." if modes - {""} else "Nothing has run."
    law = ", ".join("no place (no law is switched on)" if place == "none" else place for place in places) or "no place"
    named = ", ".join(name for name in regimes if name) or "none"
    broken = [one.rule for one in verdicts if one.outcome == "fail"]
    judged = any(one.outcome == "pass" for one in verdicts)
    held = "No logged decision breaks a rule." if judged else "No rule could be tested."
    return f"{kind} Regime: {named}. Law of: {law}. {'Broken: ' + ', '.join(broken) + '.' if broken else held}"


def _released(
    evidence: Evidence,
    scenario: str,
    scope: str,
    runs: Sequence[RunFiles],
    origins: Sequence[str],
    figures: Sequence[Figure],
) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = []
    if scope == "scenario":
        logged = evidence.work_out(
            "distinct", [scenario], RUN, where={"run_id": [run.id for run in runs]}, field="run_id",
            words="number of finished runs whose head is in the scenario's log",
        )  # fmt: skip
        number = logged if logged.value == len(runs) else evidence.plain(len(runs), "count")
        arms = list(dict.fromkeys(str(run.record["arm"]) for run in runs))
        sentences.append(
            ("Finished runs: ", number, f", of {'the arms ' if arms[1:] else 'the arm '}{', '.join(arms)}.")
        )
    rounds = evidence.work_out("count", origins, ROUND, words="number of committed releases in the logs of all runs")
    if rounds.value:
        what = "Noisy sums that left the aggregator or a merchant, each paid for from a budget: "
        sentences.append((what, rounds, "."))
    sentences += _shared(evidence, runs)
    if any(figure.value.value is not None for figure in figures):
        sentences.append(("Measured figures, listed below. They are exact and were made for those who ran this.",))
    return tuple(sentences) or (("Nothing was released.",),)


def _shared(evidence: Evidence, runs: Sequence[RunFiles]) -> list[Sentence]:
    """Say what other parties than its owner got of data about people, as the access log has it."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for run in runs:
        view = evidence.logs.view(run.origin)
        for entry in view.of(a.KIND_OF_ENTRY) if view is not None else ():
            body = entry.body
            foreign = body.get(a.ACTOR) != body.get(a.OWNER) and body.get(a.ABOUT_PERSONS) is True
            if foreign and body.get(a.DECISION) == a.ALLOW and body.get(a.PUBLIC) is not True:
                key = tuple(str(body.get(name)) for name in (a.FORM, a.KIND, a.ROLE, a.PURPOSE))
                found.setdefault(key, {})[str(run.record["arm"])] = None
    sentences: list[Sentence] = []
    for (form, kind, role, purpose), arms in found.items():
        what = f"{_FORMS.get(form, 'Data')} about people ({kind})"
        sentences.append((f"{what} went to another party ({role}) for {purpose} in {_named(arms, runs)}.",))
    return sentences


def _named(arms: Iterable[str], runs: Sequence[RunFiles]) -> str:
    """Name arms; all of them, and more than a reader takes in, in few words."""
    names, every = list(arms), {str(run.record["arm"]) for run in runs}
    if len(every) > 1 and set(names) == every:
        return "every arm"
    return ", ".join(names) if len(names) <= _MOST_NAMED else f"{', '.join(names[:_MOST_NAMED])} and others"


_MOST_NAMED: Final = 4
_FORMS: Final = {"raw": "Raw rows", "aggregate": "Exact sums or models", "dp": "Sums or models with noise"}


def _promise(runs: Sequence[RunFiles], promises: Sequence[Promise]) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = [
        ("Epsilon ", one.epsilon, ", delta ", one.delta, f", for {_named(one.arms, runs)}: {_first(one.unit)}")
        for one in promises
    ]
    bare = dict.fromkeys(str(run.record["arm"]) for run in runs if not run.private)
    if bare:
        sentences.append((f"No promise at all for {_named(bare, runs)}.",))
    if promises:
        meaning = "The smaller epsilon, the less anybody can tell about one person. What it assumes stands below."
        sentences.append((meaning,))
    return tuple(sentences)


def _failed(
    evidence: Evidence,
    failures: Sequence[Mapping[str, Any]],
    targets: Sequence[Figure],
    accounts: Sequence[Account],
    verdicts: Sequence[Verdict],
    attacks: Sequence[Attack],
) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = []
    if evidence.problems:
        sentences.append(("The logs have problems, listed at the top: do not rely on numbers without a proof.",))
    for verdict in verdicts:
        if verdict.outcome == "fail":
            sentences.append((f"Rule {verdict.rule} ({verdict.article}) was broken. Breaches: ", verdict.breaches, "."))
    for account in accounts:
        spent, cap = account.spent.value, account.cap.value
        if spent is not None and cap is not None and spent > cap:
            over = f"Run {account.run} spent more than its budget: "
            sentences.append((over, account.spent, " of ", account.cap, "."))
    for attack in breached(attacks):
        sentences.append((f"Attack {attack.name} on run {attack.run} contradicts the promise: ", attack.lo, "."))
    for target in targets:
        if target.met == "missed":
            sentences.append((f"Target missed: {target.name} {target.condition}; measured ", target.value, "."))
    for record in failures:
        name = f"Run {record['run_id']} ({record.get('arm', 'unknown arm')})"
        state = "failed" if record["status"] == "failed" else "did not finish"
        if record["status"] == "refused":
            by = " by the policy" if record.get("error") == "PolicyError" else ""
            state = f"was refused{by}: {record.get('message', '')}".rstrip(".")
        sentences.append((f"{name} {state}.",))
    return tuple(sentences)


def _not_covered(
    promises: Sequence[Promise],
    figures: Sequence[Figure],
    attacks: Sequence[Attack],
    verdicts: Sequence[Verdict],
    packs: Sequence[str],
) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = [(one,) for one in dict.fromkeys(promise.not_covered for promise in promises)]
    if any(figure.value.value is not None for figure in figures):
        sentences.append(("The measured figures: they come from exact rows, and no budget pays for publishing them.",))
    if not attacks:
        sentences.append(("No attack was tried on these runs.",))
    untested = [one.rule for one in verdicts if one.outcome == "not tested" and one.rule != DEFAULT_DENY]
    if untested:
        more = " and more" if untested[6:] else ""
        sentences.append((f"Rules that could not be tested: {', '.join(untested[:6])}{more}.",))
    sentences.append((f"The law itself. The rules ({', '.join(packs)}) are modelled on articles and certify nothing.",))
    sentences.append(("Reads that did not go through the port: the log holds what went through it.",))
    return tuple(sentences)


def _first(unit: str) -> str:
    return unit[:1].lower() + unit[1:]
