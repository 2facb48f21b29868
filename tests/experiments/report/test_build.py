import pytest

from experiments.documents import read_json, write_json
from experiments.logbook import KEY, run_log
from experiments.report import build_report as build
from experiments.report import render_html, render_json
from experiments.report.checking import numbers_in
from privacy.budget import Budget
from privacy.ledger import Ledger
from privacy.ledger_record import read_ledger
from privacy.log import SigningKey
from privacy.policy import Request
from retail.errors import ConfigError, DataError, PolicyError

PACKS = ["base", "dma", "gdpr"]


def build_report(store, target, *, policy=PACKS, **options):
    """Compare two regimes only, which is quick."""
    return build(store, target, policy=policy, regimes=["federated_dp", "pooled"], **options)


def verdict(model, rule):
    return next(one for one in model.verdicts if one.rule == rule)


def words(sentences):
    return " ".join(part if isinstance(part, str) else part.shown for one in sentences for part in one)


def test_every_figure_is_the_summary_s_and_has_a_proof(made, model):
    summary = read_json(made / "market" / "summary.json")
    expected = {
        row["name"]: (row["value"], row["lo"], row["hi"], row["n"]) for row in summary["results"] if row["unit"] != "s"
    }
    found = {
        f"{one.name}({one.arm})": (one.value.value, one.lo.value, one.hi.value, one.n.value) for one in model.figures
    }
    assert found == expected
    assert [one.met for one in model.targets] == ["met", "missed"]


def test_no_number_of_a_fully_logged_store_lacks_a_proof(model):
    bare = [n for n in numbers_in(model.document()) if n["proof"] is None and n["value"] is not None]
    assert bare == []
    assert model.problems == ()
    assert len(list(numbers_in(model.document()))) > 150


def test_a_proof_names_log_index_and_leaf_hash(model, made):
    proof = next(one for one in model.proofs if one.entry["kind"] == "figure")
    assert proof.origin == "market"
    assert len(proof.leaf) == 64
    assert proof.entry["index"] == proof.index < proof.size == model.heads[0].head["size"]


def test_the_heads_of_the_runs_are_repeated_in_the_scenario_s_log(model):
    assert model.heads[0].origin == "market"
    assert len(model.heads) == 5
    assert all(one.entry is not None for one in model.heads[1:])


def test_what_a_run_spent_is_the_sum_of_its_logged_rounds(model, made, run_of):
    (account,) = model.accounts
    assert account.run == run_of("federated-dp-4")[:8]
    assert account.spent.value == sum(one.cost.value for one in model.rounds)
    assert account.spent.value <= account.cap.value
    assert account.epsilon.value == 4.0
    assert account.unfinished is None
    assert account.spent.proof.startswith("d")
    assert 3.9 < account.epsilon_spent.value <= 4.0
    assert account.epsilon_spent.proof.startswith("d")


def test_the_statement_says_unit_trust_and_what_is_not_covered(model):
    (promise,) = model.promises
    assert promise.arms == ("federated-dp-4",)
    assert (promise.epsilon.value, promise.delta.value) == (4.0, 1e-6)
    assert "adding or removing all rows" in promise.neighbours
    assert promise.not_covered in words(model.summary.not_covered)
    assert "popularity, federated, pooled" in words(model.summary.promise)


@pytest.mark.parametrize(("total", "promised"), [(4.0 - 1e-8, 4.0), (3.0, 1.0)])
def test_a_run_of_several_parts_promises_its_whole_budget_where_log_and_result_agree(store, run_of, total, promised):
    path = store / "market" / run_of("federated-dp-4") / "run.json"
    write_json(path, {**read_json(path), "epsilon": 1.0, "epsilon_total": total, "privacy_unit": "One launch."})
    model = build_report(store, "market")
    assert model.promises[0].epsilon.value == promised
    assert (model.promises[0].unit == "One launch.") == (promised == 1.0)
    assert any("logged epsilon 4.0" in one for one in model.problems) == (promised != 4.0)


def test_verdicts_come_from_replaying_the_log(model):
    retail = verdict(model, "dma-6-2-retail")
    assert retail.outcome == "pass"
    assert retail.checked.value == 4
    assert retail.breaches.value == 0
    proven = {one.id: one for one in model.proofs}[retail.proofs[0]]
    assert proven.entry["body"]["decision"] == "deny"
    assert verdict(model, "base-own").outcome == "pass"
    assert verdict(model, "gdpr-9-1").outcome == "not applicable"
    assert verdict(model, "default-deny").outcome == "pass"
    assert not model.failed()


def test_an_allowed_read_that_a_rule_forbids_is_a_failed_verdict(store, plant, make_accesses):
    (kind, body), *_ = make_accesses([Request("retail", "read", "m1/orders", "own_label_development", ("price",))])
    plant(store, (kind, {**body, "decision": "allow", "rule": "base-own", "article": "house rule"}))
    model = build_report(store, "market")
    broken = verdict(model, "dma-6-2-retail")
    assert broken.outcome == "fail"
    assert (broken.checked.value, broken.breaches.value) == (5, 1)
    entries = {one.id: one.entry["body"] for one in model.proofs}
    assert [entries[id_]["decision"] for id_ in broken.proofs] == ["allow"]
    assert {one.rule for one in model.verdicts if one.outcome == "fail"} == {"dma-6-2-retail"}
    assert "dma-6-2-retail" in words(model.summary.failed)
    assert model.failed()


def test_an_allowed_read_that_no_rule_permits_breaks_the_default(store, plant, make_accesses):
    asked = [Request("m1", action, "m1/orders", "marketing") for action in ("sell", "recognise", "release")]
    kind, body = next(one for one in make_accesses(asked) if (one[1]["decision"], one[1]["rule"]) == ("deny", ""))
    plant(store, (kind, {**body, "decision": "allow", "rule": "base-own"}))
    model = build_report(store, "market")
    assert verdict(model, "default-deny").outcome == "fail"
    assert verdict(model, "default-deny").breaches.value == 1


def test_without_an_access_log_no_rule_is_tested(make_store, scenario, tmp_path):
    small = {**scenario, "arms": scenario["arms"][:1], "targets": {}}
    model = build_report(make_store(tmp_path / "runs", small, events=[]), "market")
    assert {one.outcome for one in model.verdicts} == {"not tested"}
    assert model.denials == ()
    assert model.promises == ()


def test_an_event_that_lacks_a_column_is_a_problem_and_nothing_is_judged(store, plant, make_accesses):
    (kind, body), *_ = make_accesses()
    plant(store, (kind, {name: value for name, value in body.items() if name != "purpose"}))
    model = build_report(store, "market")
    assert "has no purpose" in model.problems[0]
    assert {one.outcome for one in model.verdicts} == {"not tested"}
    assert model.failed()


def test_alike_denials_are_counted_and_the_first_is_proven(model):
    assert [(one.rule, one.times.value) for one in model.denials] == [("dma-6-2-retail", 4), ("gdpr-25", 4)]
    assert all(one.proof and one.times.proof for one in model.denials)


def test_a_stored_figure_that_differs_from_the_log_is_a_problem_and_has_no_proof(store):
    path = store / "market" / "summary.json"
    summary = read_json(path)
    summary["results"][0]["value"] += 0.25
    write_json(path, summary)
    model = build_report(store, "market")
    assert model.figures[0].value.proof is None
    assert model.figures[0].lo.proof is not None
    assert "the stored result says" in model.problems[0]
    assert b'<span class="noproof">no proof</span>' in render_html(model)


def test_a_target_declared_met_against_the_log_is_a_problem(store):
    path = store / "market" / "summary.json"
    summary = read_json(path)
    summary["targets"][1]["met"] = True
    write_json(path, summary)
    assert "logged the target as missed" in build_report(store, "market").problems[0]


def test_a_log_that_was_edited_proves_nothing(store):
    path = store / "market" / "log.sqlite"
    content = bytearray(path.read_bytes())
    place = content.index(b'"explore_ndcg10(federated)"')
    content[place + 1] ^= 1
    path.write_bytes(content)
    model = build_report(store, "market")
    assert all(one.value.proof is None for one in model.figures)
    assert any("market" in problem for problem in model.problems)
    assert model.failed()


def test_a_store_without_logs_says_no_proof_everywhere(store):
    for path in store.rglob("log.sqlite"):
        path.unlink()
    for path in store.rglob("ledger.sqlite"):
        path.unlink()
    model = build_report(store, "market")
    assert {n["proof"] for n in numbers_in(model.document())} == {None}
    assert model.heads == ()
    assert model.key
    assert {one.outcome for one in model.verdicts} == {"not tested"}


def test_entries_after_the_newest_head_are_named_as_a_problem(store, run_of, make_accesses):
    log = run_log(store / "market" / run_of("pooled"))
    log.append_many(make_accesses())
    model = build_report(store, "market")
    assert "5 entries came after its newest signed head" in model.problems[0]
    log.sign_head()
    model = build_report(store, "market")
    assert model.problems == ()
    assert all(one.entry is not None for one in model.heads[1:])


def test_a_log_of_another_run_or_another_key_is_left_out(store, run_of, tmp_path):
    mine = store / "market" / run_of("pooled") / "artifacts" / "ledger.sqlite"
    mine.write_bytes((store / "market" / run_of("federated") / "artifacts" / "ledger.sqlite").read_bytes())
    assert any("belongs to another run" in one for one in build_report(store, "market").problems)
    other = SigningKey.load_or_create(tmp_path / "other.pem")
    (store / KEY).with_suffix(".pub").write_text(other.public_hex)
    assert any("another key" in one for one in build_report(store, "market").problems)


def test_one_run_has_a_report_of_its_own(made, run_of):
    model = build_report(made, run_of("federated-dp-4")[:6])
    assert model.scope == "run"
    assert model.origin == f"market/{run_of('federated-dp-4')}"
    assert [one.name for one in model.figures] == ["products"]
    assert model.figures[0].value.proof is not None
    assert len(model.runs.rows) == 1
    assert [chart.kind for chart in model.charts] == ["intervals", "bars"]
    assert verdict(model, "dma-6-2-retail").checked.value == 1


def test_failed_and_unfinished_runs_stand_on_the_first_page(store, run_of):
    directory = store / "market" / run_of("pooled")
    (directory / "run.json").unlink()
    write_json(directory / "failure.json", {"arm": "pooled", "message": "disk full <b>", "origin": 0, "seed": 0})
    summary = read_json(store / "market" / "summary.json")
    summary["runs"].remove(run_of("pooled"))
    write_json(store / "market" / "summary.json", summary)
    model = build_report(store, "market")
    assert f"Run {run_of('pooled')} (pooled) failed." in words(model.summary.failed)
    assert b"disk full &lt;b&gt;" in render_html(model)


def test_the_same_store_gives_the_same_report(made, model):
    assert render_json(build_report(made, "market")) == render_json(model)


def test_nothing_is_written_to_the_store(store):
    def state():
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in store.rglob("*") if path.is_file()}

    before = state()
    build_report(store, "market")
    assert state() == before


def test_an_unknown_target_or_policy_is_refused(made, store):
    with pytest.raises(ConfigError, match="nope"):
        build_report(made, "nope")
    with pytest.raises(ConfigError, match="no run store"):
        build_report(made / "missing", "market")
    with pytest.raises(PolicyError, match="no-such-pack"):
        build_report(made, "market", policy=["no-such-pack"])
    (store / "market" / "summary.json").unlink()
    with pytest.raises(ConfigError, match="no summary"):
        build_report(store, "market")
    with pytest.raises(DataError, match="certificates"):
        build_report(made, "market", certificates=made / "missing")
    with pytest.raises(DataError, match="consent register"):
        build_report(made, "market", consent=made / "missing.sqlite")


def test_results_of_attacks_are_shown_with_ceiling_and_control(store, run_of):
    directory = store / "market" / run_of("federated-dp-4")
    result = {
        "name": "one_run", "estimate": 0.4, "lo": 0.1, "hi": None, "unit": "epsilon", "ceiling": 5.8, "n": 1000,
        "control": {"name": "no noise", "fired": True, "estimate": 5.0, "statement": "seen"}, "seconds": 1.0,
        "statement": "At least 0.1.", "breach": False, "claim": 4.0, "conclusive": True, "outcome": "passed",
    }  # fmt: skip
    write_json(directory / "artifacts" / "attacks.json", [result])
    bare = build_report(store, "market").attacks[0]
    assert bare.ceiling.proof is None
    log = run_log(directory)
    log.append("attack", result)
    log.sign_head()
    (attack,) = build_report(store, "market").attacks
    assert (attack.outcome, attack.ceiling.value, attack.lo.value, attack.hi.value) == ("passed", 5.8, 0.1, None)
    assert attack.ceiling.proof is not None
    assert "planted leak was found" in words([attack.control])


def test_a_run_without_attacks_names_the_command(model):
    page = render_html(model).decode()
    assert "Not run." in page
    assert f"tradefair audit {model.accounts[0].run} --attacks" in page


def test_no_consent_register_is_said_so(model):
    assert all(one.text == "No consent register was used: public data." for one in model.consent)


def test_what_a_crash_left_reserved_are_shown_as_unfinished(store, run_of):
    directory = store / "market" / run_of("federated-dp-4")
    path = directory / "artifacts" / "ledger.sqlite"
    row = read_ledger(path).budgets.iloc[0]
    budget = Budget(row["dataset"], row["epsilon"], row["delta"], int(row["population"]))
    Ledger.open(path, scope="run", budget=budget, run=directory.name).reserve("training", "lost", 1)
    (account,) = build_report(store, "market").accounts
    assert account.unfinished.value == 1
    assert account.unfinished.proof is None


def test_the_matrix_says_who_may_read_what_under_which_regime(model):
    rows = {(row[0], row[1], row[4]) for row in model.matrix.rows}
    assert any(role == "merchant" and whose == "own" and "every regime" in under for role, whose, under in rows)
    pooled = [row for row in model.matrix.rows if row[0] == "marketplace" and row[1] == "a merchant's"]
    assert pooled
    assert {row[4] for row in pooled} == {"pooled"}
    assert "not listed is denied" in model.matrix.note


@pytest.mark.slow
def test_changes_between_two_policies_are_listed_when_asked(made):
    model = build_report(made, "market", policy=["base", "dma"], since=["base"])
    assert {row[0] for row in model.changes.rows} <= {"now allowed", "now denied"}
    assert any("dma-" in row[6] for row in model.changes.rows)
    assert b"Changes of the policy" in render_html(model)
    same = build_report(made, "market", policy=["base"], since=["base"])
    assert same.changes.rows == ()
    assert "Same rules" in same.changes.note
