"""The part "Choose rules" of the page Market: what rules do to a shop of some size, to consumers, to the platform."""

from __future__ import annotations

from typing import Final, Literal

import pandas as pd
import streamlit as st

from apps.drawn_chart import show_chart
from apps.market import charts as market_charts
from apps.market import live as market_live
from apps.market import table as market_table
from apps.market import words as market_words
from apps.market.live import FIRST, LABELS, LOOK_LEVEL, LOOKS, MOST, Choice, Remedies
from apps.market.map import show_map
from apps.plain_text import plain
from privacy.regimes import REGIMES
from simulation.market.parameters import PARAMETERS
from simulation.market.state import SIZES

_COUNT: Final = "market_count"
FEE_CAP, DELAY, NEUTRAL, SEPARATE = "Fee cap", "Delayed access", "Non-discrimination", "Structural separation"
_REMEDIES: Final = (FEE_CAP, DELAY, NEUTRAL, SEPARATE)
_SIDES: Final = ("consumer_surplus", "merchant_surplus", "platform_profit", "welfare")
_ELSE: Final = (*market_table.SIZES, *market_table.MARKET, "fee", "price_paid")


def choose_rules(title: st.delta_generator.DeltaGenerator) -> None:
    """Show controls, run markets, and say who gains.

    Args:
        title: a container above, which gets the finding; until then it says what is asked.
    """
    choice, size = _controls()
    key = (choice, *market_live.MARKET.values())
    if st.session_state.get(_COUNT, (None, 0))[0] != key:
        st.session_state[_COUNT] = (key, FIRST)
    count = int(st.session_state[_COUNT][1])
    label, against = choice.label, choice.reference.label
    heading = title.empty()
    heading.title(f"Who gains under {label}?")
    bar = st.progress(0.0, "Markets run")
    mine, base = market_live.run_markets((choice, choice.reference), range(count), bar.progress)
    bar.empty()
    shop = f"merchant_surplus_{size}"
    gains = market_live.compared(mine, base, (shop, *_SIDES), label, level=LOOK_LEVEL)
    same = all(one.values == (0.0, 0.0, 0.0) for one in gains)
    if choice == choice.reference:
        heading.title(f"{against}: what other rules are compared with")
    elif same:
        heading.title(f"{label}: nothing changes against {against}")
    else:
        heading.title(market_words.finding(label, gains[:1]))
    title.caption(
        f"A {size} shop's profit a period, against {against}, on {count} simulated markets of "
        f"{market_live.MARKET['consumers']:,} consumers and {market_live.MARKET['merchants']:,} merchants, which "
        f"are the same for both. Intervals over markets hold together with 95% at all {LOOKS} looks that the "
        f"button allows (each is a {100 * LOOK_LEVEL:.1f}% interval), so markets may be added until a difference "
        "is clear. They say how sure the model is of its mean, not how well it fits a real market."
    )
    if same:
        earned = _average(mine, shop)
        st.info(
            f"A {size} shop earns {earned} a period either way. Choose another regime or remedy to see a difference."
        )
    else:
        _cards(size, gains)
        st.markdown(_sentence(size, gains, base, mine))
    _more(key, count)
    if not same:
        st.header("Who gains and who loses")
        table = market_charts.gains_table(gains[1:])
        drawn = table[table["value"].notna()]
        show_chart(
            market_charts.gains,
            drawn,
            title=f"Difference, {market_words.MONEY}",
            alt=f"Differences from {against}: " + "; ".join(market_words.clause(one) for one in gains[1:]),
        )
        st.caption(f"{market_words.UNIT_NOTE} The three sides add up to all together.")
    _figures(mine, base, label, against)
    show_map(choice, size)


def _unread(*, bonus: bool, own_label: bool) -> str:
    """Say why a slider cannot be moved under a regime; empty where both can."""
    told = []
    if not bonus:
        told.append("the ranking adds no bonus to anybody")
    if not own_label:
        told.append("the platform sells no own label")
    which = {(False, True): "bonus", (True, False): "quality", (False, False): "bonus and quality"}
    return f"Greyed out ({which[bonus, own_label]}): under this regime {' and '.join(told)}." if told else ""


def _controls() -> tuple[Choice, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        regime = st.selectbox(
            "Regime", list(LABELS), index=list(LABELS).index("firewall"), key="market_regime", bind="query-params",
            format_func=LABELS.__getitem__, width=340,
        )  # fmt: skip
        size = st.segmented_control(
            "Your shop's size", SIZES, default=SIZES[0], required=True, key="market_size", bind="query-params",
            help="Small: the lower half of merchants by scale at the start; medium: the next four tenths; large: the "
            "top tenth.",
        )  # fmt: skip
    found = REGIMES[regime]
    st.caption(f"{plain(found.title[:1].upper() + found.title[1:])}.")
    with st.container(horizontal=True, gap="medium"):
        bonus = st.slider(
            "Bonus in the ranking, log-odds", 0.0, 4.0, PARAMETERS["bonus"].value, 0.1, key="market_bonus",
            bind="query-params", disabled=found.own_label_bonus == 0, width=300,
            help="What the ranking adds for the platform's own goods, or its affiliates'. Only regimes that rank them "
            "up read it.",
        )  # fmt: skip
        quality = st.slider(
            "Own label's quality", -1.5, 1.0, PARAMETERS["own_quality"].value, 0.1, key="market_quality",
            bind="query-params", disabled=not found.own_label, width=300,
            help="Its appeal less that of what it imitates, in utility; 0: as good. Holds for the reference too.",
        )  # fmt: skip
    unread = _unread(bonus=found.own_label_bonus != 0, own_label=found.own_label)
    if unread:
        st.caption(f"{unread} Choose another regime to move it.")
    chosen = st.pills(
        "Remedies", _REMEDIES, selection_mode="multi", key="market_remedies", bind="query-params", wrap=True,
        help="Fee cap: no higher fee. Delayed access: the platform sees sales later. Non-discrimination: one ranking "
        "and audience for all. Structural separation: the platform sells nothing and holds no stake.",
    )  # fmt: skip
    remedies: list[tuple[str, float | int | bool]] = []
    with st.container(horizontal=True):
        if FEE_CAP in chosen:
            cap = st.number_input("Fee at most, %", 0, 99, 10, key="market_cap", bind="query-params", width=180)
            remedies.append(("fee_cap", cap / 100))
        if DELAY in chosen:
            delay = st.number_input(
                "Access delayed by, periods", 1, 100, 10, key="market_delay", bind="query-params", width=220
            )
            remedies.append(("delayed_access", int(delay)))
    if NEUTRAL in chosen:
        remedies.append(("non_discrimination", True))
    if SEPARATE in chosen:
        remedies.append(("structural_separation", True))
    given: Remedies = tuple(remedies)
    usual = PARAMETERS["bonus"].value  # so that a bonus that nobody reads starts no new markets
    return Choice(regime, float(bonus) if found.own_label_bonus else usual, float(quality), given), str(size)


def _cards(size: str, gains: list[market_table.Gain]) -> None:
    """Show the shop's gain a period and those of the sides an arrival; arrow and colour say which are clear."""
    clear: dict[str, tuple[Literal["blue", "orange", "off"], Literal["up", "down", "off"]]] = {
        "gains": ("blue", "up"), "loses": ("orange", "down"), "": ("off", "off"),
    }  # fmt: skip
    with st.container(horizontal=True):
        for one in gains:
            if one.metric == "welfare":
                continue
            value, lo, hi = one.values
            colour, arrow = clear[one.verdict if one.verdict in clear else ""]
            st.metric(
                f"A {size} shop" if one is gains[0] else market_table.heading(one.metric),
                "-" if value != value else f"{value:+z.3f}",
                "no interval" if lo != lo else f"[{lo:+z.3f}, {hi:+z.3f}]",
                delta_color=colour, delta_arrow=arrow, width=168, border=True,
            )  # fmt: skip
    st.caption("The shop's profit a period, the others an arrival; grey: cannot be told, as the interval holds 0.")


def _sentence(size: str, gains: list[market_table.Gain], base: pd.DataFrame, mine: pd.DataFrame) -> str:
    """Say in plain words what happens to the shop and the others."""
    shop = gains[0]
    before, after = (market_live.average(table, shop.metric)[0] for table in (base, mine))
    share = market_words.percent_of(shop, before)
    if shop.verdict == "cannot be told":
        said = (
            f"Whether a {size} shop earns more or less cannot be told from these markets; more of them narrow it down"
        )
    else:
        word = "more" if shop.verdict == "gains" else "less"
        said = f"A {size} shop earns {word}: {after:.2f} a period in place of {before:.2f}"
        said += f" ({share})" if share else ""
    others = "; ".join(market_words.clause(one) for one in gains[1:4])
    refused, reads = int(mine["refused"].sum()), int(mine["reads"].sum())
    data = f" The rules refused {refused:,} of {reads:,} uses of merchants' data." if reads else ""
    return market_words.plain_sentences(f"{said}. Per arrival, {others}.{data}")


def _more(key: object, count: int) -> None:
    if count >= MOST:
        return

    def add() -> None:
        st.session_state[_COUNT] = (key, min(MOST, count + FIRST))

    st.button(f"{FIRST} more markets", icon=":material/add:", on_click=add, help="Narrower intervals.")


def _figures(mine: pd.DataFrame, base: pd.DataFrame, label: str, against: str) -> None:
    with st.expander("All figures as a table"):
        rows = []
        metrics = [one for one in (*_SIDES, *_ELSE) if one in mine]
        for one in market_live.compared(mine, base, metrics, label, level=LOOK_LEVEL):
            rows.append(
                {
                    "Figure": market_table.heading(one.metric),
                    "Difference": market_table.written(one.metric, one.values, signed=True),
                    "Verdict": "no change" if one.values == (0.0, 0.0, 0.0) else _neutral(one.verdict),
                    against: _average(base, one.metric),
                    label if label != against else "Chosen": _average(mine, one.metric),
                }
            )
        st.dataframe(
            pd.DataFrame(rows), hide_index=True, height="content",
            alt="Every figure: difference with its interval, and its level under both rules",
            column_config={"Figure": st.column_config.TextColumn(pinned=True, width=170)},
        )  # fmt: skip
        st.caption(f"{market_words.UNIT_NOTE} Merchants by size: a merchant and period.")


def _average(table: pd.DataFrame, metric: str) -> str:
    return market_table.written(metric, market_live.average(table, metric, level=LOOK_LEVEL))


def _neutral(verdict: str) -> str:
    """More of a figure such as HHI is no gain."""
    return {"gains": "more", "loses": "less"}.get(verdict, verdict)
