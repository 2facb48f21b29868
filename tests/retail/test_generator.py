import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from retail import columns as c
from retail.errors import ConfigError, DataError
from retail.folder import check_folder, load_folder
from retail.generator import Settings, generate, generate_tables
from retail.randomness import person_keys, uniforms
from retail.trips import negative_binomial


@pytest.fixture(scope="module")
def small():
    return generate(4_000, seed=11)


@pytest.fixture(scope="module")
def crowd():
    return generate(30_000, seed=5, lines=1.2, products=200, merchants=10)


def test_the_same_arguments_give_the_same_bytes_and_another_seed_does_not():
    first, second = generate(300, seed=4).data, generate(300, seed=4).data
    pd.testing.assert_frame_equal(first.transactions, second.transactions, check_exact=True)
    pd.testing.assert_frame_equal(first.products, second.products)
    other = generate(300, seed=5).data
    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert not first.transactions[c.PRODUCT].head(50).equals(other.transactions[c.PRODUCT].head(50))


@settings(max_examples=8)
@given(st.sets(st.integers(0, 119), min_size=1, max_size=5), st.integers(0, 2**63 - 1))
def test_leaving_people_out_changes_no_other_row_and_nothing_public(gone, seed):
    whole = generate(120, seed=seed, products=60, merchants=5).data
    less = generate(120, seed=seed, products=60, merchants=5, without=gone).data
    kept = whole.transactions[~whole.transactions[c.PERSON].isin(gone)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, less.transactions, check_exact=True)
    pd.testing.assert_frame_equal(whole.products, less.products)
    pd.testing.assert_frame_equal(whole.stores, less.stores)
    pd.testing.assert_frame_equal(whole.campaigns, less.campaigns)
    assert (whole.period, whole.population) == (less.period, less.population)


def test_more_shoppers_leave_the_first_ones_as_they_are(monkeypatch):
    few = generate(150, seed=8).data.transactions
    monkeypatch.setattr("retail.generator._CHUNK", 64)
    many = generate(200, seed=8).data.transactions
    pd.testing.assert_frame_equal(few, many[many[c.PERSON] < 150].reset_index(drop=True), check_exact=True)


def test_public_facts_are_parameters_and_tables_fit_together(small):
    data = small.data
    assert data.period.public
    assert (data.period.start, data.period.end) == (dt.date(2024, 1, 1), dt.date(2024, 12, 29))
    assert data.population == 4_000
    rows = data.transactions
    assert rows[c.PRODUCT].isin(data.products[c.PRODUCT]).all()
    assert rows[c.STORE].isin(data.stores[c.STORE]).all()
    assert rows[c.PERSON].nunique() == 4_000
    assert rows[c.DAY].between(data.period.start_day, data.period.end_day - 1).all()
    assert (rows[c.TIME].dt.tz_localize(None).astype("datetime64[s]").astype("int64") // 86_400 == rows[c.DAY]).all()
    assert not rows.duplicated([c.BASKET, c.PRODUCT]).any()
    assert (rows.groupby(c.BASKET)[[c.PERSON, c.STORE, c.TIME]].nunique() == 1).all().all()
    assert rows[c.SALES].min() > 0
    assert rows[c.QUANTITY].min() >= 1
    assert data.products.groupby(c.TYPE)[c.CATEGORY].nunique().max() == 1
    assert data.products.groupby(c.CATEGORY)[c.DEPARTMENT].nunique().max() == 1
    assert 25 <= len(rows) / 4_000 <= 40


def type_counts(generated):
    world, rows = generated.truth.world, generated.data.transactions
    position = pd.Series(np.arange(len(world.product_id)), index=world.product_id)
    kind = world.type_of[position[rows[c.PRODUCT]].to_numpy()]
    counts = np.zeros((4_000, len(world.own_start)))
    np.add.at(counts, (rows[c.PERSON].to_numpy(), kind), 1)
    return counts


def test_shares_of_types_in_the_rows_recover_the_tastes(small):
    counts = type_counts(small)
    expected = small.truth.type_shares(np.arange(4_000))
    np.testing.assert_allclose(expected.sum(axis=1), 1.0)
    busy = counts.sum(axis=1) >= 40
    observed = counts[busy] / counts[busy].sum(axis=1, keepdims=True)
    own = np.corrcoef(observed.ravel(), expected[busy].ravel())[0, 1]
    somebody_else = np.corrcoef(observed.ravel(), np.roll(expected[busy], 1, axis=0).ravel())[0, 1]
    assert own > 0.75
    assert somebody_else < 0.4
    totals = np.corrcoef(counts.sum(axis=0), expected.sum(axis=0))[0, 1]
    assert totals > 0.97


def test_tastes_point_at_the_new_products_that_people_go_on_to_buy(small):
    world, rows, period = small.truth.world, small.data.transactions, small.data.period
    position = pd.Series(np.arange(len(world.product_id)), index=world.product_id)
    split = period.end_day - 28
    recent = rows[rows[c.DAY].between(split - 56, split - 1)]
    popular = np.bincount(position[recent[c.PRODUCT]].to_numpy(), minlength=len(world.product_id)).astype(float)
    seen = np.zeros((4_000, len(world.product_id)), dtype=bool)
    past, future = rows[rows[c.DAY] < split], rows[rows[c.DAY] >= split]
    seen[past[c.PERSON], position[past[c.PRODUCT]]] = True
    new = np.zeros_like(seen)
    new[future[c.PERSON], position[future[c.PRODUCT]]] = True
    new &= ~seen
    people = np.flatnonzero(new.any(axis=1))
    affinity = small.truth.type_shares(people)[:, world.type_of]

    def hits(scores):
        top = np.argsort(-np.where(seen[people], -1.0, scores), axis=1, kind="stable")[:, :10]
        return np.take_along_axis(new[people], top, axis=1).any(axis=1).mean()

    assert hits(affinity * popular) > 2 * hits(np.broadcast_to(popular, affinity.shape))
    assert 0.4 < (seen & _matrix(future, position, seen.shape)).sum() / len(future) < 0.8


def _matrix(rows, position, shape):
    bought = np.zeros(shape, dtype=bool)
    bought[rows[c.PERSON], position[rows[c.PRODUCT]]] = True
    return bought


def test_popularity_has_a_long_tail_and_follows_quality(small):
    sold = small.data.transactions[c.PRODUCT].value_counts().reindex(small.data.products[c.PRODUCT], fill_value=0)
    share = sold.sort_values(ascending=False).head(200).sum() / sold.sum()
    assert 0.35 < share < 0.75
    assert stats.spearmanr(sold, small.truth.quality.reindex(sold.index))[0] > 0.25


def test_own_label_buyers_are_those_whose_truth_says_so(small):
    rows = small.data.transactions.merge(small.data.products[[c.PRODUCT, c.BRAND]])
    share = (rows[c.BRAND] == "Private").groupby(rows[c.PERSON]).mean()
    assert stats.spearmanr(share, small.truth.people.own_label_share[share.index])[0] > 0.5


def test_the_difference_between_treated_and_others_recovers_the_uplift(crowd):
    truth, rows = crowd.truth, crowd.data.transactions
    first, end = truth.campaign_days
    inside = rows[rows[c.DAY].between(first, end - 1)]
    baskets = inside.groupby(c.PERSON)[c.BASKET].nunique().reindex(range(30_000), fill_value=0).to_numpy()
    treated = truth.people.treated
    assert 0.49 < treated.mean() < 0.51

    def effect(group):
        yes, no = baskets[group & treated], baskets[group & ~treated]
        error = np.sqrt(yes.var() / len(yes) + no.var() / len(no))
        return yes.mean() - no.mean(), error

    everybody = np.ones(30_000, dtype=bool)
    found, error = effect(everybody)
    assert abs(found - truth.average_uplift) < 4 * error
    assert found > 4 * error
    strong = truth.people.uplift > np.median(truth.people.uplift)
    assert effect(strong)[0] > effect(~strong)[0]


def test_nobody_is_treated_when_the_share_is_zero():
    nobody = generate(500, seed=3, treated_share=0.0)
    half = generate(500, seed=3)
    assert not nobody.truth.people.treated.any()
    assert len(half.data.transactions) > len(nobody.data.transactions)
    assert nobody.data.transactions[c.BASKET].isin(half.data.transactions[c.BASKET]).all()


def test_written_tables_pass_the_check_and_load_as_the_same_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("retail.generator._CHUNK", 100)
    done = []
    generate_tables(tmp_path, Settings(shoppers=350, seed=9, products=100, merchants=7), progress=done.append)
    assert done == [100, 200, 300, 350]
    report = check_folder(tmp_path)
    assert report.ok, report.message
    memory = generate(350, seed=9, products=100, merchants=7)
    loaded = load_folder(tmp_path, period=memory.data.period, population=350)
    for table in ("transactions", "products", "customers", "stores", "campaigns"):
        pd.testing.assert_frame_equal(getattr(loaded, table), getattr(memory.data, table), check_dtype=False)
    people = pd.read_parquet(tmp_path / "truth" / "people.parquet")
    np.testing.assert_allclose(people["uplift"], memory.truth.people.uplift)
    quality = pd.read_parquet(tmp_path / "truth" / "products.parquet").set_index(c.PRODUCT)["quality"]
    np.testing.assert_allclose(quality, memory.truth.quality)
    assert json.loads((tmp_path / "generated.json").read_text())["fingerprint"] == memory.data.fingerprint


def test_a_folder_that_cannot_be_written_is_reported_and_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        generate_tables(tmp_path / "file" / "inside", Settings(shoppers=10, seed=1))


@pytest.mark.parametrize(
    ("wrong", "value"),
    [
        ("shoppers", 0),
        ("shoppers", 10_000_001),
        ("shoppers", True),
        ("shoppers", 1.5),
        ("seed", -1),
        ("merchants", 0),
        ("products", 19),
        ("days", 27),
        ("baskets", 0.5),
        ("lines", float("nan")),
        ("treated_share", 1.5),
        ("without", (7, 500)),
    ],
)
def test_a_setting_that_cannot_be_generated_is_named_with_its_value(wrong, value):
    with pytest.raises(ConfigError, match=wrong) as refused:
        Settings(**{"shoppers": 100, "seed": 1, wrong: value})
    assert repr(value) in str(refused.value)


@pytest.mark.parametrize(
    "extreme", [{"shoppers": 1}, {"merchants": 1}, {"products": 20}, {"days": 28}, {"baskets": 1, "lines": 1}]
)
def test_the_smallest_settings_give_a_usable_data_set(extreme):
    generated = generate(**{"shoppers": 50, "seed": 2, **extreme})
    assert len(generated.data.transactions) > 0
    assert generated.data.transactions[c.DAY].max() < generated.data.period.end_day
    assert not generated.data.transactions.isna().any().any()


def test_keyed_numbers_are_uniform_and_independent_between_people_streams_and_counters():
    keys = person_keys(3, np.arange(50_000))
    columns = np.stack([uniforms(keys, stream=s, counter=k) for s, k in ((1, 0), (1, 1), (2, 0), (3, 7))])
    for column in columns:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    correlations = np.corrcoef(columns) - np.eye(4)
    assert np.abs(correlations).max() < 0.02
    assert abs(np.corrcoef(columns[0][:-1], columns[0][1:])[0, 1]) < 0.02
    assert columns.min() > 0
    assert columns.max() < 1
    assert len(np.unique(keys)) == 50_000


@pytest.mark.parametrize(("mean", "shape"), [(10.0, 2.0), (2.2, 0.8), (0.0, 1.0)])
def test_the_negative_binomial_agrees_with_scipy(mean, shape):
    ours = negative_binomial(mean, shape, 60)
    np.testing.assert_allclose(ours[:-1], stats.nbinom.cdf(np.arange(59), shape, shape / (shape + mean)), atol=1e-12)
    assert ours[-1] == 1.0
