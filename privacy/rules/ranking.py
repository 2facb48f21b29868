"""Ranking neutrality: at equal logged quality, own products stand no higher than others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from privacy.policy import Decision, Request
from privacy.rules.design import RANKING, Design, Plan
from privacy.rules.ordered_logit import Lists
from privacy.rules.ranked_lists import RankedLists, ranked_lists, with_columns
from privacy.rules.ranking_power import ranking_power
from privacy.rules.rule import Enforced, Power, Tables, ask
from privacy.rules.score_bootstrap import Estimate, first_effect
from privacy.rules.verdict import Outcome, Specification, Tipping, Verdict, counted, inconclusive
from retail.errors import ConfigError
from retail.market_log import MarketLog
from retail.market_log import columns as m

UNIT: Final = "log-odds"
_QUERIES: Final = "queries"
_ARTICLE: Final = "DMA Art. 6(5)"


@dataclass(frozen=True, slots=True)
class RankingNeutrality(Enforced):
    """The rule.

    Attributes:
        may_favour: the regime lets a ranking favour own products (`Regime.own_label_bonus` above 0).
    """

    name: ClassVar[str] = RANKING
    needs: ClassVar[Tables] = (("impressions",),)
    may_favour: bool = False

    def permits(self, request: Request) -> Decision:
        """Answer by the policies; besides, no ranking reads who owns a product, unless the regime lets it."""
        decision = ask(self.engine, request, rule=self.name)
        named = [one for one in (m.OWN, m.SELLER) if one in request.columns]
        if not decision.allowed or self.may_favour or request.purpose != "ranking" or not named:
            return decision
        text = f"Denied by ranking-own-flag ({_ARTICLE}): a ranking does not read {' or '.join(named)}."
        return Decision(False, "ranking-own-flag", _ARTICLE, text)

    def audit(self, log: MarketLog, design: Design) -> Verdict:
        """Explain positions by the own flag and logged quality, within lists, clustered by query.

        Raises: ConfigError: no table of impressions, or an unknown quality.
        """
        if log.impressions is None:
            raise ConfigError("the ranking rule needs the table impressions; add it to the log")
        names = log.qualities if design.qualities is None else design.qualities
        ranked = ranked_lists(log.impressions, names)
        margin = design.margin(RANKING)
        clusters = ranked.lists.clusters
        seen = (
            ("lists in the log", ranked.all_lists),
            ("lists with own and other products", len(ranked.lists.weight)),
            ("lists of one product", ranked.alone),
            ("lists all own or all other", ranked.unmixed),
            ("lists with gaps in their positions", ranked.gaps),
            ("products in these that could have been listed and were not", ranked.unshown),
            ("places explained, from the first", design.places(ranked.lists.longest)),
        )
        why = _cannot_tell(ranked, design)
        if why:
            why = f"{why} {_gaps(ranked)}".strip()
            return inconclusive(RANKING, why, unit=UNIT, margin=margin, n=clusters, n_unit=_QUERIES, rows=seen)
        found = _estimate(ranked.lists, design)
        tipping = Tipping(
            max(found.effect - margin, 0.0),
            max(found.bound - margin, 0.0),
            float(np.abs(found.others).max()) if len(found.others) else None,
        )
        hidden = design.unlogged or not ranked.qualities
        outcome: Outcome = "inconclusive" if hidden else "breach" if found.p <= design.alpha else "no_evidence"
        return Verdict(
            RANKING,
            outcome,
            _reason(found, tipping, ranked, design),
            found.effect,
            found.lo,
            found.hi,
            UNIT,
            margin,
            found.p,
            clusters,
            _QUERIES,
            observations=seen,
            tipping=tipping,
            curve=_curve(ranked, found, design),
            besides=_besides(ranked, design),
        )

    def power(self, design: Design, effect: float, plan: Plan) -> Power:
        """Work out the chance to find a bonus of `effect` log-odds with `plan.n` queries."""
        return ranking_power(design, effect, plan)


def _estimate(lists: Lists, design: Design, *, depth: int | None = None) -> Estimate:
    return first_effect(
        lists,
        margin=design.margin(RANKING),
        alpha=design.alpha,
        few=design.few,
        resamples=design.resamples,
        rng=np.random.default_rng(design.seed),
        depth=design.depth if depth is None else depth,
    )


def _cannot_tell(ranked: RankedLists, design: Design) -> str:
    if not len(ranked.lists.weight):
        return "No list holds own and other products, so nothing can be compared."
    if ranked.own_is_quality:
        return (
            f"The logged quality ({', '.join(ranked.qualities)}) tells own products from others without fail, so its "
            "effect and that of ownership cannot be told apart."
        )
    clusters = ranked.lists.clusters
    if clusters < design.least:
        return (
            f"Own and other products meet in the lists of {counted(clusters, 'queries')}, and fewer than "
            f"{design.least} say too little; log more queries."
        )
    return ""


def _reason(found: Estimate, tipping: Tipping, ranked: RankedLists, design: Design) -> str:
    margin = design.margin(RANKING)
    quality = f"At equal {', '.join(ranked.qualities)}" if ranked.qualities else "With no quality logged"
    parts = []
    if found.separated:
        parts.append("Own flag and quality order the lists (almost) without exception, so no finite estimate exists.")
        parts.append(
            f"At equal quality own products stand higher beyond chance, by {found.lo:.3g} log-odds at least."
            if found.p <= design.alpha
            else f"The test, which needs none, finds no more than the margin of {margin:g} beyond chance."
        )
    elif found.p <= design.alpha:
        parts.append(
            f"{quality} own products stand higher than others by {found.effect:.3g} log-odds, more than the margin of "
            f"{margin:g} beyond chance."
        )
        parts.append(
            f"A quality that is not logged, on which own products are 1 SD better, would explain the estimate if it "
            f"moved places by {tipping.estimate:.2g} log-odds for each SD, and the verdict at {tipping.verdict:.2g}"
            + (f" (the strongest logged one: {tipping.strongest:.2g})." if tipping.strongest is not None else ".")
        )
    else:
        side = "higher" if found.effect >= 0 else "lower"
        parts.append(
            f"{quality} own products stand {abs(found.effect):.3g} log-odds {side}, not above the margin of {margin:g} "
            f"beyond chance; up to {found.hi:.3g} remains possible."
        )
    return " ".join([*parts, _besides(ranked, design)]).strip()


def _besides(ranked: RankedLists, design: Design) -> str:
    """Say what the verdict rests on, whatever its figures."""
    parts = []
    if design.unlogged or not ranked.qualities:
        missing = "the ranking uses quality that is not logged" if design.unlogged else "no quality is logged"
        parts.append(
            f"Because {missing}, a breach cannot be told from better products, and worse own products could hide one."
        )
    if ranked.dropped:
        parts.append(f"Not used, constant within lists or made up of others: {', '.join(ranked.dropped)}.")
    parts.append(_gaps(ranked))
    return " ".join(parts).strip()


def _gaps(ranked: RankedLists) -> str:
    """Say how many lists are read as if places that no row has did not exist, and when that is right."""
    if not ranked.gaps:
        return ""
    return (
        f"Positions have gaps in {ranked.gaps:,} of {counted(ranked.all_lists, 'lists')}, read as if closed up. That "
        "is right where the ranking did not choose what stood there (such as an advertisement), or where it would be "
        "missing at any place; it can bias the estimate where products are missing because of their place."
    )


def _curve(ranked: RankedLists, found: Estimate, design: Design) -> tuple[Specification, ...]:
    rows = [_row("declared", found)]
    names = ranked.qualities
    for at, name in enumerate(names):
        others = [0, *(1 + other for other in range(len(names)) if other != at)]
        rows.append(_row(f"without {name}", _estimate(ranked.lists.take(others), design)))
    if names:
        if len(names) > 1:
            rows.append(_row("without any quality", _estimate(ranked.lists.take([0]), design)))
        z = ranked.lists.x[:, :, 1:]
        rows.append(_row("with squares", _estimate(with_columns(ranked, np.concatenate([z, z**2], axis=2)), design)))
        positive = (ranked.raw[ranked.lists.there] > 0).all(axis=0)
        if positive.any():
            logs = np.where(ranked.lists.there[:, :, None], ranked.raw, 1.0)
            logs = np.where(positive, np.log(np.where(positive, logs, 1.0)), logs)
            rows.append(_row("logarithms", _estimate(with_columns(ranked, logs), design)))
    for depth in (1, 3):
        if ranked.lists.longest > depth + 1:
            what = "first place alone" if depth == 1 else f"first {depth} places alone"
            rows.append(_row(what, _estimate(ranked.lists, design, depth=depth)))
    places = ranked.lists.longest
    if design.places(places) < places:
        rows.append(_row("every place", _estimate(ranked.lists, design, depth=places)))
    if ranked.unshown:
        rows += _as_if_whole(ranked, design)
    if len(np.unique(ranked.lists.weight)) > 1:
        once = replace(ranked.lists, weight=np.ones(len(ranked.lists.weight)))
        rows.append(_row("each list once", _estimate(once, design)))
    rows += _halves(ranked, design)
    return tuple(rows)


def _halves(ranked: RankedLists, design: Design) -> list[Specification]:
    """The earlier and the later half of the periods, where each has queries enough."""
    middle = float(np.median(ranked.period))
    rows = []
    for name, part in (("earlier periods", ranked.period <= middle), ("later periods", ranked.period > middle)):
        lists = ranked.lists.part(part)
        if not part.all() and lists.clusters >= design.least:
            rows.append(_row(name, _estimate(lists, design)))
    return rows


def _as_if_whole(ranked: RankedLists, design: Design) -> list[Specification]:
    """What a log of the shown places alone would have said, which selection biases."""
    there = ranked.lists.stages(None)
    own = ranked.lists.x[:, :, 0] > 0
    mixed = np.asarray((own & there).any(axis=1) & (~own & there).any(axis=1), dtype=np.bool_)
    lists = replace(ranked.lists, there=there, length=None).part(mixed)
    if lists.clusters < design.least:
        return []
    lists = with_columns(replace(ranked, lists=lists), lists.x[:, :, 1:])
    return [_row("shown places alone", _estimate(lists, design))]


def _row(name: str, found: Estimate) -> Specification:
    return Specification(name, found.effect, found.lo, found.hi, found.p)
