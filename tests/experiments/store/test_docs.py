import re
import tomllib
from pathlib import Path

from experiments.scenario_file import bundled_scenarios, load_scenario, validate
from experiments.store.inputs import arm_plan
from experiments.store.scenario import StoreArm, StoreScenario, TargetingSettings
from simulation.store.plan import load_plan

PAGE = (Path(__file__).parents[3] / "docs" / "store-scenarios.md").read_text(encoding="utf-8")
COMMON = {"name", "title", "description", "sweep", "targets"}


def rows(heading):
    text = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]


def test_every_key_of_a_store_scenario_is_listed_with_its_default():
    listed, section = {}, ""
    for cells in rows("Keys")[1:]:
        section = (re.findall(r"\*\*\[+([\w.]+)\]+\*\*", cells[0]) or [section])[-1]
        for name in re.findall(r"`(\w+)`", cells[0]):
            listed[f"{section}.{name}".strip(".")] = cells[1].strip("`")
    fields = StoreScenario.model_fields
    tables = {name: one.annotation for name, one in fields.items() if hasattr(one.annotation, "model_fields")}
    tables.pop("reference")
    models = {**tables, "arms": StoreArm, "arms.targeting": TargetingSettings}
    wanted = {name: one for name, one in fields.items() if name not in {*models, *COMMON, "reference"}}
    for table, model in models.items():
        wanted |= {f"{table}.{name}": one for name, one in model.model_fields.items() if name != "targeting"}
    assert set(listed) == set(wanted)
    for key, written in listed.items():
        if wanted[key].is_required():
            assert written == "required"
            continue
        default = wanted[key].get_default(call_default_factory=True)
        shown = None if written == "-" else tomllib.loads(f"x = {written}")["x"]
        assert shown == (list(default) if isinstance(default, tuple) else default), key


def test_the_example_of_the_page_is_a_scenario_that_can_run():
    lines = PAGE.split("researchers.md) says.")[1] if "researchers.md) says." in PAGE else PAGE
    block = lines[lines.index("    kind =") :].split("\n\n| bundled")[0]
    scenario = validate(tomllib.loads("\n".join(line[4:] for line in block.splitlines())), source="page")
    assert [arm.name for arm in scenario.arms] == ["dairy-first", "trays"]
    plan = load_plan(scenario.plan)
    changed = arm_plan(plan, scenario.arms[1])
    kept = [one for one in plan.tills if one.till != "lane"]
    assert [one for one in changed.tills if one.till != "tray"] == kept


def test_every_bundled_store_scenario_is_named_with_its_method():
    listed = {name.strip("`"): method.strip("`") for name, method, _ in rows_of_first_table()}
    found = {name: load_scenario(name) for name in bundled_scenarios()}
    stores = {name: one.method for name, one in found.items() if one.kind == "store"}
    assert listed == stores


def rows_of_first_table():
    text = PAGE.split("## Keys")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:3] == "| `"]
