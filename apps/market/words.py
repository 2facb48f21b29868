"""What markets show, in sentences: who gains and who loses, with intervals, and where that cannot be told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.market import table as market_table
from apps.market.table import Gain
from apps.plain_text import plain

MONEY: Final = "money an arrival"
UNIT_NOTE: Final = (
    "Money is in mean unit costs: a product costs 1 to make on average. An arrival is one consumer who comes once."
)
_NOUNS: Final = {
    "consumer_surplus": "consumers",
    "merchant_surplus": "merchants",
    "platform_profit": "the platform",
    "welfare": "all together",
    "merchant_surplus_small": "a small shop",
    "merchant_surplus_medium": "a medium shop",
    "merchant_surplus_large": "a large shop",
}
_ONE: Final = frozenset(
    {"platform_profit", "merchant_surplus_small", "merchant_surplus_medium", "merchant_surplus_large"}
)


def amount(one: Gain) -> str:
    """Write a gain or a loss without its sign, `0.065 [0.059, 0.072]`; a loss with the ends turned around."""
    value, lo, hi = one.values
    if value < 0:
        value, lo, hi = -value, -hi, -lo
    return market_table.written(one.metric, (value, lo, hi))


def clause(one: Gain) -> str:
    """Say what one side gets: `consumers gain 0.065 [0.059, 0.072]`."""
    noun = _noun(one)
    single = one.metric in _ONE
    if one.verdict == "gains":
        return f"{noun} {'gains' if single else 'gain'} {amount(one)}"
    if one.verdict == "loses":
        return f"{noun} {'loses' if single else 'lose'} {amount(one)}"
    if one.verdict == "no figure":
        return f"{noun} {'has' if single else 'have'} no figure"
    return f"for {noun} it cannot be told ({market_table.written(one.metric, one.values, signed=True)})"


def finding(label: str, gains: Sequence[Gain]) -> str:
    """Say in one sentence who gains and loses under a regime, with intervals; each verb once."""
    told = [one for one in gains if one.verdict != "no figure"]
    if not told:
        return f"{label}: nothing to compare with yet"
    parts = []
    for word in ("gains", "loses"):
        mine = [one for one in told if one.verdict == word]
        if mine:
            others = [f"{_noun(one)} {amount(one)}" for one in mine[1:]]
            parts.append(joined([clause(mine[0]), *others]))
    unsure = [f"{_noun(one)} ({market_table.written(one.metric, one.values, signed=True)})"
              for one in told if one.verdict == "cannot be told"]  # fmt: skip
    if unsure:
        parts.append(f"for {joined(unsure)} it cannot be told")
    return f"{label}: {'; '.join(parts)}"


def counted(gains: Sequence[Gain], metric: str) -> str:
    """Count under how many regimes a side gains, loses, or it cannot be told, and name those of a small group."""
    mine = [one for one in gains if one.metric == metric and one.verdict != "no figure"]
    single = metric in _ONE
    parts: list[str] = []
    for word, verb in (("gains", "gain"), ("loses", "lose")):
        found = [one for one in mine if one.verdict == word]
        if found:
            of = "" if parts else " regimes"
            names = _named([f"{one.label} {amount(one)}" for one in found])
            parts.append(f"{word if single else verb} under {len(found)} of {len(mine)}{of}{names}")
    unsure = [one for one in mine if one.verdict == "cannot be told"]
    told = f"{_start(metric)} {joined(parts)}" if parts else ""
    if not unsure:
        return f"{told}." if told else ""
    names = _named([f"{one.label} {market_table.written(metric, one.values, signed=True)}" for one in unsure])
    rest = f"under {len(unsure)} of {len(mine)} it cannot be told{names}"
    return f"{told}; {rest}." if told else f"{_start(metric)}: {rest}."


def signs_finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how many experiments show the sign that was expected, and which show the opposite."""
    verdicts = [str(row.get("verdict")) for row in rows if row.get("verdict")]
    judged = [one for one in verdicts if one != "reported"]
    if not judged:
        return f"{len(verdicts)} experiments, none with an expected sign" if verdicts else "Nothing was measured yet"
    shown = judged.count("shown")
    text = f"{shown} of {len(judged)} expected signs show beyond chance"
    wrong = judged.count("opposite")
    if wrong:
        text += f", {wrong} {'shows' if wrong == 1 else 'show'} the opposite"
    open_ones = verdicts.count("reported")
    return text + (
        f"; {open_ones} without an expected sign {'is' if open_ones == 1 else 'are'} reported" if open_ones else ""
    )


def percent_of(one: Gain, base: float) -> str:
    """Write a difference in percent of the reference's figure; empty where that is near 0 or below."""
    value, lo, hi = one.values
    if not base > 0 or math.isnan(value) or abs(value) > 10 * base:
        return ""
    text = f"{100 * value / base:+z.0f}%"
    return text if math.isnan(lo) else f"{text} [{100 * lo / base:+z.0f}, {100 * hi / base:+z.0f}]"


def plain_sentences(text: str) -> str:
    """Show sentences in a page as they are, word by word, since `plain` cuts a single long text from outside."""
    return " ".join(plain(word) for word in text.split(" "))


def joined(parts: Sequence[str]) -> str:
    """Join parts of a sentence with commas and `and`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _noun(one: Gain) -> str:
    return _NOUNS.get(one.metric, one.metric.replace("_", " "))


def _start(metric: str) -> str:
    noun = _NOUNS.get(metric, metric.replace("_", " "))
    return noun[:1].upper() + noun[1:]


def _named(names: Sequence[str]) -> str:
    """Name a few in brackets; nothing of many, since the chart shows them."""
    return f" ({'; '.join(names)})" if len(names) <= 2 else ""
