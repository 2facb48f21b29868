"""The report of an audit that is handed on: what it says stands at its top, and nothing of a log is markup in it."""

from dataclasses import replace
from html import unescape

import numpy as np
import pandas as pd
import pytest

from apps.market.power import log_power, powers
from apps.market.report import document, html, markdown, power_text
from privacy.rules import Design, audit_market
from retail.market_log import MarketLog, check


@pytest.fixture(scope="module")
def log():
    """150 lists of five, of which one product is own and mostly near the top."""
    rng = np.random.default_rng(3)
    rows = []
    for at in range(150):
        score = rng.gumbel(size=5) + np.array([1.5, 0, 0, 0, 0])
        rows += [
            {"list": at, "period": at // 10, "position": place, "product": int(product), "seller": int(product),
             "own": bool(product == 0), "price": float(rng.normal(2, 0.2))}
            for place, product in enumerate(np.argsort(-score), start=1)
        ]  # fmt: skip
    return check(MarketLog(impressions=pd.DataFrame(rows)))


def test_a_report_begins_with_the_finding_and_holds_verdict_curve_and_power(log):
    verdicts = audit_market(log, Design(), ("ranking",))
    found = powers({"ranking": 0.2, "access": 0.2}, Design(), log, verdicts)
    assert found == [log_power("ranking", 0.2, Design(), log, verdicts)]
    content = document("<b>a log</b>", ["declared"], verdicts, found)
    page = unescape(html(content).decode())
    assert page.index("1 of 1 rules breached: ranking neutrality.") < page.index("<table>")
    assert f"[{verdicts[0].lo:.4g}, {verdicts[0].hi:.4g}]" in page
    assert all(one.name in page for one in verdicts[0].curve)
    assert power_text(found[0]) in page
    assert b"<b>a log" not in html(content)
    assert "**1 of 1 rules breached: ranking neutrality.**" in markdown(content).decode()


def test_a_breach_that_rows_prove_keeps_the_curve_of_the_audit_from_outside(log):
    (outside,) = audit_market(log, Design(), ("ranking",))
    page = html(document("a log", [], [replace(outside, curve=(), statistical=outside)], ())).decode()
    assert outside.curve
    assert all(one.name in page for one in outside.curve)
