from dataclasses import replace

import numpy as np
import pytest

from federation.client_app import app as client_app
from federation.config import FederationConfig
from federation.engines import inprocess
from federation.plan import open_ledger, planned_costs
from federation.run import run
from privacy.accounting import cap, epsilon_rdp
from privacy.ledger import Ledger
from retail.datasource import DataSource
from retail.errors import ConfigError, PrivacyError

PLAN = cap(epsilon=1.0, delta=1e-4)
RACING = """
import sys, time
from pathlib import Path
from federation.config import FederationConfig
from federation.engines import inprocess
from federation.plan import open_ledger
from retail.errors import PrivacyError

config = FederationConfig.from_json(sys.argv[1])
open_ledger(config)
Path(sys.argv[2]).touch()
deadline = time.monotonic() + 60
while not Path(sys.argv[3]).exists() and time.monotonic() < deadline:
    time.sleep(0.01)
try:
    inprocess.drive(config, nodes=12)
except PrivacyError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.fixture
def shared(persistent):
    """Build settings of one of several runs of epsilon 1, of which the total covers two."""
    return lambda run_id="first", **changes: persistent(
        **{"epsilon": 1.0, "total_epsilon": 1.5, "run_id": run_id, **changes}
    )


def stop_at(name):
    def client(message, context):
        if message.metadata.group_id == name:
            raise KeyboardInterrupt
        return client_app(message, context)

    return client


@pytest.fixture
def race(start_code, tmp_path):
    """Start two runs that both saw enough budget before either began; returns exit codes and error texts."""

    def both(one, two):
        flags = [tmp_path / "ready-1", tmp_path / "ready-2"]
        racers = [
            start_code(RACING, config.to_json(), own, other)
            for config, own, other in ((one, *flags), (two, *flags[::-1]))
        ]
        said = [racer.communicate()[1] for racer in racers]
        return [racer.returncode for racer in racers], said

    return both


def crash(config, name):
    with pytest.raises(KeyboardInterrupt):
        inprocess.drive(config, nodes=12, client=stop_at(name))


def test_runs_add_up_until_the_total_does_not_cover_another_whole_one(shared, write_folder, tmp_path, task_of):
    source = write_folder()
    first, second = run(shared("first", source=source)), run(shared("second", source=source))
    planned = planned_costs(shared(source=source), task_of(shared(source=source)).rounds())
    for result in (first, second):
        assert {one["name"]: one["cost"] for one in result.rounds} == planned
        assert 0.999 < result.epsilon <= 1.0
        assert result.epsilon_pld <= result.epsilon
    assert first.epsilon_total == first.epsilon
    assert second.epsilon < second.epsilon_total <= 1.5
    booked = second.ledger_entries
    assert second.epsilon_total == epsilon_rdp([int(cost) for cost in booked["cost"]], delta=1e-4)
    assert list(booked["run"]) == ["first"] * 4 + ["second"] * 4
    nowhere = DataSource(source="folder", path=str(tmp_path / "elsewhere" / "shop"), population=300)
    with pytest.raises(PrivacyError, match=rf"epsilon 1\.5.*left and this needs {PLAN}"):
        run(shared("third", source=nowhere))  # reading it would fail as DataError
    again = run(shared("first", source=source))
    assert (again.epsilon, again.epsilon_total) == (first.epsilon, second.epsilon_total)


def test_a_smaller_run_fits_where_a_larger_one_is_refused(shared):
    config = shared("large", epsilon=1.4)
    run(config)
    with pytest.raises(PrivacyError, match="left and this needs"):
        run(shared("larger", epsilon=1.0))
    left = open_ledger(config).remaining
    small = run(shared("small", epsilon=0.2))
    assert cap(epsilon=0.2, delta=1e-4) <= left
    assert 0.19 < small.epsilon <= 0.2


def test_the_total_is_fixed_by_the_first_run(shared, persistent):
    run(shared())
    for other in (2.0, None):
        with pytest.raises(PrivacyError, match="never changes"):
            run(shared("second", total_epsilon=other))


def test_a_crashed_run_goes_on_within_its_own_plan_though_the_ledger_has_more(shared, task_of):
    config = shared(total_epsilon=4.0)
    crash(config, "train-0")
    assert open_ledger(config).remaining > 2 * PLAN
    result = run(config)
    planned = planned_costs(config, task_of(config).rounds())
    booked = result.ledger_entries
    assert list(booked["key"]) == ["weekdays", "types", "train-0", "train-0", "train-1"]
    assert booked["cost"].iloc[3] == pytest.approx(planned["train-0"] / 2, rel=1e-6)
    assert PLAN - 10 < booked["cost"].sum() <= PLAN
    assert 0.999 < result.epsilon <= 1.0


def test_a_run_that_lost_nearly_all_of_its_plan_is_refused_before_any_data_is_read(shared, write_folder, tmp_path):
    config = shared(total_epsilon=4.0, rounds=1, source=write_folder(), options={"outer": False})
    for _ in range(4):  # each loses half of what is left; a sixteenth is too little to go on with
        crash(config, "weekdays")
    nowhere = DataSource(source="folder", path=str(tmp_path / "elsewhere" / "shop"), population=300)
    with pytest.raises(PrivacyError, match="interrupted rounds stay spent"):
        run(replace(config, source=nowhere))


def test_a_stored_answer_is_used_though_too_little_is_left_to_begin_anew(shared, monkeypatch):
    config = shared(total_epsilon=4.0, rounds=1, options={"outer": False})
    for _ in range(3):
        crash(config, "weekdays")

    def die(self, reservation, **kept):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            run(config)
    result = run(config)
    assert list(result.ledger_entries["key"]) == ["weekdays"] * 4 + ["train-0"]
    assert list(result.ledger_entries["committed_at"].notna()) == [False] * 3 + [True] * 2
    assert result.epsilon <= 1.0


def test_what_a_crashed_run_had_planned_may_be_spent_by_another(shared, task_of):
    crashed = shared("crashed")
    crash(crashed, "train-0")
    budget = crashed.budget
    other = Ledger.open(crashed.ledger, scope="persistent", budget=budget, run="other")
    planned = planned_costs(crashed, task_of(crashed).rounds())
    other.reserve("something", "else", other.remaining - planned["train-1"])
    result = run(crashed)
    assert open_ledger(crashed).spent <= budget.cap
    costs = {one["name"]: one["cost"] for one in result.rounds}
    assert costs["train-0"] + costs["train-1"] == pytest.approx(planned["train-1"], rel=1e-6)
    assert result.epsilon_total <= 1.5


def test_of_two_processes_that_race_for_the_last_plan_one_gets_all_of_it(shared, race):
    run(shared("before"))
    codes, said = race(shared("one"), shared("two"))
    assert sorted(codes) == [0, 1], said
    loser = said[codes.index(1)]
    assert f"left and this needs {PLAN}" in loser
    booked = open_ledger(shared("before")).entries()
    (winner,) = set(booked["run"]) - {"before"}
    won = booked[booked["run"] == winner]
    assert list(won["key"]) == ["weekdays", "types", "train-0", "train-1"]
    assert won["committed_at"].notna().all()
    assert list(won["cost"]) == list(booked[booked["run"] == "before"]["cost"])


def test_one_run_started_twice_at_once_is_paid_for_once(shared, race):
    codes, said = race(shared("same"), shared("same"))
    assert codes == [0, 0], said
    assert list(open_ledger(shared("same")).entries()["key"]) == ["weekdays", "types", "train-0", "train-1"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ledger_scope": "run"}, 'scope "run" does not'),
        ({"total_epsilon": 0.9}, "less than the epsilon = 1.0 of one run"),
        ({"total_epsilon": float("inf")}, "total_epsilon = inf"),
        ({"total_epsilon": -1.0}, "total_epsilon = -1.0"),
        ({"total_epsilon": True}, "total_epsilon = True"),
    ],
)
def test_a_total_that_means_nothing_is_refused(shared, changes, says):
    with pytest.raises(ConfigError, match=says):
        shared(**changes)


def test_the_total_travels_and_may_equal_the_epsilon_of_a_run(shared):
    config = shared(total_epsilon=1.0)
    assert FederationConfig.from_json(config.to_json()) == config
    assert config.budget == shared(total_epsilon=None).budget
    assert run(config).epsilon_total == pytest.approx(run(config).epsilon)
    np.testing.assert_array_equal(run(config).model["types"], run(shared(total_epsilon=None)).model["types"])
