import datetime as dt
import functools
import json
import math

import numpy as np
import pandas as pd
import pytest
import tomli_w

from privacy.erasure import (
    Export,
    FileIndex,
    Index,
    LruCache,
    Model,
    Registry,
    Store,
    TableFolder,
    make_plan,
    read_registry,
    run_places,
)
from retail.errors import ConfigError, ConsentError, DataError


def run_folder(store, run, *, epsilon=None, mode="simulation", source="folder", path="my-shop", figures=True):
    """Write what a finished run leaves on the disk."""
    folder = store / "my-shop" / run
    (folder / "artifacts").mkdir(parents=True)
    data = {"source": source, **({"path": str(path)} if source == "folder" else {})}
    (folder / "config.toml").write_text(tomli_w.dumps({"data": data, "privacy": {"mode": mode}}))
    delta = None if epsilon is None else 1e-5
    (folder / "run.json").write_text(json.dumps({"status": "finished", "epsilon": epsilon, "delta": delta}))
    np.savez(folder / "artifacts" / "model.npz", weights=np.zeros(3))
    if figures:
        frame = pd.DataFrame({"shopper": [0, 1], "ndcg10": [0.1, 0.2]})
        frame.to_parquet(folder / "artifacts" / "shoppers.parquet", index=False)
    return folder


def test_every_place_is_a_store(office):
    one = functools.lru_cache(lambda key: key)
    places = [
        TableFolder("a", "x", tombstones=office.tombstones),
        LruCache("b", one, tombstones=office.tombstones),
        Index("c", count=lambda p: 0, rebuild=lambda: None, tombstones=office.tombstones),
        FileIndex("d", "x", tombstones=office.tombstones),
        Model("e", [], tombstones=office.tombstones),
        Export("f", recipient="Agency", sent=dt.date(2026, 1, 5), tombstones=office.tombstones),
    ]
    assert all(isinstance(place, Store) for place in places)
    office.tombstones.add("17")
    for place in places:
        place.admit(["18"])
        with pytest.raises(ConsentError, match="erased"):
            place.admit(["18", 17])


def test_a_registry_refuses_two_places_of_one_name_unknown_sources_and_what_is_no_place(office):
    registry = Registry()
    registry.add(TableFolder("a", "x", tombstones=office.tombstones))
    with pytest.raises(ConfigError, match="registered already"):
        registry.add(TableFolder("a", "y", tombstones=office.tombstones))
    with pytest.raises(ConfigError, match="not registered"):
        registry.add(TableFolder("b", "y", tombstones=office.tombstones), built_from=["c"])
    with pytest.raises(ConfigError, match="no place"):
        registry.add(object())
    with pytest.raises(ConsentError, match="invisible"):
        registry.add(TableFolder("a\u202e", "y", tombstones=office.tombstones))


def test_what_was_built_from_a_concerned_place_is_concerned_and_nothing_else(office, make, tmp_path):
    make.csv(tmp_path / "one" / "transactions.csv", 1, 2)
    make.csv(tmp_path / "two" / "transactions.csv", 2)
    caches = {name: functools.lru_cache(lambda key: key) for name in ("of one", "of two")}
    for cache in caches.values():
        cache("warm")
    registry = Registry()
    for name in ("one", "two"):
        registry.add(TableFolder(name, tmp_path / name, tombstones=office.tombstones))
        registry.add(LruCache(f"of {name}", caches[f"of {name}"], tombstones=office.tombstones), built_from=[name])
    agency = Export("agency", recipient="Agency", sent=dt.date(2026, 1, 5), tombstones=office.tombstones)
    registry.add(agency, built_from=["of one"])
    plan = make_plan(registry, 1)
    assert [(step.place, step.action, step.found, step.because) for step in plan.steps] == [
        ("one", "erase", 1, ()),
        ("of one", "clear", None, ("one",)),
        ("agency", "notify", None, ("of one",)),
    ]
    assert plan.untouched == ("two", "of two")
    assert make_plan(registry, "nobody").steps == ()
    assert [step.place for step in make_plan(registry, "nobody", assumed=["one"]).steps] == ["of one", "agency"]
    with pytest.raises(ConfigError, match="no place 'three'"):
        make_plan(registry, 1, assumed=["three"])
    for person in (None, float("nan"), "", "a\0"):
        with pytest.raises(ConsentError):
            make_plan(registry, person)


def test_a_plan_does_not_name_the_person_and_changes_nothing(office, make, tmp_path):
    file = make.csv(tmp_path / "one" / "transactions.csv", "anna", "ben")
    before = file.read_bytes()
    registry = Registry()
    registry.add(TableFolder("one", tmp_path / "one", tombstones=office.tombstones))
    assert "anna" not in repr(office.erasure(registry).plan("anna"))
    assert file.read_bytes() == before
    assert not office.tombstones.has("anna")


def test_a_model_with_secret_noise_is_bounded_and_says_by_how_much(office, tmp_path):
    (tmp_path / "m.npz").write_bytes(b"weights")
    model = Model(
        "m", [tmp_path / "m.npz"], tombstones=office.tombstones, epsilon=1.0, delta=1e-5, secret_noise=True, command="x"
    )
    assert (model.action, model.command) == ("bounded", "")
    assert f"{math.e:.3g} times" in model.statement
    assert model.erase("1") == 0
    assert (tmp_path / "m.npz").exists()


@pytest.mark.parametrize("options", [{}, {"epsilon": 1.0, "delta": 1e-5}])
def test_a_model_without_epsilon_or_with_seeded_noise_is_retrained_or_deleted(office, tmp_path, options):
    (tmp_path / "m.npz").write_bytes(b"weights")
    model = Model("m", [tmp_path / "m.npz"], tombstones=office.tombstones, command="tradefair run x", **options)
    assert (model.action, model.command) == ("retrain", "tradefair run x")
    assert "bounds nothing" in model.statement or "may remember" in model.statement
    assert (model.erase("1"), model.erase("1")) == (1, 0)
    assert model.fingerprint() == ""


@pytest.mark.parametrize(
    ("epsilon", "delta"),
    [(0, 1e-5), (-1, 1e-5), (math.nan, 1e-5), (math.inf, 0), (1, None), (1, 1), (1, -1), (True, 0)],
)
def test_a_model_cannot_claim_an_epsilon_that_is_none(office, epsilon, delta):
    with pytest.raises(ConfigError, match="no guarantee"):
        Model("m", [], tombstones=office.tombstones, epsilon=epsilon, delta=delta)


def test_a_runs_figures_and_model_are_places_of_the_data_set_it_used(office, tmp_path):
    store = tmp_path / "runs"
    run_folder(store, "aaaa")
    run_folder(store, "bbbb", epsilon=4.0)
    run_folder(store, "cccc", epsilon=4.0, mode="deployment", figures=False)
    run_folder(store, "dddd", path="another-shop")
    run_folder(store, "eeee", source="generated")
    (store / "my-shop" / ".locks").mkdir()
    places = run_places("runs", store, dataset="my-shop", tombstones=office.tombstones)
    actions = {place.name: place.action for place in places}
    assert actions == {
        "runs/my-shop/aaaa/figures": "delete",
        "runs/my-shop/aaaa/model": "retrain",
        "runs/my-shop/bbbb/figures": "delete",
        "runs/my-shop/bbbb/model": "retrain",
        "runs/my-shop/cccc/figures": "delete",
        "runs/my-shop/cccc/model": "bounded",
    }
    assert places[0].holds("1") == 2
    assert places[4].holds("1") == 0
    assert places[0].erase("1") == 2
    assert not (store / "my-shop" / "aaaa" / "artifacts" / "shoppers.parquet").exists()
    assert (store / "my-shop" / "aaaa" / "run.json").exists()
    assert "seed" in places[3].statement
    assert places[1].command == f"tradefair run my-shop.toml --store {store}"


def test_a_run_whose_settings_cannot_be_read_counts_in_doubt(office, tmp_path):
    folder = run_folder(tmp_path / "runs", "aaaa", path="another-shop")
    (folder / "config.toml").write_text("= broken")
    assert len(run_places("runs", tmp_path / "runs", dataset="my-shop", tombstones=office.tombstones)) == 2
    (folder / "artifacts" / "shoppers.parquet").write_bytes(b"broken")
    with pytest.raises(DataError, match="cannot read"):
        run_places("runs", tmp_path / "runs", dataset="my-shop", tombstones=office.tombstones)[0].holds("1")


def test_a_failure_note_goes_with_the_figures(office, tmp_path):
    folder = run_folder(tmp_path / "runs", "aaaa", figures=False)
    (folder / "failure.json").write_text('{"message": "person 17 ..."}')
    figures = run_places("runs", tmp_path / "runs", dataset="my-shop", tombstones=office.tombstones)[0]
    assert figures.erase("17") == 1
    assert not (folder / "failure.json").exists()


PLACES = """
[[place]]
name = "agency"
kind = "export"
recipient = "Agency Ltd"
sent = 2026-01-05
from = ["tables"]

[[place]]
name = "tables"
kind = "tables"
path = "my-shop"

[[place]]
name = "runs"
kind = "runs"
path = "runs"
from = ["tables"]

[[place]]
name = "lookalike"
kind = "model"
paths = ["models/lookalike.npz"]
epsilon = 1
delta = 1e-6
secret_noise = true
from = ["tables"]

[[place]]
name = "faiss"
kind = "index"
path = "index.faiss"
command = "make index"
from = ["tables"]
"""


def test_a_registry_is_read_from_a_file_whatever_the_order_in_it(office, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_folder(tmp_path / "runs", "aaaa")
    (tmp_path / "places.toml").write_text(PLACES)
    registry = read_registry(tmp_path / "places.toml", tombstones=office.tombstones)
    sources = {place.store.name: place.built_from for place in registry}
    assert sources == {
        "tables": (),
        "agency": ("tables",),
        "runs/my-shop/aaaa/figures": ("tables",),
        "runs/my-shop/aaaa/model": ("tables",),
        "lookalike": ("tables",),
        "faiss": ("tables",),
    }
    assert registry.get("lookalike").action == "bounded"
    assert registry.get("faiss").command == "make index"


def test_what_an_operator_knows_about_a_folder_and_a_model_can_be_written_down(office, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-shop").mkdir()
    (tmp_path / "my-shop" / "old.tsv").write_text("x")
    known = PLACES.replace('path = "my-shop"', 'path = "my-shop"\nskip = ["old.tsv"]')
    known = known.replace("epsilon = 1\n", "epsilon = 1\npeople = 2000000\nstarted = 2026-01-05T12:00:00Z\n")
    for text, unsearched, action in ((PLACES, ("old.tsv",), "bounded"), (known, (), "retrain")):
        (tmp_path / "places.toml").write_text(text)
        registry = read_registry(tmp_path / "places.toml", tombstones=office.tombstones)
        assert registry.get("tables").unsearched == unsearched
        assert registry.get("lookalike").action == action
    assert registry.get("lookalike").started == dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "tables"', 'kind = "cloud"', "kind 'cloud'"),
        ('path = "my-shop"', 'path = "my-shop"\nsize = 3', "unknown key 'size'"),
        ('path = "my-shop"', "", "lacks 'path'"),
        ('path = "my-shop"', "path = 3", "not of type str"),
        ('path = "my-shop"', 'path = "my-shop"\nfrom = ["agency"]', "circle"),
        ('path = "my-shop"', 'path = "my-shop"\nfrom = []', "at least one"),
        ("epsilon = 1\n", "epsilon = 1\npeople = true\n", "not of type int"),
        ("epsilon = 1\n", "epsilon = 1\nstarted = 2026-01-05\n", "not of type datetime"),
        ("epsilon = 1\n", "epsilon = 1\nstarted = 2026-01-05T12:00:00\n", "time zone"),
        ("epsilon = 1\n", "epsilon = true\n", "not of type float"),
        ("epsilon = 1\n", "epsilon = nan\n", "no guarantee"),
        ('name = "faiss"', 'name = "runs"', "twice"),
        ('recipient = "Agency Ltd"\n', "", "lacks 'recipient'"),
        ('from = ["tables"]', 'from = ["tabels"]', "'tabels'"),
        ("[[place]]", "[[place", "no TOML"),
        ("[[place]]", "[[places]]", "nothing else"),
    ],
)
def test_a_file_of_places_that_is_wrong_is_refused_with_what_is_wrong(office, tmp_path, monkeypatch, old, new, message):
    monkeypatch.chdir(tmp_path)
    assert old in PLACES
    (tmp_path / "places.toml").write_text(PLACES.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        read_registry(tmp_path / "places.toml", tombstones=office.tombstones)


def test_a_missing_file_of_places_is_an_error_not_an_empty_registry(office, tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        read_registry(tmp_path / "places.toml", tombstones=office.tombstones)


@pytest.mark.parametrize(
    ("epsilon", "delta", "people", "why"),
    [
        (10.1, 1e-6, None, "epsilon 10.1 is above 10"),
        (1000.0, 1e-6, None, "epsilon 1000 is above 10"),
        (1.0, 0.5, None, "delta 0.5 is above 0.0001"),
        (1.0, 1e-4, 10_000, "not below 1 / 10,000 people"),
        (1.0, 1e-2, 60, "above 0.0001"),
    ],
)
def test_a_model_under_an_epsilon_or_delta_that_says_too_little_is_retrained(office, epsilon, delta, people, why):
    guard = {"tombstones": office.tombstones, "secret_noise": True, "people": people}
    model = Model("m", [], epsilon=epsilon, delta=delta, **guard)
    assert (model.action, model.bounded) == ("retrain", False)
    assert why in model.statement
    assert "at most" not in model.statement


@pytest.mark.parametrize(("epsilon", "delta", "people"), [(10.0, 1e-4, None), (4, 1e-4, 9_999), (1.0, 0, 10**9)])
def test_a_model_at_the_agreed_limit_is_still_bounded(office, epsilon, delta, people):
    guard = {"tombstones": office.tombstones, "secret_noise": True, "people": people}
    assert Model("m", [], epsilon=epsilon, delta=delta, **guard).action == "bounded"


@pytest.mark.parametrize(
    "options", [{"people": 0}, {"people": True}, {"people": 1.5}, {"started": dt.datetime(2026, 1, 1)}]
)
def test_a_model_with_no_people_or_a_start_without_a_zone_is_refused(office, options):
    with pytest.raises(ConfigError, match=r"people is|time zone"):
        Model("m", [], tombstones=office.tombstones, **options)


def test_a_model_of_which_a_part_is_missing_has_no_fingerprint(office, tmp_path):
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in paths:
        path.write_bytes(b"w")
    model = Model("m", paths, tombstones=office.tombstones)
    assert model.fingerprint()
    paths[0].unlink()
    assert model.fingerprint() == ""


def test_a_run_says_when_it_began_and_how_many_people_it_had(office, tmp_path):
    folder = run_folder(tmp_path / "runs", "aaaa", epsilon=4.0, mode="deployment")
    (folder / "provenance.json").write_text('{"started": "2026-11-23T15:00:00+00:00"}')
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"shoppers": 200_000}))
    figures, model = run_places("runs", tmp_path / "runs", dataset="my-shop", tombstones=office.tombstones)
    assert figures.started == model.started == dt.datetime(2026, 11, 23, 15, tzinfo=dt.UTC)
    assert model.action == "retrain", "delta 1e-5 over 200,000 people"
    (folder / "provenance.json").write_text('{"started": "yesterday"}')
    assert run_places("runs", tmp_path / "runs", dataset="my-shop", tombstones=office.tombstones)[0].started is None


def test_a_folder_that_is_not_there_is_refused_and_not_certified_as_clean(office, tmp_path):
    path = tmp_path / "places.toml"
    path.write_text('[[place]]\nname = "shop"\nkind = "tables"\npath = "nowhere"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="nothing at nowhere"):
        read_registry(path, tombstones=office.tombstones, must_exist=True)
