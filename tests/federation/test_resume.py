import signal

import numpy as np
import pytest

from federation.checkpoint import checkpoint_path, load
from federation.client_app import app as client_app
from federation.engines import inprocess
from federation.plan import planned_costs
from federation.run import run
from privacy.accounting import cap
from privacy.ledger import Ledger
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError, PrivacyError

KILLED_AT_ITS_ROUND = """
import os, signal, sys
from federation.client_app import app
from federation.config import FederationConfig
from federation.engines import inprocess

def client(message, context):
    if message.metadata.group_id == sys.argv[2] and context.node_config["partition-id"] == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return app(message, context)

inprocess.drive(FederationConfig.from_json(sys.argv[1]), nodes=12, client=client)
"""


def stopping_at(name):
    def client(message, context):
        if message.metadata.group_id == name:
            raise KeyboardInterrupt
        return client_app(message, context)

    return client


def crash(config, name):
    with pytest.raises(KeyboardInterrupt):
        inprocess.drive(config, nodes=12, client=stopping_at(name))


def test_a_killed_run_goes_on_after_its_last_committed_round_and_pays_for_the_lost_one(persistent, task_of, start_code):
    config = persistent()
    killed = start_code(KILLED_AT_ITS_ROUND, config.to_json(), "train-0")
    _, err = killed.communicate()
    assert killed.returncode == -signal.SIGKILL, err
    before = load(checkpoint_path(config))
    assert before.done == ("weekdays", "types")

    told = []
    result = run(config, progress=told.append)
    assert [line.split(":")[0] for line in told] == ["train-0", "train-1"]
    np.testing.assert_array_equal(result.model["types"], before.model["types"])
    planned = planned_costs(config, task_of(config).rounds())
    booked = result.ledger_entries
    assert list(booked["key"]) == ["weekdays", "types", "train-0", "train-0", "train-1"]
    assert list(booked["committed_at"].isna()) == [False, False, True, False, False]
    assert booked["cost"].iloc[2] == planned["train-0"]
    assert booked["cost"].iloc[3] == pytest.approx(planned["train-0"] / 2, rel=1e-6)
    assert cap(epsilon=4.0, delta=1e-4) - 10 < booked["cost"].sum() <= cap(epsilon=4.0, delta=1e-4)
    assert result.epsilon <= 4.0


def test_an_answer_that_was_stored_but_not_committed_is_not_asked_again(persistent, monkeypatch):
    config = persistent()
    commits = []

    def commit(self, reservation, **kept):
        commits.append(reservation.key)
        if reservation.key == "types":
            raise KeyboardInterrupt
        return Ledger_commit(self, reservation, **kept)

    Ledger_commit = Ledger.commit
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "commit", commit)
        with pytest.raises(KeyboardInterrupt):
            run(config)
    told = []
    result = run(config, progress=told.append)
    assert [line.split(":")[0] for line in told] == ["train-0", "train-1"]
    assert list(result.ledger_entries["key"]) == ["weekdays", "types", "train-0", "train-1"]
    assert result.ledger_entries["committed_at"].notna().all()


def test_a_finished_run_returns_its_model_and_spends_nothing_more(persistent):
    first = run(persistent())
    told = []
    again = run(persistent(), progress=told.append)
    assert told == []
    for name, values in first.model.items():
        np.testing.assert_array_equal(again.model[name], values)
    assert len(again.ledger_entries) == len(first.ledger_entries)
    assert again.rounds == first.rounds


def test_a_spent_budget_is_refused_before_any_data_is_read(persistent, write_folder, tmp_path):
    nowhere = DataSource(source="folder", path=str(tmp_path / "elsewhere" / "shop"), population=300)
    with pytest.raises(DataError):
        run(persistent(source=nowhere, run_id="zero", ledger=tmp_path / "fresh.sqlite"))
    run(persistent(source=write_folder()))
    with pytest.raises(PrivacyError, match="left and this needs"):
        run(persistent(source=nowhere, run_id="second"))


def test_a_run_whose_last_round_was_lost_is_told_that_nothing_is_left(persistent):
    config = persistent()
    crash(config, "train-1")
    with pytest.raises(PrivacyError, match="interrupted rounds stay spent"):
        run(config)


def test_a_run_in_memory_starts_anew(make_config):
    config = make_config(epsilon=4.0)
    crash(config, "train-0")
    assert len(run(config).ledger_entries) == 4


def test_another_epsilon_for_the_same_people_is_refused(persistent):
    run(persistent())
    with pytest.raises(PrivacyError, match="never changes"):
        run(persistent(epsilon=8.0, run_id="second"))


def test_a_run_cannot_go_on_with_other_settings_or_without_its_stored_model(persistent):
    config = persistent()
    crash(config, "train-0")
    with pytest.raises(ConfigError, match="other settings"):
        run(persistent(learning_rate=0.5))
    path = checkpoint_path(config)
    stored = path.read_bytes()
    path.write_bytes(stored[: len(stored) // 2])
    with pytest.raises(DataError, match="cannot be read"):
        run(config)
    path.unlink()
    with pytest.raises(PrivacyError, match="no stored model"):
        run(config)
    path.write_bytes(stored)
    assert len(run(config).rounds) == 4


def test_a_stored_model_does_not_outlive_its_ledger(persistent):
    config = persistent()
    crash(config, "train-0")
    config.ledger.unlink()
    with pytest.raises(PrivacyError, match="not in this ledger"):
        run(config)
