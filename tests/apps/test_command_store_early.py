"""What is wrong with the input of a store command is said before its baskets are loaded; what Ctrl-C leaves is said."""

import pytest

import experiments.store.inputs
import simulation.store.compare
import simulation.store.search
from apps.command.main import main


@pytest.fixture
def no_baskets(monkeypatch):
    def loaded(*_):
        raise AssertionError("baskets were loaded")

    monkeypatch.setattr(experiments.store.inputs, "demand_model", loaded)
    monkeypatch.setattr("apps.store.heat.complete_journey_demand", loaded)


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "nowhere", "--edit", "swap=dairy,bakery"],
        ["compare", "corner-shop", "--edit", "swap=dairy,gold"],
        ["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--demand", "nowhere"],
        ["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--currency", "EUR"],
        ["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--shoppers", "10000000"],
        ["search", "convenience", "--objective", "joy"],
        ["search", "convenience", "--objective", "path_m"],
        ["search", "convenience", "--fix", "gold"],
        ["search", "convenience", "--no-swaps"],
        ["search", "convenience", "--demand", "nowhere"],
        ["heat", "nowhere"],
        ["heat", "corner-shop", "--traces", "nowhere.csv"],
        ["heat", "corner-shop", "--shoppers", "10000000"],
    ],
)
def test_bad_input_is_refused_before_any_basket_is_loaded(arguments, no_baskets, capsys):
    assert main(["store", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def stopped(*_, **__):
    raise KeyboardInterrupt
    yield


@pytest.mark.parametrize(
    ("place", "name", "arguments"),
    [
        (simulation.store.compare, "comparing", ["compare", "corner-shop", "--edit", "swap=dairy,bakery"]),
        (simulation.store.search, "searching", ["search", "convenience"]),
    ],
)
def test_whoever_stops_before_the_first_day_is_told_what_was_done(place, name, arguments, monkeypatch, capsys):
    monkeypatch.setattr(place, name, stopped)
    assert main(["store", *arguments]) == 130
    said = capsys.readouterr()
    assert said.out == ""
    assert "nothing is stored. The same command begins again" in said.err


def test_whoever_stops_later_is_told_how_far_it_came(monkeypatch, capsys):
    whole = simulation.store.compare.comparing

    def some(*arguments, **named):
        yield next(whole(*arguments, **named))
        raise KeyboardInterrupt

    monkeypatch.setattr(simulation.store.compare, "comparing", some)
    arguments = ["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--shoppers", "40", "--days", "2"]
    assert main(["store", *arguments]) == 130
    said = capsys.readouterr()
    assert "sales per visit" in said.out
    assert "interrupted after 2 days and 0 draws of the parameters" in said.err
    assert "with --days 2 it ends there" in said.err


def test_whoever_stops_while_baskets_are_loaded_is_answered_too(monkeypatch, capsys):
    def load(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments.store.inputs, "demand_model", load)
    assert main(["store", "compare", "corner-shop", "--edit", "swap=dairy,bakery"]) == 130
    assert "interrupted" in capsys.readouterr().err
