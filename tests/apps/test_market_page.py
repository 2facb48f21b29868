"""The page Market, rerun as Streamlit reruns it, on markets small enough for a test."""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.market import live as market_live
from apps.market import map as market_map
from apps.market.check import OWN
from apps.market.live import LABELS, Choice, run_markets
from apps.market.map import map_finding, map_table
from apps.market.upload import zipped
from apps.market.verdicts import power_beside
from privacy.rules import Power, Verdict
from retail.market_log import MarketLog
from simulation.market import MarketSettings, simulate
from simulation.store.intervals import paired

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"
SMALL = {"merchants": 12, "products": 48, "consumers": 300}
CHECK = "Check a ranking log"


@pytest.fixture(scope="module")
def logs():
    """Logs of markets: one with a strong bonus, one without; large enough for a verdict."""
    strong = MarketSettings(bonus=3.0)
    runs = {"favours": (strong, "self_preferencing"), "neutral": (strong, "firewall")}
    return {
        name: simulate(settings, regime, seed=2, periods=30, record="list").log()
        for name, (settings, regime) in runs.items()
    }


@pytest.fixture
def visit(tmp_path, monkeypatch):
    """Open the page at an address; markets are small."""
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "nothing"))
    monkeypatch.setattr(market_live, "MARKET", dict(SMALL))
    monkeypatch.setattr(market_live, "PERIODS", 10)
    st.cache_data.clear()
    st.cache_resource.clear()

    def open_page(**address):
        app = AppTest.from_file(MAIN, default_timeout=120)
        for name, value in address.items():
            app.query_params[name] = value
        app.switch_page("app_pages/market.py")
        app.run()
        assert not app.exception
        return app

    return open_page


def texts(app):
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def title(app):
    return app.title[0].value.replace("\\", "")


def press(app, label):
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception
    return app


def table(app, column):
    return next(one.value for one in app.dataframe if column in one.value)


def test_the_first_sight_says_what_a_firewall_does_to_a_small_shop_with_its_interval(visit):
    app = visit()
    assert title(app).startswith("Firewall, pooled for merchants: ")
    assert "small shop" in title(app)
    assert "[" in title(app)
    assert "on 8 simulated markets of 300 consumers and 12 merchants" in texts(app)
    assert [one.label for one in app.metric] == ["A small shop", "Consumers", "Merchants", "Platform"]
    figures = table(app, "Difference")
    assert {"Consumers", "A large one", "HHI"} <= set(figures["Figure"])
    assert set(figures["Verdict"]) <= {"more", "less", "cannot be told", "no change", "no figure"}


def test_what_a_title_claims_is_what_its_interval_allows(visit):
    for size in ("small", "medium", "large"):
        app = visit(market_size=size)
        lo, hi = (float(one) for one in app.metric[0].delta.strip("[]").split(","))
        said = title(app)
        assert ("cannot be told" in said) == (lo <= 0 <= hi)
        assert ("gains" in said) == (lo > 0)
        assert ("loses" in said) == (hi < 0)


def test_more_markets_are_added_to_those_that_ran_and_another_choice_starts_anew(visit, monkeypatch):
    app = visit()
    ran = []
    true = market_live.simulate
    monkeypatch.setattr(
        market_live, "simulate", lambda *given, **named: ran.append(named["seed"]) or true(*given, **named)
    )
    press(app, "8 more markets")
    assert sorted(set(ran)) == list(range(8, 16))
    assert "on 16 simulated markets" in texts(app)
    app.selectbox(key="market_regime").set_value("pooled").run()
    assert not app.exception
    assert "on 8 simulated markets" in texts(app)


def test_the_reference_is_not_compared_with_itself(visit):
    app = visit()
    app.selectbox(key="market_regime").set_value("isolated").run()
    assert not app.exception
    assert "what other rules are compared with" in title(app)
    assert "a period either way" in texts(app)
    assert not app.metric


def test_rules_that_change_nothing_say_so(visit):
    app = visit()
    app.selectbox(key="market_regime").set_value("isolated").run()
    app.get_by_key("market_remedies").set_value(["Non-discrimination"]).run()
    assert not app.exception
    assert "nothing changes" in title(app)


def test_a_fee_cap_is_read_and_named(visit):
    app = visit()
    app.get_by_key("market_remedies").set_value(["Fee cap", "Delayed access"]).run()
    app.number_input(key="market_cap").set_value(5).run()
    assert not app.exception
    assert title(app).startswith("Firewall, pooled for merchants; fee at most 5%; access 10 periods later: ")
    figures = table(app, "Difference").set_index("Figure")
    assert figures.loc["fee", "Firewall, pooled for merchants; fee at most 5%; access 10 periods later"].startswith(
        "0.050"
    )


@pytest.mark.slow
@pytest.mark.parametrize("regime", list(market_live.LABELS))
def test_every_regime_runs_with_and_without_separation(visit, regime):
    app = visit()
    app.selectbox(key="market_regime").set_value(regime).run()
    assert not app.exception
    assert not app.error
    app.get_by_key("market_remedies").set_value(["Structural separation"]).run()
    assert not app.exception
    assert "there is no map" in texts(app)


def test_the_bonus_can_be_moved_only_where_the_ranking_reads_one(visit):
    app = visit()
    assert app.slider(key="market_bonus").disabled
    assert "Greyed out (bonus): under this regime the ranking adds no bonus to anybody." in texts(app)
    app.selectbox(key="market_regime").set_value("self_preferencing").run()
    assert not app.slider(key="market_bonus").disabled
    assert "Greyed out" not in texts(app)
    app.slider(key="market_bonus").set_value(4.0).run()
    assert not app.exception
    app.selectbox(key="market_regime").set_value("affiliated_stores").run()
    assert app.slider(key="market_quality").disabled
    assert "Greyed out (quality): under this regime the platform sells no own label." in texts(app)


def test_the_map_is_drawn_on_a_click_for_any_side_and_reference(visit, monkeypatch):
    monkeypatch.setattr(market_map, "QUALITIES", (-1.5, 0.5))
    monkeypatch.setattr(market_map, "BONUSES", (1.0, 4.0))
    app = visit()
    assert "Draw the map" in [one.label for one in app.button]
    assert "cells" not in texts(app)
    press(app, "Draw the map")
    assert "of 4 cells" in texts(app)
    assert "this map takes Firewall, own label ranked up" in texts(app)
    app.selectbox(key="map_against").set_value("Marketplace only").run()
    app.get_by_key("map_side").set_value("Platform").run()
    assert not app.exception
    assert "Platform" in app.subheader[0].value
    assert list(table(app, "Quality")["Quality"]) == [0.5, -1.5]
    app.slider(key="market_quality").set_value(0.0).run()
    assert "of 4 cells" in texts(app)  # the quality that was chosen above is not the map's
    app.get_by_key("market_remedies").set_value(["Fee cap"]).run()
    assert "of 4 cells" not in texts(app)


def test_a_cell_without_a_bonus_equals_its_reference(monkeypatch):
    monkeypatch.setattr(market_live, "MARKET", dict(SMALL))
    monkeypatch.setattr(market_live, "PERIODS", 6)
    monkeypatch.setattr(market_map, "QUALITIES", (-0.5,))
    monkeypatch.setattr(market_map, "BONUSES", (0.0,))
    base = Choice("self_preferencing", 0.9, -0.7)
    cells = [Choice("self_preferencing", 0.0, -0.5)]
    tables = dict(zip(cells, run_markets(cells, range(2), lambda share, text: None), strict=True))
    found = map_table(base, tables, "welfare", "")
    assert found["value"].tolist() == [0.0]
    assert map_finding(found, "Consumers") == "Consumers: in none of 1 cells can it be told"


def checked(visit, source):
    return visit(market_part=CHECK, market_log_from=source)


def audited(app):
    return press(app, "Audit")


def uploaded(visit, *files):
    app = checked(visit, OWN)
    app.file_uploader(key="market_files").set_value(list(files)).run()
    assert not app.exception
    return app


def packed(log, name="log.zip"):
    return (name, zipped(log), "application/zip")


def csv(frame, name="impressions.csv"):
    return (name, frame.to_csv(index=False).encode(), "text/csv")


def test_without_a_log_the_page_says_what_it_needs(visit):
    app = checked(visit, OWN)
    assert "Choose the table `impressions` at least" in texts(app)
    assert "impressions" in app.table[0].value["Table"].tolist()


@pytest.mark.parametrize(
    "source", [pytest.param("Example: firewall", marks=pytest.mark.slow), "Example: own label ranked up"]
)
def test_an_example_is_audited_and_can_be_downloaded(visit, source):
    app = checked(visit, source)
    assert "no real platform" in texts(app)
    press(app, "Pack it for download")
    audited(app)
    assert "Verdicts" in texts(app)
    assert len(table(app, "Verdict")) >= 1
    labels = [one.proto.label for one in app.get("download_button")]
    assert labels == ["Download the log (ZIP of CSV)", "Download the report", "Download as JSON"]


def test_a_ranking_that_favours_own_goods_is_a_breach_with_its_tipping_point(visit, logs):
    app = uploaded(visit, packed(logs["favours"]))
    app.get_by_key("market_rules").set_value(["ranking"]).run()
    audited(app)
    assert title(app) == "1 of 1 rules breached: ranking neutrality"
    assert app.metric[0].label == "Would explain the estimate"
    assert "asked in other ways" in texts(app)
    ways = next(one.value for one in app.table if "Specification" in one.value)
    assert ways["Specification"].iloc[0] == "declared"


def test_the_power_of_a_log_goes_with_its_verdict_and_needs_an_effect_beyond_the_margin(visit, logs):
    table = logs["favours"].impressions
    app = uploaded(visit, csv(table[table["list"].isin(table["list"].unique()[:60])]))
    audited(app)
    said = next(one.value for one in app.markdown if "Power of" in one.value).replace("\\", "")
    assert "A true effect of 0.2 would be found with power" in said
    assert "queries give 0.9" in said
    app.number_input(key="effect_ranking").set_value(0.0).run()
    assert "Power of" not in texts(app)  # another effect was declared, so the verdict is gone
    audited(app)
    assert "no number of queries gives 0.9" in texts(app)
    app.toggle(key="market_unlogged").set_value(True).run()
    audited(app)
    assert "Power of" not in texts(app)  # nothing is ever called a breach, so none is found


def test_a_neutral_ranking_is_no_breach(visit, logs):
    app = uploaded(visit, packed(logs["neutral"]))
    app.get_by_key("market_rules").set_value(["ranking"]).run()
    audited(app)
    assert "breached" not in title(app)
    assert title(app).endswith("which is no proof that there is none")
    said = next(one.value for one in app.subheader if "no evidence" in one.value).replace("\\", "")
    assert "green" not in said
    assert "power 0." in said or "power 1." in said


def test_no_evidence_stands_beside_its_power_or_why_that_is_not_known():
    targeting = Verdict("targeting", "no_evidence", "", 0.05, -0.34, 0.44, "share", 0.05, 0.4, 12, "periods")
    assert power_beside(targeting, None).startswith("power not known, because one log does not tell")
    data = dataclasses.replace(targeting, rule="data")
    assert "only rows were read" in power_beside(data, None)
    power = Power("data", 0.2, 40, "imitated products", 0.64, 90, 0.9, 0.05, 0.05, "")
    assert power_beside(dataclasses.replace(data, statistical=data), power) == "power 0.64 for a true effect of 0.2"


def test_quality_that_is_not_logged_makes_the_verdict_inconclusive(visit, logs):
    app = uploaded(visit, packed(logs["favours"]))
    app.get_by_key("market_rules").set_value(["ranking"]).run()
    app.toggle(key="market_unlogged").set_value(True).run()
    audited(app)
    assert title(app) == "Inconclusive: this log cannot tell about ranking neutrality"
    assert "a breach cannot be told from better products" in texts(app)


def test_a_verdict_is_gone_once_something_else_is_declared(visit, logs):
    app = uploaded(visit, csv(logs["favours"].impressions))
    audited(app)
    assert "Verdicts" in texts(app)
    app.get_by_key("market_qualities").set_value(["price"]).run()
    assert "Verdicts" not in texts(app)
    assert "Decide first, then look" in texts(app)


def test_only_rules_whose_tables_are_there_are_offered(visit, logs):
    app = uploaded(visit, csv(logs["favours"].impressions))
    assert app.get_by_key("market_rules").value == ["ranking"]
    assert "Not asked, as their tables are missing" in texts(app)
    app.get_by_key("market_rules").set_value([]).run()
    assert "Choose at least one rule" in texts(app)


def test_tables_that_no_rule_reads_say_so(visit, logs):
    app = uploaded(visit, csv(logs["favours"].sales, "sales.csv"))
    assert "not enough for any rule" in texts(app)
    assert "Audit" not in [one.label for one in app.button]


def test_a_mistake_in_a_table_is_one_message(visit, logs):
    broken = logs["favours"].impressions.assign(position=lambda frame: frame["position"] - 1)
    app = uploaded(visit, csv(broken))
    assert len(app.error) == 1
    assert "counts from 1" in app.error[0].value
    assert "Audit" not in [one.label for one in app.button]


def test_lists_of_one_product_are_inconclusive_with_the_reason(visit):
    rows = [{"list": at, "period": 0, "position": 1, "product": at, "seller": 1, "own": at % 2 == 0, "price": 1.0}
            for at in range(30)]  # fmt: skip
    app = audited(uploaded(visit, csv(pd.DataFrame(rows))))
    assert title(app).startswith("Inconclusive")
    assert "No list holds own and other products" in texts(app)


def test_a_read_that_no_rule_allows_is_a_breach_and_the_row_is_shown(visit):
    reads = pd.DataFrame(
        {"period": [0, 1], "actor": ["marketplace", "platform_retail"], "owner": ["m1", "m2"], "data": ["orders"] * 2,
         "columns": ["units", "profit"], "purpose": ["ranking", "own_label_development"], "allowed": [True, True]}
    )  # fmt: skip
    app = audited(uploaded(visit, csv(reads, "reads.csv")))
    assert title(app) == "1 of 1 rules breached: use of non-public data"
    assert "1 row of the log: the proof" in "\n".join(one.label for one in app.expander)
    assert table(app, "owner")["owner"].tolist() == ["m2"]


def test_nothing_that_was_uploaded_stays_on_the_disk(visit, logs, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    app = uploaded(visit, packed(MarketLog(impressions=logs["favours"].impressions)))
    audited(app)
    uploaded(visit, csv(pd.DataFrame({"list": [1]})))
    assert list(place.iterdir()) == []


@pytest.mark.slow
def test_whoever_adds_markets_until_a_difference_is_clear_is_wrong_in_less_than_5_percent_of_cases():
    rng = np.random.default_rng(5)
    names = [str(one) for one in range(1_500)]
    values = pd.DataFrame(rng.normal(size=(market_live.MOST, len(names))), columns=names)
    nothing = values * 0.0

    def ever_clear(level):
        found = set()
        for count in range(market_live.FIRST, market_live.MOST + 1, market_live.FIRST):
            for one in market_live.compared(values[:count], nothing[:count], names, "", level=level):
                if one.verdict in ("gains", "loses"):
                    found.add(one.metric)
        return len(found) / len(names)

    assert ever_clear(market_live.LOOK_LEVEL) < 0.05
    assert ever_clear(0.95) > 0.12, "looking again would do no harm, so nothing is tested"


def test_the_intervals_of_the_page_are_those_of_all_looks_and_it_says_so(visit):
    app = visit()
    assert "hold together with 95% at all 8 looks that the button allows (each is a 99.4% interval)" in texts(app)
    mine, base = run_markets((Choice("firewall", 0.7, -0.7), Choice("isolated", 0.7, -0.7)), range(8), lambda *told: 0)
    values = (mine["consumer_surplus"] - base["consumer_surplus"]).to_numpy()
    found = paired(values, level=1 - 0.05 / 8)
    consumers = next(one for one in app.metric if one.label == "Consumers")
    assert consumers.delta == f"[{found.lo:+.3f}, {found.hi:+.3f}]"


def test_the_address_keeps_what_the_map_shows(visit, monkeypatch):
    monkeypatch.setattr(market_map, "QUALITIES", (-1.0, 0.0))
    monkeypatch.setattr(market_map, "BONUSES", (1.0,))
    app = press(
        visit(market_regime="self_preferencing", map_markets="8", map_side="Platform", map_against=LABELS["pure"]),
        "Draw the map",
    )
    assert app.select_slider(key="map_markets").value == 8
    assert any(one.value.startswith("Platform") for one in app.subheader)
    assert f"against {LABELS['pure']}" in texts(app)


def test_an_id_of_the_own_label_arm_can_be_named_and_a_name_that_reads_nothing_is_told(visit):
    reads = pd.DataFrame(
        {"period": [0, 1], "actor": ["marketplace", "retail-arm"], "owner": ["m1", "m2"], "data": ["orders"] * 2,
         "columns": ["units", "profit"], "purpose": ["ranking", "own_label_development"], "allowed": [True, True]}
    )  # fmt: skip
    app = audited(uploaded(visit, csv(reads, "reads.csv")))
    assert "breached" not in title(app)
    app.text_input(key="market_own_arm").set_value("retail-arm, Retail-Arm").run()
    assert "No row of `reads` has the actor Retail-Arm" in texts(app)
    audited(app)
    assert title(app) == "1 of 1 rules breached: use of non-public data"
    assert "Declared: the own-label arm in reads is also retail-arm, Retail-Arm." in texts(app)


def test_a_log_without_reads_is_not_asked_for_the_own_label_arm(visit, logs):
    app = uploaded(visit, packed(MarketLog(impressions=logs["favours"].impressions)))
    assert not app.text_input
