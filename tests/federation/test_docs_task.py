import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.execute import run_scenario
from experiments.scenario_file import load_scenario
from federation.plan import check_rounds
from federation.task import TaskSettings, load_task
from retail.errors import ConfigError, PrivacyError
from retail.generator import generate
from retail.interactions import catalogue

PAGE = (Path(__file__).parents[2] / "docs" / "adding-a-task.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the page's module and scenario, as a reader would save them."""
    module, _, batched, _ = blocks("python")
    (scenario,) = blocks("toml")
    (tmp_path / "again_task.py").write_text(module, encoding="utf-8")
    (tmp_path / "return_task.py").write_text(batched, encoding="utf-8")
    (tmp_path / "again.toml").write_text(scenario, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "again_task", raising=False)
    yield tmp_path
    sys.modules.pop("again_task", None)


@pytest.fixture
def task(folder):
    """The page's task, as every party makes it."""
    settings = TaskSettings(
        rounds=1,
        steps=1,
        learning_rate=1.0,
        clip_norm=1.0,
        window_days=28,
        now=0,
        population=300,
        seed=0,
        device="cpu",
        private=True,
    )
    public = catalogue(generate(20, seed=0, merchants=2, products=40).data.products)
    return lambda **options: load_task("again_task:AgainTask", replace(settings, options=options), public)


@pytest.mark.slow
def test_the_example_runs_as_a_scenario_and_beats_popularity_with_and_without_noise(folder):
    summary = run_scenario(load_scenario(folder / "again.toml"), store=folder / "runs", jobs=1)
    assert summary.failures == () == summary.unfinished
    found = {row["arm"]: row for row in summary.rows}
    assert set(found) == {"popularity", "again", "again-dp-4", "pooled"}
    for arm in ("again", "again-dp-4"):
        assert found[arm]["total_ndcg10"] > 2 * found["popularity"]["total_ndcg10"]
    assert 0 < found["again-dp-4"]["epsilon_pld"] <= found["again-dp-4"]["epsilon"] == 4.0
    assert found["again"]["epsilon"] is None
    assert found["again"]["total_ndcg10"] == pytest.approx(found["pooled"]["total_ndcg10"], abs=1e-9)


def test_the_check_of_the_rule_passes_for_the_example(folder):
    _, check, *_ = blocks("python")
    exec(compile(check, "docs/adding-a-task.md", "exec"), {})


@pytest.mark.parametrize(
    ("honest", "breach"),
    [
        ("length = np.sqrt(rows.sum(axis=1))", "length = np.sqrt(rows.sum(axis=1)).max() * np.ones(rows.shape[0])"),
        ("share = kept / np.maximum(known, 1.0)", "share = kept / known.mean()"),
    ],
)
def test_the_check_of_the_rule_fails_when_rows_depend_on_other_persons(folder, honest, breach):
    module = folder / "again_task.py"
    source = module.read_text(encoding="utf-8")
    assert honest in source
    module.write_text(source.replace(honest, breach), encoding="utf-8")
    _, check, *_ = blocks("python")
    with pytest.raises(AssertionError):
        exec(compile(check, "docs/adding-a-task.md", "exec"), {})


def test_the_example_of_merchants_at_once_makes_the_model_of_merchants_one_by_one(folder):
    *_, compare = blocks("python")
    told = {}
    exec(compile(compare, "docs/adding-a-task.md", "exec"), told)
    assert np.abs(told["together"]["weights"]).min() > 0.01


def test_the_example_refuses_an_unknown_option(task):
    assert task(days=28).days == 28
    with pytest.raises(ConfigError, match="weeks"):
        task(weeks=4)


def test_a_round_that_depends_on_other_persons_is_refused_with_an_epsilon_only(task):
    rounds = tuple(replace(one, contribution="merchant") for one in task().rounds())
    check_rounds(rounds, private=False)
    with pytest.raises(PrivacyError, match="buyers"):
        check_rounds(rounds, private=True)


def test_the_example_forgets_counts_that_noise_alone_would_explain(task):
    made = task()
    popularity = made.rounds()[0]
    mean = np.array([4.0, 1.5, -3.0] + [0.0] * (made.products - 3))
    model = made.advance(made.initial(), popularity, mean, noise_scale=1.0)
    assert model["popularity"].tolist() == [1.0] + [0.0] * (made.products - 1)
