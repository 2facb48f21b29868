from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy import Budget, Ledger, cap, epsilon_rdp, read_ledger
from privacy.ledger_views import dataset_view, person_view
from retail.errors import PrivacyError


def ledger(path: Path, dataset: str = "shop", *, delta: float = 1e-5, run: str = "first") -> Ledger:
    budget = Budget(dataset=dataset, epsilon=1.0, delta=delta, population=2500)
    return Ledger.open(path, scope="persistent", budget=budget, run=run)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_a_data_sets_view_states_what_is_spent_and_left_and_counts_releases(path):
    cost = ledger(path).cap // 10
    ledger(path).reserve("counts", "a", 5)
    ledger(path).commit(ledger(path).reserve("training", "b", cost))
    (row,) = dataset_view(read_ledger(path)).to_dict("records")
    assert (row["spent"], row["remaining"]) == (cost + 5, cap(epsilon=1.0, delta=1e-5) - cost - 5)
    assert (row["release_cost"], row["releases_left"]) == (cost, row["remaining"] // cost)
    assert row["epsilon_spent"] == epsilon_rdp(cost + 5, delta=1e-5)
    assert row["epsilon_left"] == epsilon_rdp(row["remaining"], delta=1e-5)
    assert 0 < row["epsilon_spent"] < row["epsilon_left"] < 1.0 < row["epsilon_spent"] + row["epsilon_left"]


def test_as_many_releases_fit_as_the_view_says_and_not_one_more(path):
    spending, size = ledger(path), cap(epsilon=1.0, delta=1e-5) // 7 + 1
    (row,) = dataset_view(read_ledger(path), release_cost=size).to_dict("records")
    for number in range(row["releases_left"]):
        spending.reserve("counts", str(number), size)
    with pytest.raises(PrivacyError, match="nano-rho left"):
        spending.reserve("counts", "more", size)
    assert row["releases_left"] == 6
    assert dataset_view(read_ledger(path)).loc[0, "releases_left"] == 0


def test_without_a_release_there_is_no_size_to_count_in_and_nothing_is_spent(path):
    ledger(path)
    view = dataset_view(read_ledger(path))
    assert view[["release_cost", "releases_left"]].isna().all(axis=None)
    assert view.loc[0, "epsilon_spent"] == 0.0
    with pytest.raises(PrivacyError, match="cost must be an int"):
        dataset_view(read_ledger(path), release_cost=0)


def test_a_fully_spent_budget_has_nothing_left(path):
    ledger(path).reserve("counts", "all", ledger(path).cap)
    (row,) = dataset_view(read_ledger(path)).to_dict("records")
    assert (row["epsilon_left"], row["releases_left"]) == (0.0, 0)
    assert row["epsilon_spent"] <= 1.0


def test_what_merchants_spent_on_one_person_adds_up_over_their_ledgers(tmp_path):
    files = [tmp_path / f"{name}.sqlite" for name in ("north", "south")]
    ledger(files[0], "north").reserve("counts", "a", 1000)
    ledger(files[0], "club").reserve("counts", "a", 100)
    ledger(files[1], "south", delta=1e-6).reserve("counts", "a", 10)
    view = person_view(files)
    assert (view.spent, view.delta) == (1110, 1e-6)
    assert view.epsilon == epsilon_rdp(1110, delta=1e-6)
    assert sorted(view.parts["dataset"]) == ["club", "north", "south"]
    assert view.epsilon >= view.parts["epsilon_spent"].max()
    mine = person_view(files, datasets=["north", "south"], delta=1e-4, person="ab" * 32)
    assert (mine.spent, mine.delta, mine.person) == (1010, 1e-4, "ab" * 32)
    assert "adds up" not in mine.assumption
    assert "added up" in mine.assumption


def test_a_ledger_named_twice_counts_once_and_two_ledgers_of_one_data_set_count_both(tmp_path):
    files = [tmp_path / "one.sqlite", tmp_path / "two.sqlite"]
    for file in files:
        ledger(file).reserve("counts", "a", 1000)
    assert person_view([files[0], tmp_path / "." / "one.sqlite"]).spent == 1000
    assert person_view(files).spent == 2000


def test_nothing_is_left_out_by_mistake(path):
    ledger(path).reserve("counts", "a", 1000)
    for wrong in (
        {"paths": []},
        {"paths": [path], "datasets": ["shop", "typo"]},
        {"paths": [path], "datasets": []},
        {"paths": [path, path.with_name("none.sqlite")]},
        {"paths": [path], "person": "a person's own id"},
        {"paths": [path], "delta": 0.0},
    ):
        with pytest.raises(PrivacyError):
            person_view(**wrong)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=4))
@settings(max_examples=10)
def test_one_more_release_never_lowers_the_bound(tmp_path_factory, costs):
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    spending, bound = ledger(path), 0.0
    for number, cost in enumerate(costs):
        spending.reserve("counts", str(number), cost)
        view = person_view([path])
        assert view.spent == sum(costs[: number + 1])
        assert view.epsilon > bound
        bound = view.epsilon
