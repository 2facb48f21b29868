import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from experiments.execute import run_scenario
from experiments.scenario import Arm, Scenario
from experiments.scenario_file import load_scenario, toml_table
from federation.recommend.objective import WEIGHTS, trainable
from federation.recommend.settings import RecommendOptions

DOCS = Path(__file__).parents[2] / "docs"
FREE = ("options", "sweep", "targets")  # tables that hold what the user likes


def blocks(page, language):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def rows(page, heading):
    """Cells of the table under a heading."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]


@pytest.mark.slow
def test_the_small_shop_runs_from_the_first_page_to_reading_its_figures(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (make_shop,) = blocks("merchants", "python")
    exec(compile(make_shop, "make_shop.py", "exec"), {})
    (tmp_path / "my-shop.toml").write_text(blocks("merchants", "toml")[0], encoding="utf-8")
    scenario = load_scenario("my-shop.toml", ["split.origins=1"])
    summary = run_scenario(scenario, store="runs", jobs=1)
    assert summary.failures == () == summary.unfinished
    for page in ("compliance", "researchers"):
        (example,) = blocks(page, "python")
        exec(compile(example, page, "exec"), {})
    printed = capsys.readouterr().out
    page = (DOCS / "compliance.md").read_text(encoding="utf-8")
    sums = page[page.index("\nmerchant 1, ") + 1 :]
    for line in sums.splitlines()[:3]:  # statistics of the rows; gradients may change
        assert line in printed
    for row in summary.rows:
        assert f"'{row['arm']}': ({row['explore_ndcg10_lo']}, {row['explore_ndcg10_hi']})" in printed


def test_the_options_of_the_recommender_are_listed_with_their_defaults():
    listed = {cells[0].strip("`"): cells[1] for cells in rows("researchers", "Options of the task `recommend`")[1:]}
    assert listed == {one.name: str(one.default).lower() for one in fields(RecommendOptions)}


def test_every_key_of_a_scenario_is_listed_with_its_default():
    listed, section = {}, ""
    for cells in rows("researchers", "Scenario keys")[1:]:
        table = re.match(r"\*\*\[+(\w+)\]+\*\*", cells[0])
        section = table[1] if table else section
        names = re.findall(r"`(\w+)`", cells[0])
        values = [cells[1]] if len(names) == 1 else cells[1].split(", ")
        values *= len(names) if len(values) == 1 else 1
        listed |= {f"{section}.{name}".strip("."): value.strip("`") for name, value in zip(names, values, strict=True)}
    models = {"arms": Arm} | {
        name: one.annotation for name, one in Scenario.model_fields.items() if hasattr(one.annotation, "model_fields")
    }
    wanted = {name: one for name, one in Scenario.model_fields.items() if name not in {*models, *FREE}}
    wanted |= {f"{table}.{name}": one for table, model in models.items() for name, one in model.model_fields.items()}
    assert set(listed) == set(wanted)
    for key, written in listed.items():
        default = wanted[key].get_default(call_default_factory=True) if not wanted[key].is_required() else None
        if wanted[key].is_required():
            assert written == "required"
        elif default not in (None, {}):
            shown = tomllib.loads(f"x = {written}")["x"] if written[0] in '"[' or written[0].isdigit() else written
            assert shown == (list(default) if isinstance(default, tuple) else default), key


def test_the_model_card_counts_the_weights_and_shares_as_they_are():
    card = " ".join((DOCS / "model-cards" / "recommendation.md").read_text(encoding="utf-8").split())
    counts = re.search(
        r"(\d+) numbers of weights, of which (\d+) move in training \((\d+) with `rich`\)", card
    ).groups()
    assert [int(one) for one in counts] == [WEIGHTS, trainable(rich=False).sum(), trainable(rich=True).sum()]
    o = RecommendOptions()
    shares = re.findall(r"^\|.*\| (0\.\d+)\b[^|]*\|$", (DOCS / "model-cards" / "recommendation.md").read_text(), re.M)
    assert [float(one) for one in shares] == [o.popularity_share, o.taste_share, o.neighbour_share, o.train_share]


def test_the_sweep_and_targets_of_the_page_fit_the_small_shop(tmp_path):
    (addition,) = blocks("researchers", "toml")
    (shop,) = blocks("merchants", "toml")
    path = tmp_path / "sweep.toml"
    path.write_text(f"{shop}\n{addition}", encoding="utf-8")
    scenario = load_scenario(path)
    assert set(scenario.sweep) == set(toml_table(addition, path)["sweep"])
    assert len(scenario.targets) == 1


@pytest.mark.parametrize("page", [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")])
def test_links_between_pages_lead_somewhere(page):
    path = DOCS / page
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target
