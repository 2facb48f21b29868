"""The page Rules: from a pack, an upload or nothing to checked rules, what they change, and a folder to use."""

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.compliance import rule_table
from apps.compliance.rules_editor import UPLOAD
from apps.compliance.saved_rules import FOLDER
from privacy.policy import PolicyEngine
from privacy.policy.check import sample_register
from retail.errors import ConfigError, DataError

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"
ONE = rule_table.as_csv(rule_table.blank())


@pytest.fixture
def page(monkeypatch, tmp_path):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "runs"))
    app = AppTest.from_file(MAIN, default_timeout=120)
    app.switch_page("app_pages/rules.py").run()
    assert not app.exception
    return app


def button(app, label):
    return next(one for one in app.button if one.label == label)


def upload(app, content, name="rules.csv"):
    app.get_by_key("rules_start").set_value(UPLOAD).run()
    app.file_uploader(key="rules_file").set_value([(name, content, "text/csv")]).run()
    assert not app.exception
    return app


def test_a_pack_is_read_back_and_can_be_saved_and_used(page, tmp_path):
    page.get_by_key("rules_start").set_value("BIPA (Illinois)").run()
    assert page.title[0].value == "5 rules, and what they say"
    english = next(one.value for one in page.table if "What it says" in one.value)
    assert english["Rule"].str.startswith("my").all()
    page.get_by_key("rules_name").set_value("house").run()
    page.get_by_key("rules_save").click().run()
    folder = tmp_path / "runs" / FOLDER / "house"
    assert str(folder) in page.code[0].value
    assert PolicyEngine.load(["base", str(folder)], register=sample_register()).policies
    page.run()
    page.get_by_key("rules_start").set_value("Saved: house").run()
    assert page.title[0].value == "5 rules, and what they say"


def test_saved_rules_are_replaced_only_when_asked_and_deleted_after_a_question(page, tmp_path):
    folder = tmp_path / "runs" / FOLDER / "house"
    page.get_by_key("rules_name").set_value("house").run()
    page.get_by_key("rules_save").click().run()
    before = (folder / "rules.csv").read_text()
    page.get_by_key("rules_start").set_value("BIPA (Illinois)").run()
    page.get_by_key("rules_save").click().run()
    assert "there is a table of rules 'house' already" in page.error[0].value
    assert (folder / "rules.csv").read_text() == before
    page.checkbox(key="rules_replace").check().run()
    page.get_by_key("rules_save").click().run()
    assert not page.error
    assert (folder / "rules.csv").read_text() != before

    scenario = tmp_path / "runs" / "mine" / "scenario.toml"
    scenario.parent.mkdir()
    scenario.write_text(f'packs = ["base", "{folder}"]')
    page.get_by_key("rules_start").set_value("Saved: house").run()
    button(page, "Delete").click().run()
    assert "Delete the rules house" in "".join(one.value for one in page.markdown)
    assert "cannot run any more: mine" in "".join(one.value for one in page.markdown)
    page.button(key="rules_delete house").click().run()
    assert not folder.exists()
    assert page.selectbox(key="rules_start").value == "An empty table"
    assert not page.exception


def test_an_upload_that_nobody_edited_changes_nothing(page):
    selling = ONE.replace("any,may not,any,any,mood", "merchant,may,sell,any,transactions")
    upload(page, selling.encode())
    button(page, "Which requests change?").click().run()
    assert not page.exception
    assert "no answer changes" in page.success[0].value  # nothing was edited since the upload


def test_a_wrong_cell_is_told_with_row_and_advice_and_stops_the_questions(page):
    upload(page, ONE.replace("mood,any", "moods,any", 1).encode())
    assert page.title[0].value == "1 problem in the table"
    problems = page.dataframe[-1].value
    assert problems[["Row", "Column", "Value"]].values.tolist() == [[1, "kind", "moods"]]
    assert not [one for one in page.button if one.label == "Which requests change?"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"a,b\n1,2\n", "column id, who"), (b"\x00\x01", "binary"), (b"id," * 100_000, "columns")],
)
def test_what_is_no_table_of_rules_is_one_message(page, content, message):
    upload(page, content)
    (told,) = page.error
    assert message in told.value


@pytest.mark.slow
def test_requests_open_and_counterexamples_are_found():
    selling = ONE.replace("any,may not,any,any,mood", "merchant,may,read,another merchant's,transactions")
    found = rule_table.changed_requests("", selling, regime="federated_dp", progress=lambda *told: None)
    assert set(found.table["change"]) == {"now allowed"}
    assert set(found.table["rule"]) == {"my-rule-1"}
    wrong = rule_table.counterexamples(selling, regime="federated_dp").wrong
    assert wrong
    assert {one.rule for one in wrong} == {"my-rule-1"}
    assert all("another merchant" in one.why or "competing" in one.why for one in wrong)


def test_the_row_of_a_problem_is_right_beside_cells_of_several_lines():
    table = pd.concat([rule_table.blank()] * 3, ignore_index=True)
    table["id"] = ["one", "two", "three"]
    table.loc[0, "sentence"] = "first line\nsecond line"
    table.loc[2, "kind"] = "moods"  # and no cell may hold two lines
    assert rule_table.check(rule_table.as_csv(table)).problems["Row"].tolist() == [1, 3]


def test_a_name_that_leads_elsewhere_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be named"):
        rule_table.save(tmp_path, "../elsewhere", ONE)
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError):
        rule_table.save(tmp_path, "taken", ONE)


def form(app, column, text):
    app.selectbox(key="rule_form_column").set_value(column).run()
    field = next(one for one in (*app.selectbox, *app.text_input) if one.label == "New text")
    field.set_value(text).run()
    button(app, "Change it").click().run()
    assert not app.exception
    return app


def test_a_rule_is_changed_added_and_removed_in_the_form(page):
    form(page, "kind", "payments")
    assert page.table[0].value["What it says"].tolist() == ["Nobody may use in any way payments."]
    form(page, "effect", "may")
    form(page, "id", "my-own")
    assert page.table[0].value["Rule"].str.replace("\\", "").tolist() == ["my-own"]
    button(page, "Add a rule").click().run()
    assert page.title[0].value == "2 rules, and what they say"
    button(page, "Remove this rule").click().run()
    assert page.table[0].value["Rule"].str.replace("\\", "").tolist() == ["my-rule-2"]
    page.get_by_key("rules_start").set_value("BIPA (Illinois)").run()
    assert page.title[0].value == "5 rules, and what they say"  # another table is not the one that was edited


def test_a_form_that_makes_a_table_wrong_can_put_it_right(page):
    form(page, "article", "")
    assert page.title[0].value == "1 problem in the table"
    form(page, "article", "house rule 7")
    assert page.title[0].value == "1 rule, and what it says"
