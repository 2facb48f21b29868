"""The page Audiences, and audience scenarios on the page Results: what is said is what runs hold."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audience_store import make_audience_store
from made_once import made_once
from streamlit.testing.v1 import AppTest

from apps.audiences import insight as audience_insight
from apps.audiences.launches import beside, launches, quality
from apps.audiences.table import compared, written
from apps.command.web import STORE_VARIABLE
from apps.research.headlines import headlines
from experiments.audience.insight_run import Plan
from experiments.runs import RunStore

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"
CAMPAIGNS, RIVALS = "Campaigns", "Why a rival wins"


def arm(name, model, *, epsilon=None, **figures):
    """A row of a summary; a figure is a value with the ends of its interval."""
    numbers = {}
    for key, (value, lo, hi) in figures.items():
        numbers |= {key: value, f"{key}_lo": lo, f"{key}_hi": hi}
    return {
        "arm": name, "label": name.replace("-", " ").capitalize(), "method": "", "model": model, "epsilon": epsilon,
        "sweep": {}, "figures": list(figures), "run_ids": [f"run-{name}"], "missing_runs": 0, "seconds": 1.0,
        "regime": None, "noise": None, **numbers,
    }  # fmt: skip


def write(store, method, rows, differences=(), **changes):
    """Write the summary of a scenario that is called as its method."""
    folder = store / method
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        row["method"] = method
    apart = [
        {"name": f"difference({metric}, {one}, {other})", "value": value, "lo": lo, "hi": hi, "unit": "1", "n": 5,
         "provenance": {"runs": []}}
        for metric, one, other, value, lo, hi in differences
    ]  # fmt: skip
    document = {"kind": "audience", "scenario": method, "title": f"About {method}", "rows": rows, "results": [],
                "differences": apart, "targets": [], "failures": [], "unfinished": [], "runs": []}  # fmt: skip
    (folder / "summary.json").write_text(json.dumps({**document, **changes}))
    (folder / "scenario.toml").write_text("")
    return folder


def lookalike(store):
    rows = [
        arm("rule", "rule", auc=(0.70, 0.68, 0.72), lift5=(3.0, 2.5, 3.5)),
        arm("weights", "weights", epsilon=1.0, auc=(0.75, 0.73, 0.77), lift5=(4.0, 3.5, 4.5)),
        arm("profile", "profile", auc=(0.71, 0.69, 0.73), lift5=(3.1, 2.6, 3.6), seed_auc=(0.98, 0.97, 0.99)),
    ]
    apart = [("auc", "weights", "rule", 0.05, 0.03, 0.07), ("auc", "profile", "rule", 0.01, -0.01, 0.03),
             ("lift5", "weights", "rule", 1.0, 0.5, 1.5), ("lift5", "profile", "rule", 0.1, -0.4, 0.6)]  # fmt: skip
    folder = write(store, "lookalike", rows, apart)
    draws = np.random.default_rng(0).normal(0, 0.02, 200)
    for at, name in enumerate(("rule", "weights", "profile")):
        place = folder / f"run-{name}" / "artifacts"
        place.mkdir(parents=True)
        level = np.array([0.6 + 0.1 * at, 0.7 - 0.1 * at])
        table = pd.DataFrame(
            {"product_id": [11, 22], "name": ["BLUEBERRIES, PT", ""], "day": [17322, 17350], "early_days": [14, 21],
             "fold": [0, 1], "seeds": [28, 20], "later_buyers": [133, 90], "auc": level, "lift5": 4 * level,
             "auc_redrawn": list(level[:, None] + draws), "lift5_redrawn": list(4 * (level[:, None] + draws))}
        )  # fmt: skip
        table.to_parquet(place / "table.parquet")
    return folder


def targeting(store):
    rows = [
        arm("isolated", "isolated", gained=(38.9, 35.1, 43.0), qini=(0.1, 0.0, 0.2)),
        arm("federated", "federated", gained=(73.8, 70.6, 77.6), qini=(0.8, 0.7, 0.9)),
        arm("dp-1", "federated", epsilon=1.0, gained=(72.6, 69.3, 76.5), qini=(0.8, 0.7, 0.9)),
    ]
    apart = [
        ("gained", "isolated", "federated", -34.9, -38.0, -31.7),
        ("gained", "dp-1", "federated", -1.2, -2.4, -0.2),
    ]
    return write(store, "targeting", rows, apart)


def insight(store):
    changed = {
        "gain_price": (4.0, -0.7, 9.7), "chance_price": (0.0, None, None), "needed_price": (-3.73, -4.62, -2.97),
        "needed_unmeasured": (1.2, 0.96, 1.49), "needed_as_price": (5.06, 2.27, None),
    }  # fmt: skip
    rows = [
        arm("shares", "shares", told=(-1.2, -1.3, -1.1)),
        arm("own", "own", **{**changed, "gain_price": (9.5, -0.5, 19.0)}),
        arm("mixed", "mixed", told=(-0.9, -1.0, -0.8), **changed),
    ]
    folder = write(store, "insight", rows, [("told", "mixed", "shares", 0.3, 0.2, 0.4)])
    place = folder / "run-mixed" / "artifacts"
    place.mkdir(parents=True)
    pd.DataFrame({"name": ["price"], "value": [-0.24], "lo": [-0.53], "hi": [0.05]}).to_parquet(place / "table.parquet")
    for one in ("own", "mixed"):
        run = folder / f"run-{one}"
        run.mkdir(exist_ok=True)
        (run / "config.toml").write_text('[options]\nkind = "TEA"\nproduct = "30"\ngain_pct = 50.0\ncut = 0.2\n')
    return folder


@pytest.fixture
def store(tmp_path):
    root = tmp_path / "runs"
    for make in (lookalike, targeting, insight):
        make(root)
    return root


@pytest.fixture
def visit(store, monkeypatch):
    def open_page(page="audiences", *, root=store, **address):
        monkeypatch.setenv(STORE_VARIABLE, str(root))
        app = AppTest.from_file(MAIN, default_timeout=120)
        for name, value in address.items():
            app.query_params[name] = value
        app.switch_page(f"app_pages/{page}.py")
        app.run()
        assert not app.exception
        return app

    return open_page


def title(app):
    return app.title[0].value.replace("\\", "")


def texts(app):
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.info,
        app.warning,
        app.error,
        app.code,
    )
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def table(app, column):
    return next(one.value for one in app.dataframe if column in one.value)


@pytest.mark.parametrize(
    ("address", "commands"),
    [
        ({}, ["tradefair run lookalike-demo", "tradefair run lookalike"]),
        ({"audience_part": CAMPAIGNS}, ["tradefair run targeting"]),
        ({"audience_part": RIVALS}, ["tradefair run insight"]),
    ],
)
def test_without_runs_each_part_says_which_command_makes_one(visit, tmp_path, address, commands):
    app = visit(root=tmp_path / "nothing", **address)
    lines = app.code[0].value.splitlines()
    assert [line.partition(" --store")[0] for line in lines] == commands
    assert title(app).startswith("No ")


def test_all_launches_together_are_held_against_the_rule_with_the_stored_interval(visit):
    app = visit()
    assert title(app) == ("Weights, ε 1 has AUC 0.750 [0.730, 0.770], clearly above Rule (+0.050 [+0.030, +0.070])")
    assert "own early buyers do not go into this method. One launch costs a household epsilon 1." in texts(app)
    shown = table(app, "Less Rule").set_index("Arm")
    assert shown.loc["Profile", "Less Rule"] == "+0.010 [-0.010, +0.030]"
    every = table(app, "ε, one launch").set_index("Method")
    assert every["ε, one launch"].tolist() == ["none", "1", "none"]
    assert every["Early buyer recognised, AUC"].tolist() == ["-", "-", "0.980 [0.970, 0.990]"]


def test_one_launch_has_its_own_figures_facts_and_paired_difference(visit):
    app = visit(launch="Blueberries, pt (11)")
    assert title(app).startswith("Blueberries, pt: Weights, ε 1 has AUC 0.700 [0.6")
    assert "clearly above Rule (+0.100 [+0.100, +0.100])" in title(app)  # the draws are the same, so nothing is left
    assert "Launched on **05 June 2017**" in texts(app)
    assert "**133** later ones" in texts(app)
    app.get_by_key("launch").set_value("Product 22").run()
    assert "Product 22: Weights, ε 1 has AUC 0.600" in title(app)
    assert "clearly below Rule (-0.100" in title(app)


def test_another_figure_and_method_change_title_and_table(visit):
    app = visit(launch_figure="Lift at 5%", launch_method="Profile")
    assert title(app) == "Profile has Lift at 5% 3.10 [2.60, 3.60], not clearly apart from Rule (+0.10 [-0.40, +0.60])"
    assert "recognised with AUC 0.980 [0.970, 0.990], where .5 is nothing learnt. It promises nothing." in texts(app)


def test_a_stale_link_shows_what_there_is(visit):
    app = visit(
        audience_part="Gone", launch="Gone (1)", launch_method="Gone", launch_figure="Gone", audience_lookalike="x"
    )
    assert title(app).startswith("Weights, ε 1 has AUC")
    for part in (CAMPAIGNS, RIVALS):
        visit(audience_part=part, insight_change="Gone", insight_model="Gone")


def test_a_run_of_an_older_version_shows_points_and_says_what_is_missing(visit, store):
    for path in (store / "lookalike").glob("*/artifacts/table.parquet"):
        old = pd.read_parquet(path).drop(columns=["name", "auc_redrawn", "lift5_redrawn"])
        old.to_parquet(path)
    app = visit(launch="Product 11")
    assert "has AUC 0.700, not clearly apart from Rule (+0.100)" in title(app)
    assert "kept no intervals of single launches; run it again" in texts(app)


def test_a_run_without_its_folder_still_shows_all_launches_together(visit, store):
    shutil.rmtree(store / "lookalike" / "run-weights")
    app = visit(launch="Blueberries, pt (11)")
    assert table(app, "ε, one launch").set_index("Method").loc["Weights", "AUC"] == "-"
    for run in (store / "lookalike").glob("run-*"):
        shutil.rmtree(run)
    assert title(visit()).startswith("Weights, ε 1 has AUC 0.750")


@pytest.mark.parametrize("page", ["audiences", "results"])
def test_a_damaged_summary_is_named_and_others_are_shown(visit, store, page):
    other = write(store.parent / "more", "lookalike", [arm("rule", "rule", auc=(0.7, 0.6, 0.8))])
    shutil.copytree(other, store / "broken")
    for content in ("{", json.dumps({"kind": "audience", "rows": [{}]})):
        (store / "broken" / "summary.json").write_text(content)
        app = visit(page, scenario="broken")
        assert "summary.json" in texts(app)
        assert "run the scenario again" in texts(app)
        if page == "audiences":
            assert title(app).startswith("Weights, ε 1 has AUC")


def test_a_damaged_table_of_a_run_is_one_message(visit, store):
    path = store / "lookalike" / "run-rule" / "artifacts" / "table.parquet"
    path.write_bytes(b"nothing")
    app = visit()
    assert title(app) == "lookalike cannot be shown"
    assert "table.parquet" in app.error[0].value.replace("\\", "")
    pd.DataFrame({"product_id": [1]}).to_parquet(path)
    assert "has no column 'day'" in visit().error[0].value.replace("\\", "")


def test_failed_runs_are_named(visit, store):
    rows = [arm("federated", "federated", gained=(73.8, 70.6, 77.6))]
    failed = [{"arm": "dp-1", "run_id": "x", "seed": 0, "refused": True, "message": "epsilon is too small"}]
    write(store, "targeting", rows, failures=failed)
    app = visit(audience_part=CAMPAIGNS)
    assert "1 run of arm dp-1 refused: epsilon is too small" in texts(app)
    assert title(app) == "Federated gains 73.8 [70.6, 77.6] conversions per 1,000 advertised to"
    write(store, "targeting", [{**arm("federated", "federated"), "run_ids": [], "missing_runs": 1}], failures=failed)
    assert "No arm of this run has finished" in texts(visit(audience_part=CAMPAIGNS))


def test_campaigns_say_what_learning_together_gains_and_what_privacy_costs(visit):
    app = visit(audience_part=CAMPAIGNS)
    assert title(app) == (
        "Learning together gains 34.9 [31.7, 38.0] more conversions per 1,000 advertised to than each merchant alone; "
        "epsilon 1 costs 1.2 [0.2, 2.4]"
    )
    less = table(app, "Less Federated, per 1,000")
    assert less.iloc[0].tolist() == ["Dp 1, ε 1", "-1.2 [-2.4, -0.2]"]


def test_a_difference_that_could_be_none_is_not_claimed(visit, store):
    rows = [arm("isolated", "isolated", gained=(38.0, 30, 46)), arm("federated", "federated", gained=(40.0, 32, 48))]
    write(store, "targeting", rows, [("gained", "isolated", "federated", -2.0, -5.0, 1.0)])
    assert title(visit(audience_part=CAMPAIGNS)).startswith("It cannot be told whether learning together gains more")
    rows.append(arm("dp-1", "federated", epsilon=1.0, gained=(39.0, 31, 47)))
    write(store, "targeting", rows, [("gained", "dp-1", "federated", -1.0, -5.0, 3.0)])
    assert title(visit(audience_part=CAMPAIGNS)).endswith("what epsilon 1 costs cannot be told (1.0 [-3.0, 5.0])")


def test_a_change_of_our_brand_has_its_gain_the_weight_it_has_and_the_one_it_needs(visit):
    app = visit(audience_part=RIVALS)
    assert title(app) == (
        "A price lower by 20% changes our share by +4.0 [-0.7, +9.7]%; for +50% its weight would have to be -3.73 "
        "[-4.62, -2.97], and is -0.24 [-0.53, +0.05] now"
    )
    assert "In no draw of the estimates does it, under any model." in texts(app)
    assert "Our brand is 30 among Tea" in texts(app)
    app.get_by_key("insight_model").set_value("Own").run()
    assert "+9.5 [-0.5, +19.0]%" in title(app)
    app.get_by_key("insight_change").set_value("Something nobody measured").run()
    assert "price cut of 5.06 [2.27, no end]" in title(app)


def test_options_that_a_run_leaves_out_are_those_of_the_scenario():
    assert {name: getattr(Plan(), name) for name in audience_insight._FALLBACK} == audience_insight._FALLBACK


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("lookalike", "AUC: 1 of 2 arms lie clearly above Rule, 0 clearly below"),
        ("targeting", "Gained per 1,000: 0 of 2 arms lie clearly above Federated, 2 clearly below"),
        ("insight", "Told: 1 of 1 arms lie clearly above Shares, 0 clearly below"),
    ],
)
def test_results_have_every_arm_with_intervals_and_paired_differences(visit, scenario, said):
    app = visit("results", scenario=scenario)
    assert title(app) == said
    headers = [one.value for one in app.header]
    assert headers[1:] == ["Paired differences", "All arms"]
    assert f"About {scenario}." in texts(app)


def test_figures_without_intervals_are_not_counted_as_compared(visit, store):
    rows = [arm(name, "redeemers", epsilon=epsilon, error_95=(noise, None, None))
            for name, epsilon, noise in (("one", 4.0, 7.0), ("two", 1.0, 28.0))]  # fmt: skip
    rows[1]["label"] = "Two, epsilon 1"
    write(store, "measurement", rows, [("error_95", "two", "one", 21.0, None, None)])
    app = visit("results", scenario="measurement")
    assert title(app) == "One, ε 4: Noise at 95% 7.0 conversions"
    assert "this figure has no interval" in texts(app)
    assert "These differences have no intervals" in texts(app)
    assert table(app, "Difference in Noise at 95%")["Arm"].tolist() == ["Two, epsilon 1"]


def test_a_method_of_another_version_is_refused_in_words(visit, store):
    path = store / "targeting" / "summary.json"
    path.write_text(path.read_text().replace('"method": "targeting"', '"method": "telepathy"'))
    app = visit("results", scenario="targeting")
    assert "method 'telepathy' is none of this version" in app.error[0].value


def test_what_was_not_compared_is_not_and_a_difference_reads_both_ways():
    one = {"name": "difference(auc, a, b)", "value": 1.0, "lo": 0.5, "hi": 2.0, "provenance": {}}
    assert compared({"differences": [one]}, "auc", "b", "a") == (-1.0, -2.0, -0.5)
    assert compared({"differences": [one]}, "auc", "a", "c") is None
    assert written((math.nan,) * 3, 2) == "-"
    assert written((1.0, math.nan, math.nan), 2) == "1.00"


def test_launches_stand_by_later_buyers_and_an_unknown_one_has_no_figure(store):
    folder = store / "lookalike"
    tables = {
        name: pd.read_parquet(folder / f"run-{name}" / "artifacts" / "table.parquet") for name in ("rule", "weights")
    }
    assert [one.product for one in launches(tables)] == ["11", "22"]
    assert math.isnan(quality(tables["rule"], "33", "auc")[0])
    assert beside(tables["rule"], tables["weights"], "33", "auc") is None


@pytest.mark.slow
def test_real_small_runs_are_shown_as_their_summaries_hold_them(visit, tmp_path_factory):
    root = made_once(tmp_path_factory, "audience-store", make_audience_store)
    rows = {
        name: {row["arm"]: row for row in json.loads((root / name / "summary.json").read_text())["rows"]}
        for name in ("lookalike", "targeting", "insight")
    }
    app = visit(root=root)
    row = rows["lookalike"]["weights-dp"]
    assert f"has AUC {row['auc']:.3f} [{row['auc_lo']:.3f}, {row['auc_hi']:.3f}]" in title(app)
    some = next(one for one in app.get_by_key("launch").options if not one.startswith("All"))
    app.get_by_key("launch").set_value(some).run()
    assert not app.exception
    assert "Launched on" in texts(app)
    assert "kept no intervals" not in texts(app)
    found = rows["targeting"]["federated"]["gained"]
    assert f"{found:.1f} [" in table(visit(root=root, audience_part=CAMPAIGNS), "Qini").set_index("Arm").loc[
        "Federated", "Gained per 1,000"
    ]  # fmt: skip
    assert f"{rows['insight']['mixed']['gain_price']:+.1f} [" in title(visit(root=root, audience_part=RIVALS))
    for name in rows:
        assert not visit("results", root=root, scenario=name).error


def test_the_overview_says_what_a_private_method_brings_over_a_rule(tmp_path):
    lookalike(tmp_path)
    (found,) = headlines(RunStore(tmp_path))
    assert r"Weights, ε 1 has AUC 0.750 \[0.730, 0.770\], clearly above" in found.sentence
    assert r"(\+0.050 \[\+0.030, \+0.070\])" in found.sentence
    assert "One launch costs a household epsilon 1" in found.detail


def test_the_overview_tells_other_audiences_by_differences_with_their_intervals(tmp_path):
    targeting(tmp_path)
    (found,) = headlines(RunStore(tmp_path))
    assert "0 of 2 arms lie clearly above Federated" in found.sentence
    assert r"Isolated -34.9 \[-38.0, -31.7\]" in found.detail
