"""One household less in the raw tables of all merchants: how far do the sums move that get noise?"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from experiments.audience import attributes_run, campaign_data, targeting_run, training
from experiments.audience.attributes_run import run_attributes
from experiments.audience.campaign_data import rows_of_past
from experiments.audience.campaigns_run import Plan
from experiments.audience.kind import AUDIENCE
from experiments.audience.spec import expand_audience
from experiments.audience.trial import trial
from experiments.scenario_file import validate
from federation import nodes
from federation.contributions import node_sum
from federation.task import load_task
from retail.campaigns import Campaigns
from retail.errors import ConfigError

PEOPLE, STORES, POPULATION = 60, (1, 2, 3), 400
START = pd.Timestamp("2024-01-01")
DAY_0 = (START - pd.Timestamp("1970-01-01")).days
GONE = (0, 31)
CLIP = 0.5


@pytest.fixture(scope="module")
def write_tables(tmp_path_factory):
    """Write raw tables without some household, and return a scenario's data table."""
    rng = np.random.default_rng(5)
    lines = pd.DataFrame(
        {
            "person_id": np.repeat(np.arange(PEOPLE), 40),
            "product_id": rng.integers(20, size=PEOPLE * 40),
            "day": rng.integers(100, size=PEOPLE * 40),
            "sales_value": rng.uniform(1, 9, PEOPLE * 40).round(2),
        }
    )
    lines["store_id"] = np.where(
        rng.random(len(lines)) < 0.8, lines["person_id"] % 3 + 1, rng.integers(1, 4, len(lines))
    )
    lines["basket_id"] = lines["person_id"] * 1000 + lines["day"] * 10 + lines["store_id"]
    lines = lines.drop_duplicates(["basket_id", "product_id"])
    products = pd.DataFrame(
        {
            "product_id": np.arange(20), "type": [f"T{one % 9}" for one in range(20)], "manufacturer_id": 1,
            "category": ["BAG SNACKS", "AUTOMOTIVE PRODUCTS", *(f"C{one % 5}" for one in range(18))],
            "brand": "National", "department": "GROCERY", "package_size": "1",
        }
    )  # fmt: skip

    def write(*without, **changes):
        folder = tmp_path_factory.mktemp("raw") / "shop"
        folder.mkdir()
        kept = lines[~lines["person_id"].isin(without)]
        table = kept.assign(purchased_at=START + pd.to_timedelta(kept["day"], unit="D"), quantity=1).drop(columns="day")
        for name, frame in {
            "transactions": table,
            "products": products,
            "stores": pd.DataFrame({"store_id": STORES}),
        }.items():
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        declared = {"population": POPULATION, "start": dt.date(2024, 1, 1), "end": dt.date(2024, 12, 31), **changes}
        return {"source": "folder", "path": str(folder), **{key: one for key, one in declared.items() if one}}

    return write


def spec_of(method, data, **options):
    made = validate(
        {
            "kind": "audience", "name": "small", "method": method, "draws": 30, "data": data,
            "federation": {"clip_norm": CLIP}, "options": options,
            "arms": [{"name": "dp", "model": "federated", "epsilon": 4.0}],
        },
        source="test",
    )  # fmt: skip
    return expand_audience(made, code_version="v", fingerprint=lambda one: "")[0]


def trained_configs(monkeypatch, tmp_path, data):
    """Run the attribute scenario over raw tables, and return what its trainings were over."""
    found, real = [], training.run_federation
    with monkeypatch.context() as watched:
        watched.setattr(training, "run_federation", lambda config, **rest: found.append(config) or real(config, **rest))
        spec = spec_of("attributes", data, attributes=["salty"], folds=2, sizes=[25], noises=1, now=DAY_0 + 50)
        run_attributes(spec, tmp_path / f"run-{data['path'][1:].replace('/', '-')}", lambda line: None)
    return found


def moves(config, neighbour):
    """Measure every round at the same models: how far one household moves the sum over all merchants, before noise."""
    task = load_task(config.task, nodes.task_settings(config), nodes.public_catalogue(config))
    held, model, found = [nodes.load_nodes(one) for one in (config, neighbour)], task.initial(), []
    for round_ in task.rounds():
        sent = task.broadcast(model, round_)
        before, after = (
            np.sum([node_sum(task, sent, round_, one, clip_norm=CLIP, weight=config.weight) for one in people], axis=0)
            for people in held
        )
        found.append(float(np.linalg.norm(before - after)))
        model = task.advance(model, round_, before / config.population, noise_scale=0.0)
    return found


def test_a_household_less_moves_each_attribute_round_by_at_most_the_clip_norm(monkeypatch, tmp_path, write_tables):
    everybody, moved = trained_configs(monkeypatch, tmp_path, write_tables()), []
    for gone in GONE:
        fewer = trained_configs(monkeypatch, tmp_path, write_tables(gone))
        for config, neighbour in zip(everybody, fewer, strict=True):
            assert config.population == neighbour.population == POPULATION
            assert nodes.merchants(config) == nodes.merchants(neighbour) == STORES
            moved.append(moves(config, neighbour))
    assert len(moved) == 2 * len(GONE)
    assert max(max(one) for one in moved) <= CLIP * (1 + 1e-9)
    assert max(max(one) for one in moved) > 0.3 * CLIP
    # Two folds: each household is in the training of one of them and moves nothing in the other.
    assert sum(max(one) == 0 for one in moved) == len(GONE)


def test_folds_that_hang_on_who_else_is_there_are_found_out(monkeypatch, tmp_path, write_tables):
    by_place = lambda persons, *, folds, seed: np.arange(len(persons)) % folds  # noqa: E731
    monkeypatch.setattr(attributes_run, "folds_of", by_place)
    everybody, fewer = (trained_configs(monkeypatch, tmp_path, write_tables(*gone)) for gone in ((), (7,)))
    assert max(moves(everybody[0], fewer[0])) > 2 * CLIP


def campaigns_without(*gone):
    sent = pd.DataFrame({"campaign_id": np.repeat([1, 2], PEOPLE), "person_id": np.tile(np.arange(PEOPLE), 2)})
    redeemed = sent[sent["person_id"] % 3 == 0].assign(day=DAY_0 + 60)
    listed = pd.DataFrame(
        {"campaign_id": [1, 2], "campaign_type": "A", "first_day": [DAY_0 + 50, DAY_0 + 70], "last_day": DAY_0 + 90}
    )
    of = lambda frame: frame[~frame["person_id"].isin(gone)]  # noqa: E731
    products = pd.DataFrame({"campaign_id": [1, 1, 2], "product_id": [0, 3, 5]})
    return Campaigns(listed, products, of(sent), of(redeemed), DAY_0, DAY_0 + 100)


def test_a_household_less_moves_each_response_round_by_at_most_the_clip_norm(monkeypatch, tmp_path, write_tables):
    configs = []
    for gone in ((), *((one,) for one in GONE)):
        made = campaigns_without(*gone)
        monkeypatch.setattr(campaign_data, "load_campaigns", lambda made=made: made)
        spec = spec_of("campaigns", write_tables(*gone))
        rows = rows_of_past(spec.settings.data, STORES, (1, 2))
        assert len(rows) == PEOPLE - len(gone)
        folder = tmp_path / str(len(configs))
        training.begin(folder)
        port = training._market(spec, folder, rows, Plan.read(spec).training(spec, STORES), regime="federated")
        configs.append(port.config)
    assert {one.population for one in configs} == {POPULATION}
    moved = [moves(configs[0], one) for one in configs[1:]]
    assert max(max(one) for one in moved) <= CLIP * (1 + 1e-9)
    assert min(max(one) for one in moved) > 0.3 * CLIP


@pytest.mark.parametrize(("method", "declared", "why"), [
    ("attributes", None, "needs a publicly known number of shoppers.*set data.population"),
    ("targeting", None, "needs a publicly known number of shoppers.*set data.population"),
    ("attributes", 12, r"data.population = 12, and the data hold \d+ people"),
    ("targeting", 30_000, "delta 1e-05 is not below 1/population"),
])  # fmt: skip
def test_a_population_that_is_missing_or_means_nothing_is_refused_before_any_run(
    tmp_path, write_tables, method, declared, why
):
    options = {"attributes": ["salty"]} if method == "attributes" else {}
    spec = spec_of(method, write_tables(population=declared), now=DAY_0 + 50, **options)
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(spec.settings, tmp_path)


def test_the_denominator_of_a_trial_is_declared_for_households_and_their_copies(tmp_path, write_tables):
    configs = []
    for gone in ((), (7,)):
        spec = spec_of("targeting", write_tables(*gone), now=DAY_0 + 50, copies=4)
        plan, folder = targeting_run.Plan.read(spec), tmp_path / str(len(configs))
        training.begin(folder)
        drawn = trial(spec.settings.data, STORES, plan.trial, 0)
        port = training._market(spec, folder, drawn.people, plan.training(spec, STORES, 0), regime="federated")
        configs.append((port.config.population, port.merchants, len(drawn.people)))
    assert configs[0][:2] == configs[1][:2] == (4 * POPULATION, STORES)
    assert configs[0][2] != configs[1][2]
