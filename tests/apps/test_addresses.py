"""What somebody chooses is in the address, which opened anew shows the same; what is left out has a reason here."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE

APPS = Path(__file__).parent.parent.parent / "apps"
WIDGETS = {
    "selectbox", "segmented_control", "multiselect", "pills", "slider", "select_slider", "number_input", "toggle",
    "checkbox", "radio", "text_input", "text_area",
}  # fmt: skip
UNBOUND = {
    "apps/app_pages/assistant.py": "customers, and money: in no address, which browsers and proxies keep",
    "apps/faces/pictures.py": "whose picture is shown to a camera",
    "apps/compliance/people_view.py": "people, and what is done to them",
    "apps/compliance/log.py": "what an auditor holds in the own hands",
    "apps/compliance/rule_form.py": "a form whose outcome is the table above it",
    "apps/compliance/rules_editor.py": "asked by a button, whose answer no address could show",
    "apps/research/arms_form.py": "a draft; the address has what it began with",
    "apps/research/editor.py": "a draft; the address has what it began with",
    "apps/research/field.py": "a draft; the address has what it began with",
    "apps/saved_files.py": "what a file is to be called",
    "apps/store/saved_variants.py": "which saved file is opened; the changes in it are in the address",
    "apps/store/what_if.py": "a change that is not added yet; added ones are in the address",
    "apps/market/check.py": "ids in a log of one's own",
}
"""Files with widgets that are in no address, and why."""


def test_every_choice_is_in_the_address_or_has_a_reason_not_to_be():
    found: dict[str, list[str]] = {}
    for path in sorted(APPS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in WIDGETS:
                keys = {one.arg: ast.unparse(one.value) for one in node.keywords}
                if "bind" not in keys and ast.unparse(node.func).startswith("st."):
                    found.setdefault(str(path.relative_to(APPS.parent)), []).append(keys.get("key", ""))
    assert set(found) == set(UNBOUND), found
    assert found["apps/market/check.py"] == ["'market_own_arm'"]


LINKS = {
    "results": {"scenario": "market", "metric": "Repeat", "against": "Pooled raw data"},
    "results of a sweep": {"scenario": "growing", "point": "data.shoppers = 400"},
    "compare": {"first": "market", "first_arm": "Federated", "second": "market", "second_arm": "Isolated stores"},
    "compare runs": {"first": "broken", "level": "Single runs"},
    "scenarios": {"bundled": "market-demo", "edit_as": "TOML"},
    "shoppers": {"scenario": "growing", "metric": "Total", "scale": "Share of pooled", "lines": ["Federated"]},
    "compliance": {
        "scenario": "market", "regime": "pooled", "action": "Sell", "place": "the EU", "who": "Merchant, a rival's",
        "form": "Exact sums",
    },
    "rules": {"rules_start": "BIPA (Illinois)", "rules_regime": "pooled"},
    "store": {
        "plan": "corner-shop", "part": "Search for a better layout", "shoppers": 60, "days": 8, "search_steps": 20,
        "search_fixed": ["dairy"], "search_swaps": False, "search_movable": ["till-1"], "search_reach": 5.0,
    },
    "store traces": {"plan": "corner-shop", "part": "Your own traces", "traces_what": "dwell"},
    "market": {
        "market_part": "Check a ranking log", "market_log_from": "Example: firewall", "market_rules": ["ranking"],
        "market_unlogged": True, "margin_ranking": 0.3, "market_qualities": ["price"],
    },
}  # fmt: skip
"""Page -> what an address asks for, none of it the usual choice. Overview has no choices; People, Audiences and the
Assistant are opened by address in the tests of their own, with books, runs and a shop."""


IN_WORDS = {"dwell": "Seconds spent", "ranking": "Ranking neutrality"}
"""What an address calls an option whose name on the page is another one."""


def written(value):
    if isinstance(value, list):
        return [written(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else IN_WORDS.get(value, str(value))


@pytest.mark.parametrize("case", LINKS)
def test_an_address_that_is_opened_anew_shows_what_it_says(run_store, monkeypatch, case):
    monkeypatch.setenv(STORE_VARIABLE, str(run_store))
    app = AppTest.from_file(APPS / "main.py", default_timeout=120)
    app.query_params.update({key: written(value) for key, value in LINKS[case].items()})
    app.switch_page(f"app_pages/{case.split(' ')[0]}.py").run()
    assert not app.exception
    assert not [one.value for one in app.warning if "address asks for" in one.value]
    assert {key: app.session_state[key] for key in LINKS[case]} == LINKS[case]
