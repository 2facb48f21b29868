"""What needs no row to be known is refused before any run starts, in one line, with nothing written."""

import pytest

from apps.command.main import main
from privacy import Budget, Ledger
from retail.errors import ConfigError

BAD = {
    "split.origins=50": "at most 9 origins fit",
    "split.window_days=400": "shorten window_days",
    'partition.merchants="members"': "list of the Complete Journey",
    "options.tast=true": "options.tast is unknown",
    'options.windows="a"': "write a whole number",
    "options.popularity_share=-1": "above 0",
    'task="json:dumps"': "is no Task",
    'federation.device="cuda:7"': 'write "cpu"',
    'targets={"ratio(explor, federated, popularity)"=">= 1"}': "'explor', which is not measured",
    "arms.popularity.options.windo=3": "options.windo is unknown to method popularity",
}


@pytest.mark.parametrize("override", list(BAD))
def test_what_cannot_run_is_refused_in_one_line_before_anything_is_written(override, tmp_path, capfd):
    store = tmp_path / "runs"
    assert main(["run", "shoppers", "--store", str(store), "--set", override]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert BAD[override] in err
    assert not store.exists()


def test_an_epsilon_over_a_folder_without_a_public_population_is_refused_unread(tmp_path, capfd):
    scenario = tmp_path / "mine.toml"
    scenario.write_text(
        'name = "mine"\n[data]\nsource = "folder"\npath = "nowhere"\nstart = 2024-01-01\nend = 2024-12-29\n'
        '[[arms]]\nname = "dp"\nmethod = "federated"\nepsilon = 1.0\n'
    )
    assert main(["run", str(scenario), "--store", str(tmp_path / "runs")]) == 2
    assert "data.population" in capfd.readouterr().err


def test_a_merchant_that_does_not_exist_is_refused_by_its_id(tmp_path, capfd):
    few = ["run", "shoppers", "--store", str(tmp_path / "runs"), "--jobs", "1", "--set", "data.shoppers=50"]
    few += ["--set", "sweep={}", "--set", "partition.merchants=[99999]"]
    assert main(few) == 2
    assert "partition.merchants names 99999" in capfd.readouterr().err


def test_a_spent_ledger_is_refused_before_the_data_is_even_looked_for(tmp_path, capfd):
    (tmp_path / "shop").mkdir()
    budget = Budget(dataset="folder shop", epsilon=1.0, delta=1e-5, population=100)
    ledger = Ledger.open(tmp_path / "ledger.sqlite", scope="persistent", budget=budget, run="earlier")
    ledger.commit(ledger.reserve("training", "round-1", ledger.cap))
    (tmp_path / "shop").rmdir()
    scenario = tmp_path / "mine.toml"
    scenario.write_text(
        f'name = "mine"\n[data]\nsource = "folder"\npath = "{tmp_path}/shop"\npopulation = 100\n'
        f'start = 2024-01-01\nend = 2024-12-29\n[privacy]\ndelta = 1e-5\nledger = "{tmp_path}/ledger.sqlite"\n'
        '[[arms]]\nname = "dp"\nmethod = "federated"\nepsilon = 1.0\n'
    )
    assert main(["run", str(scenario), "--store", str(tmp_path / "runs")]) == 2
    message = capfd.readouterr().err
    assert "is spent" in message
    assert len(message.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_every_bundled_scenario_passes_or_says_which_extra_it_needs(tmp_path):
    from experiments.execute import expand_scenario, kind_of
    from experiments.preflight import check_scenario
    from experiments.scenario_file import bundled_scenarios, load_scenario
    from matching.face.dlib_faces import is_installed

    for name in bundled_scenarios():
        scenario = load_scenario(name)
        if name == "faces-public" and not is_installed():
            with pytest.raises(ConfigError, match="extra `faces`"):
                kind_of(scenario).check(scenario, tmp_path)
        elif scenario.kind == "store":
            assert expand_scenario(scenario)
        elif scenario.kind in ("faces", "market", "audience"):
            kind_of(scenario).check(scenario, tmp_path)
        else:
            check_scenario(scenario)


def test_the_version_is_printed(capfd):
    assert main(["--version"]) == 0
    assert capfd.readouterr().out.startswith("tradefair ")
