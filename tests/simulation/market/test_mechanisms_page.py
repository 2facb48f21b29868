"""The tables of docs/market-mechanisms.md are what the command prints."""

from pathlib import Path

import pytest

from simulation.market.mechanisms.__main__ import dual_role, fees, imitation, main, thresholds

PAGE = (Path(__file__).parents[3] / "docs" / "market-mechanisms.md").read_text(encoding="utf-8")


def row(cells) -> str:
    return "| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


@pytest.mark.slow
def test_every_row_of_the_tables_is_on_the_page():
    for one in imitation():
        assert row([str(one["sigma"]), *list(one.values())[1:]]) in PAGE
    for one in fees():
        assert row(one.values()) in PAGE
    for one in dual_role():
        assert row([str(one["effort"]), *list(one.values())[1:]]) in PAGE


def test_the_thresholds_on_the_page_are_those_found():
    rows = thresholds()
    found = {one["family"]: one["thickness"] for one in rows if one["elasticity"] == 1.0}
    assert f"sigma {found['Lognormal']:.3f} (lognormal), thickness {found['Weibull']:.3f}" in PAGE
    assert f"{found['Pareto']:.3f}".lstrip("0") + " (Pareto" in PAGE
    assert all((one["thin"], one["thick"]) == (-1, -1) for one in rows if one["elasticity"] == 0.25)


@pytest.mark.slow
def test_the_command_prints_every_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mechanisms"])
    main()
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("imitation", "thresholds", "fees", "dual role", "no imitation or steering"))
    for code in ("thin, thick:", "- where it changes nowhere", "its rest:", "best for all:", "better:"):
        assert code in printed
