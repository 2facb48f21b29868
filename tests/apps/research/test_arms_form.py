"""The form of a scenario's arms: it loses nothing of any bundled scenario, and says what is wrong at its field."""

from pathlib import Path

import pytest
import tomli_w
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.research import drafts
from apps.research.arm_list import ArmList, Problem, free_name, problems
from apps.research.arms_form import fields_of, with_answers
from experiments.scenario_file import bundled_scenarios, load_scenario, toml_table, validate
from experiments.sweep import editable
from retail.errors import ConfigError

MAIN = Path(__file__).parents[3] / "apps" / "main.py"


def opened(name):
    scenario = load_scenario(name)
    table = drafts.table_of(scenario)
    return scenario, table, ArmList.of(table), fields_of(type(scenario), table)


def through_text(table):
    return validate(toml_table(tomli_w.dumps(table), "test"), source="test")


@pytest.mark.parametrize("name", bundled_scenarios())
def test_every_arm_goes_through_the_form_and_toml_and_stays_as_it_was(name):
    scenario, table, arms, fields = opened(name)
    for place in range(len(arms.tables)):
        arms = arms.opened(place)
        answers = {one.key: one.shown(value_at(arms.tables[place], one.key)) for one in fields}
        after, troubles = with_answers(fields, arms.tables[place], answers)
        assert (after, troubles) == (arms.tables[place], {})
        arms = arms.with_open(after)
    assert through_text({**table, **arms.table}) == scenario
    assert problems(type(scenario), table) == []


def value_at(table, key):
    for part in key.split("."):
        table = table.get(part, {}) if isinstance(table, dict) else {}
    return editable(table) if table != {} else None


@pytest.mark.parametrize("name", bundled_scenarios())
def test_a_copy_of_any_arm_is_one_more_arm_and_can_be_removed_again(name):
    scenario, table, arms, _ = opened(name)
    last = arms.opened(len(arms.tables) - 1).copied()
    wider = through_text({**table, **last.table})
    assert wider.arms[:-1] == scenario.arms
    assert wider.arms[-1].name.endswith("-copy")
    unlike = {"name": wider.arms[-1].name, "label": wider.arms[-1].label}
    assert scenario.arms[-1].model_copy(update=unlike) == wider.arms[-1]
    assert last.mount > arms.mount
    assert through_text({**table, **last.without_open().table}) == scenario


def test_the_reference_of_a_store_is_edited_as_an_arm_and_stays():
    scenario, table, arms, fields = opened("store-layout")
    assert arms.titles()[0] == f"Reference: {scenario.reference.name}"
    assert not arms.opened(0).may_remove
    after, _ = with_answers(fields, arms.tables[0], {"label": "As we know it"})
    assert through_text({**table, **arms.opened(0).with_open(after).table}).reference.label == "As we know it"


def test_names_of_copies_are_free_and_no_longer_than_names_may_be():
    assert free_name(["a"], "a") == "a-copy"
    assert free_name(["a", "a-copy"], "a-copy") == "a-copy-2"
    assert len(free_name([], "x" * 64)) == 64


@pytest.mark.parametrize(
    ("name", "change", "field", "words"),
    [
        ("demo", {"epsilon": -1.0}, "epsilon", "must be greater than 0"),
        ("demo", {"name": "No Name"}, "name", "not well formed"),
        ("demo", {"method": "pooled", "epsilon": 1.0}, "epsilon", "adds no noise"),
        ("demo", {"options": {"x": float("inf")}}, "options", "is not a finite number"),
        ("demo", {"what": 1}, "", "unknown key what"),
        ("store-layout", {"targeting": {"consent_rate": 2.0}}, "targeting.consent_rate", "less than"),
        ("store-layout", {"check": "little"}, "check", "is not read by method"),
        ("store-checkout", {"till_mix": {"lane": -1}}, "till_mix", "greater than or equal to 0"),
        ("faces-demo", {"method": "lbp", "rounds": 3, "epsilon": None}, "rounds", "means nothing"),
        ("market-demo", {"remedies": {"fee_cap": 5}}, "remedies", "fee"),
        ("market-demo", {"remedies": {"fee": 0.1}}, "remedies", "choose among fee_cap"),
        ("market-demo", {"settings": {"bonuss": 1}}, "settings", "bonuss"),
        ("market-demo", {"regime": "none"}, "regime", "none"),
        ("market-demo", {"regime": None}, "regime", "is missing"),
        ("lookalike-demo", {"noise": "nobody"}, "noise", "not well formed"),
    ],
)  # fmt: skip
def test_what_the_schema_refuses_of_an_arm_is_told_at_its_field(name, change, field, words):
    scenario, table, arms, _ = opened(name)
    place = next(at for at, one in enumerate(arms.tables) if at >= arms.has_reference and one != arms.tables[0])
    wrong = {key: value for key, value in {**arms.tables[place], **change}.items() if value is not None}
    found = problems(type(scenario), {**table, "targets": {}, **arms.opened(place).with_open(wrong).table})
    assert [(one.arm, one.field) for one in found] == [(place, field)]
    assert words in found[0].text


@pytest.mark.parametrize(
    "text", ["{fee_cap = 0.1}", "fee_cap = 0.1", "remedies = {fee_cap = 0.1}", "[remedies]\nfee_cap = 0.1"]
)
def test_a_table_is_read_in_braces_as_keys_and_with_its_name(text):
    _, _, _, fields = opened("market-demo")
    field = next(one for one in fields if one.key == "remedies")
    assert field.read(text) == {"fee_cap": 0.1}
    with pytest.raises(ConfigError, match="remedies: is not valid TOML"):
        field.read("{fee_cap = }")


def test_two_arms_of_one_name_are_told_at_the_second():
    scenario, table, arms, _ = opened("demo")
    twice = arms.opened(2).with_open({**arms.tables[2], "name": arms.tables[1]["name"]})
    found = problems(type(scenario), {**table, **twice.table})
    assert found == [Problem(2, "name", f"another arm is called {arms.tables[1]['name']}; give each its own name")]


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "runs"))
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.switch_page("app_pages/scenarios.py")
    app.query_params["bundled"] = "market-demo"
    return app.run()


def changes(app):
    found = [one.value for one in app.dataframe if "Key" in one.value]
    return {row["Key"]: row["Now"] for row in found[0].to_dict("records")} if found else {}


def field(app, kind, key):
    """The widget of the open arm: its key has the number of openings in it."""
    keys = [one.key for one in getattr(app, kind) if one.key]
    return getattr(app, kind)(key=next(one for one in keys if one.startswith("arm-") and one.endswith(f"-{key}")))


def test_an_arm_is_copied_edited_and_removed_and_runs_and_changes_follow(page):
    before = load_scenario("market-demo")
    page.button(key="arm_copy").click().run()
    name = field(page, "text_input", "name").value
    assert name == f"{before.arms[0].name}-copy"
    assert f"{len(before.arms) + 1} runs" in page.subheader[0].value
    assert f"arms.{name}.regime" in changes(page)
    field(page, "text_input", "name").set_value("mine").run()
    field(page, "selectbox", "regime").set_value("firewall").run()
    assert changes(page)["arms.mine.regime"] == "firewall"
    field(page, "text_input", "name").set_value("Mine").run()
    assert [one.value for one in page.error if "well formed" in one.value]
    assert not [one for one in page.button if one.key == "save_start"]

    page.selectbox(key="arm-open-0").set_value(0).run()
    assert field(page, "text_input", "name").value == before.arms[0].name
    page.selectbox(key="arm-open-0").set_value(1).run()
    assert field(page, "text_input", "name").value == "Mine"  # kept while another was open
    page.button(key="arm_remove").click().run()
    assert changes(page) == {}
    assert f"{len(before.arms)} runs" in page.subheader[0].value
    assert not page.exception


def scenario_arms(label):
    first, *others = drafts.table_of(load_scenario("market-demo"))["arms"]
    return [{**first, "label": label}, *others]


def test_arms_are_edited_as_text_and_come_back_as_a_form(page):
    first = scenario_arms("")[0]["name"]
    field(page, "text_input", "label").set_value("Another label").run()
    page.button(key="arms_text").click().run()
    text = next(one for one in page.text_area if one.label == "Arms (TOML)")
    assert "Another label" in text.value
    text.set_value("arms = 3").run()
    page.button(key="arms_form").click().run()
    assert any("must be a list of tables" in one.value for one in page.error)
    text = next(one for one in page.text_area if one.label == "Arms (TOML)")
    text.set_value(tomli_w.dumps({"arms": scenario_arms("Yet another")})).run()
    assert changes(page) == {f"arms.{first}.label": "Yet another"}
    page.button(key="arms_form").click().run()
    assert field(page, "text_input", "label").value == "Yet another"
    field(page, "text_area", "settings").set_value("settings = ").run()
    assert sum("is not valid TOML" in one.value for one in page.error) == 2  # at the field, and why nothing is saved
    page.button(key="arm_copy").click().run()
    assert field(page, "text_area", "settings").value == "settings = "  # not lost: put right first
    assert not page.exception
