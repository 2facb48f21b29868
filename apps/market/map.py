"""Where the sign turns: own label's quality against the bonus in the ranking, for one side of the market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pandas as pd
import streamlit as st

from apps.drawn_chart import show_chart
from apps.market import charts as market_charts
from apps.market import live as market_live
from apps.market import table as market_table
from apps.market import words as market_words
from apps.market.live import LABELS, Choice
from apps.plain_text import plain
from privacy.regimes import REGIMES

QUALITIES: Final = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0)
BONUSES: Final = (0.5, 1.0, 2.0, 4.0)
_KEPT: Final = "market_map"
NO_BONUS: Final = "The same rules without the bonus"
_NEEDLESS: Final = ("non_discrimination", "structural_separation")

Tables = Mapping[Choice, pd.DataFrame]


def show_map(choice: Choice, size: str) -> None:
    """Offer the map for the chosen rules, run it on a click, and show it for a side and a reference.

    Args:
        choice: the rules.
        size: of the user's shop.
    """
    st.header("Where the sign turns")
    if any(name in _NEEDLESS for name, _ in choice.remedies):
        st.info("With non-discrimination or structural separation no own good is ranked up, so there is no map.")
        return
    found = REGIMES[choice.regime]
    regime = choice.regime if found.own_label_bonus and found.own_label else "self_preferencing"
    base = replace(choice, regime=regime)
    other = (
        ""
        if regime == choice.regime
        else f" The chosen regime has no own label that it ranks up; this map takes {LABELS[regime]}."
    )
    st.markdown(
        "Whether ranking the own label up helps consumers or hurts them depends on how good it is. The map runs "
        f"{len(QUALITIES)} qualities times {len(BONUSES)} bonuses.{other}"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        markets = st.select_slider(
            "Markets for each cell", [4, 8, 16], value=4, key="map_markets", bind="query-params", width=220
        )
        go = st.button("Draw the map", type="primary", icon=":material/grid_on:")
    key = (replace(base, bonus=0.0, quality=0.0), markets, *market_live.MARKET.values())
    if go:
        bar = st.progress(0.0, "Markets run")
        choices = _cells(base)
        tables = market_live.run_markets(choices, range(markets), bar.progress)
        bar.empty()
        st.session_state[_KEPT] = (key, dict(zip(choices, tables, strict=True)))
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != key:
        runs = len(_cells(base)) * markets
        st.caption(
            f"{runs} markets, some {max(1, round(runs * 0.2 / 10)) * 10} seconds. A change above stops it; what has "
            "run is kept."
        )
        return
    _drawn(base, kept[1], size)


def _drawn(base: Choice, tables: Tables, size: str) -> None:
    references = {NO_BONUS: "", LABELS["isolated"]: "isolated", LABELS["pure"]: "pure"}
    sides = {
        "Consumers": "consumer_surplus",
        f"A {size} shop": f"merchant_surplus_{size}",
        "Platform": "platform_profit",
        "All together": "welfare",
    }
    with st.container(horizontal=True):
        side = str(
            st.segmented_control(
                "Who", list(sides), default="Consumers", required=True, key="map_side", bind="query-params", wrap=True
            )
        )
        against = st.selectbox("Against", list(references), key="map_against", bind="query-params", width=320)
    table = map_table(base, tables, sides.get(side, "consumer_surplus"), references[against])
    st.subheader(plain(map_finding(table, side)))
    show_chart(
        market_charts.sign_map,
        table,
        side=side,
        alt=f"{side}: gains, loses or cannot be told, by own label's quality and bonus. {map_finding(table, side)}",
    )
    said = plain(against[:1].lower() + against[1:]) if against == NO_BONUS else plain(against)
    unit = "a period" if "shop" in side else "an arrival"
    st.caption(
        f"{base.label}, against {said}; money {unit}. Each cell has its own 95% interval: of 20 cells in "
        "which nothing differs, one would be coloured."
    )
    with st.expander("The same figures as a table"):
        wide = table.pivot(index="quality", columns="bonus", values="Text").sort_index(ascending=False)
        wide.columns = [f"Bonus {one:g}" for one in wide.columns]
        st.dataframe(
            wide.reset_index().rename(columns={"quality": "Quality"}), hide_index=True, height="content",
            alt=f"{side}: difference with 95% interval for each quality and bonus",
        )  # fmt: skip


def map_table(base: Choice, tables: Tables, metric: str, reference: str) -> pd.DataFrame:
    """One row for each cell: quality, bonus, value, Verdict, Text.

    Args:
        base: the rules.
        tables: figures by seed of every choice that `_cells` lists.
        metric: the figure.
        reference: a regime; empty for the same rules without the bonus.
    """
    rows = []
    for quality in QUALITIES:
        other = replace(base, bonus=0.0, quality=quality)
        if reference:
            other = Choice(reference, 0.0, QUALITIES[0] if reference == "pure" else quality)
        for bonus in BONUSES:
            mine = tables[replace(base, bonus=bonus, quality=quality)]
            one = market_live.compared(mine, tables[other], (metric,), "")[0]
            text = market_table.written(metric, one.values, signed=True)
            rows.append(
                {"quality": quality, "bonus": bonus, "value": one.values[0], "Verdict": one.verdict, "Text": text}
            )
    return pd.DataFrame(rows)


def map_finding(table: pd.DataFrame, side: str) -> str:
    """Say where a side gains and where it loses."""
    noun = side[:1].upper() + side[1:]
    several = noun in ("Consumers", "All together")
    parts = []
    for word, verb in (("gains", "gain"), ("loses", "lose")):
        mine = table[table["Verdict"] == word]
        if len(mine):
            qualities = sorted(set(mine["quality"]))
            where = (
                f"at quality {qualities[0]:g} to {qualities[-1]:g}"
                if len(qualities) > 1
                else f"at quality {qualities[0]:g}"
            )
            parts.append(f"{verb if several else word} in {len(mine)} of {len(table)} cells, {where}")
    if not parts:
        return f"{noun}: in none of {len(table)} cells can it be told"
    return f"{noun} {market_words.joined(parts)}"


def _cells(base: Choice) -> list[Choice]:
    """List the choices of the map and of its references."""
    cells = [replace(base, bonus=bonus, quality=quality) for quality in QUALITIES for bonus in (0.0, *BONUSES)]
    isolated = [Choice("isolated", 0.0, quality) for quality in QUALITIES]
    return [*cells, *isolated, Choice("pure", 0.0, QUALITIES[0])]
