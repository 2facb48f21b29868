"""The page Compliance, on a store whose runs really asked the policy and really wrote their logs."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.compliance.access_view import KIND_NAMES, ROWS, Question, access_table, answers, changes, explain
from apps.compliance.log_check import MOST_WITNESS_BYTES, check_run, named_key, read_uploaded
from apps.compliance.policy_choices import pack_ids, table_of
from apps.plain_text import plain
from experiments.logbook import RUN_BOOKS, SCENARIO_LOG
from experiments.report import verify_report
from privacy.log import Log, SignedHead, SigningKey, write_witness
from privacy.policy import FORMS, PURPOSES, Context, Dataset, Party, PolicyEngine, Register, Request
from privacy.policy.diff import diff_policies
from retail.errors import PrivacyError

ROOT = Path(__file__).parent.parent.parent
MAIN = ROOT / "apps" / "main.py"
MERCHANTS = 3  # of reading_runner
MAY, HAPPENED, BUDGETS, LOG, REPORT = "Who may read what", "What happened", "Budgets", "Log", "Report"


@pytest.fixture
def visit(audited_store, monkeypatch):
    """Open a part of the page, with a query such as `regime="pooled"`; a list stands for several values."""

    def open_part(part, *, store=audited_store, scenario="audited", **query):
        monkeypatch.setenv(STORE_VARIABLE, str(store))
        app = AppTest.from_file(MAIN, default_timeout=120)
        for key, value in {"scenario": scenario, "part": part, **query}.items():
            app.query_params[key] = value
        app.switch_page("app_pages/compliance.py").run()
        assert not app.exception
        return app

    return open_part


@pytest.fixture
def copy(audited_store, tmp_path):
    """A copy of the store, to be damaged."""
    return Path(shutil.copytree(audited_store, tmp_path / "copy"))


def texts(app):
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error,
             app.success, app.code)  # fmt: skip
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def books_of(store, arm):
    for path in store.glob("audited/*"):
        outcome = next((path / name for name in ("run.json", "failure.json") if (path / name).is_file()), None)
        if outcome is not None and json.loads(outcome.read_text())["arm"] == arm:
            return path / RUN_BOOKS
    raise LookupError(arm)


def logged(store):
    """Every access event of the store, read without the code under test."""
    found = []
    for path in store.glob(f"audited/*/{RUN_BOOKS}"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT body FROM log_entries WHERE kind = 'access'").fetchall()
        found += [json.loads(row[0]) for row in rows]
    return found


def test_the_matrix_starts_with_the_rules_and_the_regime_of_the_runs(visit):
    app = visit(MAY)
    assert app.title[0].value == "Who may read what under federated_dp"
    assert app.multiselect(key="rules").value == ["House rules", "Simulation rules", "DMA (EU)"]
    assert "This scenario's runs use it." in texts(app)
    table = app.dataframe[0].value.set_index(["Who, whose data", "Form"])
    own_label = table.loc["Own label, merchants'"]
    assert list(own_label.index) == ["Raw rows", "Exact sums", "Noisy sums"]
    assert set(own_label.to_numpy().ravel()) == {"no"}
    assert table.loc[("Aggregator, merchants'", "Noisy sums"), "Till sales"] == "if"
    assert table.loc[("Aggregator, merchants'", "Raw rows"), "Till sales"] == "no"


def test_each_cell_is_what_the_engine_answers_when_asked_alone():
    """Reference: the engine itself, on a register of this test's own, one request at a time."""
    question = Question(("base", "dma", "gdpr"), "federated_dp", "train", "", "EU")
    table = access_table(answers(question)).set_index(["Who, whose data", "Data", "Form"])["Answer"]
    register = Register([Party("a", "merchant"), Party("b", "aggregator"), Party("c", "platform_retail", "platform")])
    who = {"Merchant, its own": ("a", "a"), "Aggregator, merchants'": ("b", "a"), "Own label, merchants'": ("c", "a")}
    for kind in ("transactions", "orders", "face_templates"):
        for form, shown in zip(FORMS, ("Raw rows", "Exact sums", "Noisy sums"), strict=True):
            register.add(Dataset("d", "a", kind, form, about_persons=True))
            engine = PolicyEngine.load(question.packs, register=register, regime=question.regime)
            for name, (actor, _) in who.items():
                allowed = {
                    level: [engine.decide(Request(actor, "train", "d", purpose, (), Context(level, "EU"))).allowed
                            for purpose in PURPOSES]
                    for level in ("none", "separate")
                }  # fmt: skip
                wanted = "yes" if all(allowed["none"]) else "if" if any(allowed["none"] + allowed["separate"]) else "no"
                assert table[name, KIND_NAMES[kind], shown] == wanted, (name, kind, form)


def test_a_choice_of_one_purpose_asks_about_that_purpose_alone(visit):
    shown = visit(MAY, purpose="research").dataframe[0].value.set_index(["Who, whose data", "Form"])
    assert shown.loc[("Researcher, merchants'", "Noisy sums"), "Payments"] == "yes"
    assert shown.loc[("Auditor, merchants'", "Noisy sums"), "Payments"] == "no"


def test_a_cell_says_in_plain_english_which_rule_decides_with_its_article(visit):
    app = visit(MAY)
    assert "The platform's retail arm may not use in any way a merchant's data" in texts(app)
    assert "DMA Art. 6(2); commitments AT.40462, rule dma-6-2-retail" in texts(app)
    app.selectbox(key="who").set_value("Aggregator, merchants'").run()
    shown = texts(app)
    assert ":material/check: allowed] for recommendation, recognition in the store, payment" in shown
    assert "rule regime-federated" in shown
    assert "No rule permits it" in shown
    app.selectbox(key="who").set_value("Merchant, marketplace's").run()
    assert "and nothing else" in app.info[0].value


def test_consent_is_told_apart_from_leave():
    found = explain(
        Question(("base", "gdpr"), "", "target", "marketing", "EU"), "Merchant, its own", "Till sales", "Raw rows"
    )
    assert list(found["Answer"].unique()) == ["Allowed with consent"]


def test_without_rules_nothing_is_asked_and_the_page_says_so(visit):
    app = visit(MAY)
    app.multiselect(key="rules").set_value([]).run()
    assert "Choose at least one set of rules" in app.info[0].value
    assert not app.exception


def test_what_changes_lists_every_cell_that_two_policies_answer_differently(visit):
    app = visit(MAY, against="pooled")
    packs = pack_ids(app.multiselect(key="rules").value, ())
    before, after = table_of(Question(packs, "federated_dp")), table_of(Question(packs, "pooled"))
    found = changes(before, after)
    assert list(changes(before, before)["Data"]) == []
    order = {"no": 0, "if": 1, "yes": 2}
    moves = after["Answer"].map(order) - before["Answer"].map(order)
    assert f"**{(moves > 0).sum()} open** and **{(moves < 0).sum()} close** under pooled" in texts(app)
    shown = app.table[0].value
    assert len(shown) == len(found)
    assert set(found["Who, whose data"]) <= set(ROWS)
    assert "Marketplace, merchants'" in set(shown["Who, whose data"])


@pytest.mark.slow
@pytest.mark.parametrize(("against", "newly"), [("federated_dp", 0), ("pooled", None)])
def test_every_request_of_two_policies_can_be_compared(visit, against, newly):
    app = visit(MAY, against=against)
    app.button[0].click().run()
    assert not app.exception
    packs = pack_ids(app.multiselect(key="rules").value, ())
    table = diff_policies(packs, packs, regime_before="federated_dp", regime_after=against).table
    allowed = table.loc[table["change"] == "now allowed", "requests"].sum()
    assert newly is None or allowed == newly
    assert f"**{allowed:,} are newly allowed**" in texts(app)


def test_charts_carry_a_text_for_those_who_cannot_see_them(visit):
    charts = visit(MAY).get("vega_lite_chart")
    assert len(charts) == 3
    assert all(" no. The same answers stand in the table below." in chart.proto.alt for chart in charts)
    spent = visit(BUDGETS).get("vega_lite_chart")
    assert "2 releases of federated-dp-4" in spent[0].proto.alt


def test_what_happened_counts_what_the_logs_hold(visit, audited_store):
    events = logged(audited_store)
    denied = [event for event in events if event["decision"] == "deny"]
    app = visit(HAPPENED)
    assert app.title[0].value == f"{len(events)} requests logged, {len(denied)} denied"
    table = app.dataframe[0].value
    assert table["Times"].sum() == len(events)
    assert table.iloc[0]["Answer"] == "denied"
    trained = table[(table["Who"] == "A merchant") & (table["Did"] == "train on")]
    assert set(trained["Whose"]) == {"its own"}
    assert trained["Times"].sum() == sum(event["role"] == "merchant" and event["action"] == "train" for event in events)
    assert set(trained["Parties"]) == {MERCHANTS}


def test_a_run_that_the_policy_refused_is_a_finding_with_its_denial(visit):
    for part in (MAY, HAPPENED, BUDGETS, LOG, REPORT):
        assert "The policy refused 1 run** (arm pooled-under-firewall)" in visit(part).warning[0].value
    shown = texts(visit(HAPPENED))
    assert "**platform (the marketplace)** asked to train on merchant 0: rows for recommendation" in shown
    assert "No rule permits it, and what no rule permits is denied." in shown
    assert "regime firewall" in shown


def test_one_run_can_be_looked_at_alone(visit, audited_store):
    app = visit(HAPPENED)
    title = next(name for name in app.selectbox(key="of_run").options if name.startswith("isolated"))
    app.selectbox(key="of_run").set_value(title).run()
    assert app.title[0].value == f"{2 * MERCHANTS} requests logged, 0 denied"
    assert "Nothing was denied." in texts(app)


def test_the_rules_in_force_answer_as_logged_and_others_do_not(visit, audited_store):
    assert "answer all" in visit(HAPPENED).success[0].value
    app = visit(HAPPENED, if_regime="isolated")
    events = logged(audited_store)
    allowed = [event for event in events if event["decision"] == "allow"]
    refused = [event for event in allowed if event["role"] in ("aggregator", "marketplace") or event["kind"] == "model"]
    assert f"**{len(refused)} that were allowed would be denied**, and **0 that were denied" in texts(app)


def test_a_replay_can_move_people_to_another_place(visit, audited_store):
    app = visit(HAPPENED, if_place="the EU", if_rules=["House rules", "Simulation rules", "DMA (EU)", "GDPR (EU)"])
    allowed = [event for event in logged(audited_store) if event["decision"] == "allow" and event["form"] == "raw"]
    others = [event for event in allowed if event["actor"] != event["owner"]]
    assert f"**{len(others)} that were allowed would be denied**" in texts(app)
    assert "gdpr-25 (GDPR Art. 5(1)(c), 25(1))" in texts(app)


@pytest.mark.slow
def test_a_place_whose_law_is_not_among_the_rules_is_said_and_not_praised(visit):
    for part, query in ((MAY, {"place": "the EU"}), (HAPPENED, {"if_place": "the EU"})):
        app = visit(part, **query)
        assert any("No law that binds only in the EU is among these rules" in one.value for one in app.warning)
        assert not app.success
    chosen = ["House rules", "Simulation rules", "GDPR (EU)"]
    assert "No law that binds" not in texts(visit(MAY, place="the EU", rules=chosen))
    assert "No law that binds" not in texts(visit(MAY))


def test_budgets_show_what_the_ledger_holds_and_who_promises_nothing(visit, audited_store):
    app = visit(BUDGETS)
    assert app.title[0].value == "1 budget kept"
    with sqlite3.connect(f"file:{books_of(audited_store, 'federated-dp-4')}?mode=ro", uri=True) as connection:
        spent, cap = connection.execute("SELECT SUM(cost), MAX(cap) FROM reservations, budgets").fetchone()
    row = app.table[0].value.iloc[0]
    assert row["Promised"] == "epsilon 4"
    assert row["Spent"] == f"{spent / cap:.1%}"
    assert row["Releases left"] == "0"
    shares = app.dataframe[0].value
    assert shares["Share of the budget"].tolist() == pytest.approx([0.4, 0.6], abs=1e-6)
    assert shares["Spent so far"].iloc[-1] == pytest.approx(1, abs=1e-6)
    assert "promise nothing, and have no budget: federated, isolated, pooled, pooled-under-firewall" in texts(app)


def test_intact_logs_are_told_apart_from_changed_ones(visit, copy):
    assert visit(LOG, store=copy).title[0].value == "6 logs checked: 6 intact"  # the refused run's among them
    with sqlite3.connect(books_of(copy, "pooled")) as connection:
        connection.execute("DROP TRIGGER log_entries_update")
        connection.execute("UPDATE log_entries SET body = replace(body, 'allow', 'deny') WHERE entry = 2")
    app = visit(LOG, store=copy)
    assert "2 broken" in app.title[0].value  # the run's log, and the scenario's check of it
    assert any("entry 2 does not match its stored hash" in error.value for error in app.error)
    assert "are no evidence" in texts(visit(HAPPENED, store=copy))


def test_entries_without_a_signed_head_are_not_called_intact(tmp_path):
    (tmp_path / RUN_BOOKS).parent.mkdir()
    Log.open(tmp_path / RUN_BOOKS, origin="x", key=None).append("access", {"actor": "somebody"})
    assert check_run(tmp_path, "x").state == "unsigned"
    log = Log.open(tmp_path / RUN_BOOKS, origin="x", key=SigningKey.generate())
    assert check_run(tmp_path, "x").state == "intact"
    log.append("access", {"actor": "somebody else"})
    assert check_run(tmp_path, "x").state == "partly signed"


def test_a_witness_that_somebody_kept_shows_a_log_that_was_cut_off(visit, copy, tmp_path):
    path = copy / "audited" / SCENARIO_LOG
    log = Log.open(path, origin=None, key=None)
    write_witness(tmp_path / "kept.json", log.head())
    app = visit(LOG, store=copy)
    app.file_uploader(key="witness").upload(
        "kept.json", (tmp_path / "kept.json").read_bytes(), "application/json"
    ).run()
    assert "Compared with your witness" in app.success[0].value
    path.unlink()
    fresh = Log.open(path, origin="audited", key=None)
    fresh.append("figure", {"name": "another"})
    app = visit(LOG, store=copy)
    app.file_uploader(key="witness").upload(
        "kept.json", (tmp_path / "kept.json").read_bytes(), "application/json"
    ).run()
    assert any("its end was cut off" in error.value for error in app.error)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "tradefair-witness"}', b"[" * 9000])
def test_a_file_that_is_no_witness_is_one_clear_message(visit, content):
    app = visit(LOG)
    app.file_uploader(key="witness").upload("kept.json", content, "application/json").run()
    assert not app.exception
    assert app.title[0].value == "The logs were not checked"
    assert "uploaded file" in app.error[0].value


def test_a_large_or_unsigned_upload_is_refused():
    with pytest.raises(PrivacyError, match="bytes"):
        read_uploaded(b" " * (MOST_WITNESS_BYTES + 1))
    head = SignedHead("x", 1, "0" * 64, "2026-01-01T00:00:00+00:00", "0" * 64, "0" * 128)
    document = {"format": "tradefair-witness", "version": 1, "head": head.to_json()}
    with pytest.raises(PrivacyError, match="bad signature"):
        read_uploaded((json.dumps(document, indent=1) + "\n").encode())


def test_a_typed_key_is_never_taken_for_a_path(visit, audited_store):
    public = (audited_store / ".keys" / "log-key.pub").read_text().strip()
    assert named_key(f" {public.upper()} ") == public
    for wrong in ("/etc/hostname", str(audited_store / ".keys" / "log-key.pub"), "ab"):
        with pytest.raises(PrivacyError, match="64 hexadecimal digits"):
            named_key(wrong)
    app = visit(LOG)
    app.text_input(key="owner_key").set_value("0" * 64).run()
    assert "not the key in the store" in texts(app)
    assert app.title[0].value == "6 logs checked: 6 signed by another key"


def test_a_wrong_key_is_no_change_and_hides_none(visit, copy):
    app = visit(LOG, store=copy)
    app.text_input(key="owner_key").set_value(SigningKey.generate().public_hex).run()
    assert app.title[0].value == "6 logs checked: 6 signed by another key"
    assert [one.value for one in app.error if "rewrote the log and signed it anew" in one.value]
    assert len(app.error) == 1
    with sqlite3.connect(books_of(copy, "pooled")) as connection:
        connection.execute("DROP TRIGGER log_entries_update")
        connection.execute("UPDATE log_entries SET body = replace(body, 'allow', 'deny') WHERE entry = 2")
    app = visit(LOG, store=copy)
    app.text_input(key="owner_key").set_value("0" * 64).run()
    assert app.title[0].value == "6 logs checked: 4 signed by another key, 2 broken"


def test_the_check_says_what_it_cannot_show(visit):
    shown = texts(visit(LOG))
    assert "only a head that somebody else kept shows that" in shown
    assert "did not go through the data port" in shown
    assert "tradefair log verify" in shown


@pytest.mark.slow
def test_a_report_can_be_downloaded_and_verified_offline(visit, audited_store, tmp_path):
    app = visit(REPORT)
    app.button[0].click().run()
    assert not app.exception
    made = app.session_state["report of audited"]
    assert len(app.download_button) == 2 * sum(not file.missing for file in made.files)
    for file in made.files:
        if file.missing:
            continue
        (tmp_path / file.name).write_bytes(file.content)
        (tmp_path / f"{file.name}.sig").write_bytes(file.signature)
        assert file.content[:4] == {".html": b"<!DO", ".pdf": b"%PDF", ".json": b'{\n "'}[Path(file.name).suffix]
    found = verify_report(tmp_path / "audited-report.html", key_hex=made.key)
    assert found.ok, found.problems
    assert "tradefair log verify audited-report.html --key" in texts(app)
    page = tmp_path / "audited-report.html"
    page.write_bytes(page.read_bytes().replace(b"federated", b"pooledxxx", 1))
    assert not verify_report(page, key_hex=made.key).ok


def test_attacks_are_shown_with_ceiling_and_planted_leak(visit, copy):
    app = visit(REPORT)
    shown = texts(app)
    assert ":material/check: passed] **Invented shoppers, told apart in one training:** At least epsilon 0.1" in shown
    assert "Found: 0.4 epsilon (interval: 0.1 or more). Claimed: at most 4 epsilon. Ceiling: 5.8 epsilon." in shown
    assert (
        "Planted leak: found (noise left out): Without noise the attack found epsilon 6.1. 1,000 observations" in shown
    )
    for path in copy.glob("audited/*/artifacts/attacks.json"):
        path.unlink()
    assert "--attacks" in texts(visit(REPORT, store=copy))


def test_runs_of_older_versions_without_a_log_say_so(visit, copy):
    for path in [*copy.glob(f"audited/*/{RUN_BOOKS}"), copy / "audited" / SCENARIO_LOG]:
        path.unlink()
    assert visit(HAPPENED, store=copy).title[0].value == "No request was logged"
    assert visit(LOG, store=copy).title[0].value == "There is no log to check"
    budgets = visit(BUDGETS, store=copy)
    assert budgets.title[0].value == "No budget is on record"
    assert "No ledger is left of federated-dp-4" in texts(budgets)


@pytest.mark.slow
def test_a_store_without_reads_or_epsilons_has_its_own_words(visit, run_store):
    assert visit(HAPPENED, store=run_store, scenario="broken").title[0].value == "No request was logged"
    assert visit(MAY, store=run_store, scenario="broken").title[0].value.startswith("Who may read what under")


def test_a_folder_of_rules_that_is_gone_is_one_message(visit, copy):
    for path in copy.glob("audited/*/config.toml"):
        path.write_text(path.read_text().replace('"dma"', '"/nowhere/rules"'))
    for part in (MAY, HAPPENED):
        app = visit(part, store=copy)
        assert "no policy pack or folder '/nowhere/rules'" in app.error[0].value


def test_a_damaged_log_is_named_and_does_not_hide_the_others(visit, copy):
    books_of(copy, "pooled").write_bytes(b"SQLite format 3\x00" + b"\x07" * 3000)
    app = visit(HAPPENED, store=copy)
    assert any(warning.value.startswith("pooled, window 0") for warning in app.warning)
    assert "requests logged" in app.title[0].value
    assert "broken" in visit(LOG, store=copy).title[0].value


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_text_of_a_log_is_read_as_markdown(text):
    shown = plain(text)
    bare = shown.replace("\\\\", "")
    for mark in "*_[]`<>$:#":
        assert bare.count(mark) == bare.count(f"\\{mark}")
    assert "\u202e" not in shown
    assert "\n" not in shown


@pytest.mark.slow
def test_the_page_loads_no_learning_framework(audited_store):
    code = (
        "import os, sys\n"
        f"os.environ[{STORE_VARIABLE!r}] = {str(audited_store)!r}\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(MAIN)!r}, default_timeout=60)\n"
        f"app.query_params['part'] = {LOG!r}\n"
        "app.switch_page('app_pages/compliance.py').run()\n"
        f"for part in {[HAPPENED, BUDGETS, REPORT]!r}:\n"
        "    app.get_by_key('part').set_value(part).run()\n"
        "    assert not app.exception, part\n"
        "print(sorted({'torch', 'flwr', 'ray', 'implicit', 'numba'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_table_of_the_matrix_can_be_downloaded(visit):
    assert [button.label for button in visit(MAY).download_button] == ["Download as CSV"]
    question = Question(pack_ids(["House rules", "Simulation rules", "DMA (EU)"], ()), "federated_dp")
    table = table_of(question)
    assert not table.duplicated(["Who, whose data", "Data", "Form"]).any()
    assert set(table["Answer"]) == {"yes", "if", "no"}
