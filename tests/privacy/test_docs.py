import re
from pathlib import Path

import pytest

from privacy import cap, epsilon_rdp, read_ledger

PAGE = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_the_example_of_how_to_spend_runs_and_resumes_without_paying_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = BLOCKS
    for _ in range(2):
        exec(compile(example, "docs/privacy.md", "exec"), {})
        record = read_ledger(tmp_path / "ledger.sqlite")
        assert list(record.reservations["key"]) == [f"round-{number}" for number in range(40)]
        assert record.reservations["committed_at"].notna().all()
        (budget,) = record.budgets.to_dict("records")
        assert budget["spent"] == 40 * (cap(epsilon=4.0, delta=1e-5) * 7 // 10 // 40)
        assert 0 < epsilon_rdp(budget["spent"], delta=1e-5) < 4.0


def test_the_figures_about_several_runs_are_true():
    runs, total, epsilon = re.search(
        r"at delta 1e-5 (\w+) runs of\s+epsilon (\d+) fit\s+into a total of ([\d.]+), and three do not", PAGE
    ).group(1, 3, 2)
    assert runs == "two"
    one, everything = cap(epsilon=float(epsilon), delta=1e-5), cap(epsilon=float(total), delta=1e-5)
    assert 2 * one <= everything < 3 * one


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [1, 4, 8])
def test_the_table_of_noise_levels_is_what_the_code_gives(epsilon):
    from privacy import epsilon_pld, noise_multiplier

    row = re.search(rf"^\| {epsilon} \|(.*)\|$", PAGE, flags=re.MULTILINE).group(1)
    one, _, each, tight = (float(cell) for cell in row.split("|"))
    whole = cap(epsilon=float(epsilon), delta=1e-5)
    assert noise_multiplier(whole) == pytest.approx(one, abs=0.0006)
    assert noise_multiplier(whole // 40) == pytest.approx(each, abs=0.006)
    assert epsilon_pld([noise_multiplier(whole)], delta=1e-5).epsilon == pytest.approx(tight, abs=0.0006)
