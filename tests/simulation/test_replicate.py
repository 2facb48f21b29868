import threading

import pytest

from retail.errors import ConfigError
from simulation.replicate import run_all


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_answers_come_in_the_order_of_the_jobs(workers):
    assert list(run_all(lambda day: day * day, range(20), workers=workers)) == [day * day for day in range(20)]


def test_jobs_run_side_by_side():
    together = threading.Barrier(2, timeout=10)

    def work(day):
        together.wait()
        return day

    assert list(run_all(work, range(4), workers=2)) == [0, 1, 2, 3]


def test_a_failure_reaches_the_caller():
    def work(day):
        raise ConfigError(f"day {day}")

    with pytest.raises(ConfigError, match="day 0"):
        list(run_all(work, range(8), workers=2))


def test_whoever_stops_early_does_not_run_the_rest():
    ran = []
    answers = run_all(lambda day: ran.append(day) or day, range(100), workers=2)
    assert next(answers) == 0
    answers.close()
    assert len(ran) < 20


@pytest.mark.parametrize(
    ("wrong", "named"), [({"workers": 0}, "got 0"), ({"workers": True}, "got True"), ({"where": "moon"}, "moon")]
)
def test_workers_and_places_that_are_none_are_refused(wrong, named):
    with pytest.raises(ConfigError, match=named):
        list(run_all(abs, [1], **wrong))


def test_without_ray_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ConfigError, match=r"run `make ray` in the repository .*, or run on threads"):
        list(run_all(abs, [1, 2], where="ray"))


@pytest.mark.slow
def test_ray_gives_what_threads_give():
    pytest.importorskip("ray")
    from simulation.store.compare import compare
    from simulation.store.demand_model import complete_journey_demand
    from simulation.store.plan import apply_edit, load_plan

    plan = load_plan("convenience")
    other = apply_edit(plan, {"swap": ["dairy", "confectionery"]})
    tables = [
        compare(plan, other, model=complete_journey_demand(), shoppers=100, seed=1, most=8, parameter_draws=4,
                workers=workers, where=where).document()
        for workers, where in ((1, "threads"), (2, "ray"))
    ]  # fmt: skip
    assert tables[0] == tables[1]
