"""Who may read tables about persons without asking `privacy.port`: the modules listed here, each for one reason.

The walk sees names, not values: a module that builds the name of a function at run time, or opens a file byte by byte,
is not found. It is a fence against forgetting, not against somebody who wants to get around it.
"""

import ast
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["root_packages"]

SOURCE = "opens a data source"
PERSONS = "touches a table about persons"
LOADER = "calls a loader of retail"
NODES = "takes rows from federation.nodes or federation.shops"
FILE = "reads a table file"

TABLES_OF_PERSONS = {"transactions", "customers"}
LOADERS = {
    "load_folder",
    "complete_journey.load",
    "generate",
    "generator.generate",
    "tablefile.read_table",
    "campaigns.load_campaigns",
}
ROWS_OF_NODES = ("load_nodes", "own_rows", "later_rows", "known_persons", "node", "pooled", "future")
READERS = {
    "pyarrow.parquet": ("read", "ParquetFile", "ParquetDataset"),
    "pyarrow.csv": ("read", "open"),
    "pyarrow.json": ("read", "open"),
    "pyarrow.dataset": ("dataset", "parquet_dataset", "Scanner"),
    "pyarrow.feather": ("read",),
    "pyarrow.orc": ("read", "ORCFile"),
    "pyarrow.ipc": ("read", "open"),
    "pandas": ("read_", "ExcelFile", "HDFStore"),
    "numpy": ("load", "fromfile", "genfromtxt", "memmap"),
    "csv": ("reader", "DictReader"),
}

ALLOWED = {
    # The loaders: what they return is handed on by the port, or by a module below.
    ("retail/complete_journey.py", FILE): "reads the public data set that comes with a package",
    ("retail/dataset.py", FILE): "reads promotions, which name no person",
    ("retail/datasource.py", LOADER): "turns a description of data into data",
    ("retail/folder.py", LOADER): "reads the tables of a user's own folder",
    ("retail/movielens.py", FILE): "reads public ratings that the user has, to lay them out as a folder of tables",
    ("retail/merchants.py", PERSONS): "cuts a data set that its caller holds into merchants",
    ("retail/attributes.py", PERSONS): "reads what households said of a data set that its caller holds",
    ("retail/households.py", PERSONS): "sums up lines of a data set that its caller holds",
    ("retail/responses/source.py", FILE): "reads the tables that a federation's port hands on",
    ("retail/sources.py", FILE): "reads a user's own file for the loader",
    # Behind the port, or at the other exit.
    ("federation/shops.py", SOURCE): "is where each merchant's rows lie; the port reads them from here",
    ("federation/shops.py", PERSONS): "cuts the rows into merchants, before anybody has asked for them",
    ("federation/access.py", NODES): "gives the rows to the port as its sources",
    ("apps/compliance/rule_table.py", FILE): "reads a table of rules, which names no person",
    ("apps/command/release.py", SOURCE): "gives the rows to the release gate, the exit of statistics",
    ("privacy/statistics/rows.py", PERSONS): "gives the rows to the release gate, the exit of statistics",
    ("privacy/erasure/table_file.py", FILE): "finds a person's rows to delete them",
    ("privacy/erasure/run_store.py", FILE): "finds a person's rows to delete them",
    # A deployment: the owner of a folder lays it out on the owner's machine; what nodes train on comes by their ports.
    ("federation/engines/deploy/invitation.py", SOURCE): "reads the public tables of the server's folder",
    ("federation/engines/deploy/site.py", SOURCE): "lays a trial out on one machine, for whoever has all rows there",
    ("federation/engines/deploy/split.py", PERSONS): "deals a trial's rows out to merchants' folders on one machine",
    ("federation/engines/deploy/results.py", FILE): "reads the model of a finished run",
    # No party's rows: settings, dates, results, models, logs.
    ("experiments/arms.py", SOURCE): "looks up the dates that the data cover, when nobody declared them",
    ("experiments/documents.py", FILE): "reads results out of the run store",
    ("federation/checkpoint.py", FILE): "reads the state of a model",
    ("matching/index_file.py", FILE): "reads an index that matching itself saved; consent filters every search of it",
    ("privacy/access/file.py", FILE): "reads logs of decisions, which name no person",
    ("privacy/policy/table.py", FILE): "reads tables of rules",
    ("apps/store/results.py", FILE): "reads heat maps of simulated shoppers out of the run store",
    ("retail/market_log/files.py", FILE): "reads a marketplace's log, whose schema has no column for persons",
    ("apps/market/upload.py", FILE): "looks into an uploaded log of a marketplace before that reader takes it",
    # A merchant's own files, read by the merchant on the merchant's machine to simulate its store.
    ("simulation/store/demand_model/folder.py", LOADER): "learns demand from the merchant's own tables",
    ("simulation/store/demand_model/folder.py", PERSONS): "learns demand from the merchant's own tables",
    ("simulation/store/traces.py", FILE): "reads the merchant's own traces",
    ("retail/private_label/purchases.py", PERSONS): "learns shares and prices from the merchant's own tables",
    ("retail/private_label/__main__.py", LOADER): "prints what is learnt from the merchant's own tables",
    ("experiments/market/label_run.py", SOURCE): "learns shares and prices from the merchant's own tables",
    # Simulations on public data, where nothing is anybody's.
    ("simulation/store/calibrate/__main__.py", LOADER): "calibrates on the public data set",
    ("simulation/store/calibrate/promotions.py", PERSONS): "calibrates on the public data set",
    ("simulation/store/demand_model/complete_journey.py", FILE): "keeps the trips of the public data set in a cache",
    ("simulation/store/demand_model/complete_journey.py", LOADER): "learns demand from the public data set",
    ("simulation/store/demand_model/complete_journey.py", PERSONS): "learns demand from the public data set",
    ("retail/offer_weeks.py", PERSONS): "sums up lines of a data set that its caller holds",
    ("retail/brand_choices.py", PERSONS): "takes choices from a data set that its caller holds",
    ("matching/psi/id_file.py", FILE): "reads a party's own list on its own machine; masked points alone leave",
    ("experiments/audience/insight_beside.py", SOURCE): "sums up the public data set once the port has said yes",
    ("experiments/audience/insight_run.py", SOURCE): "estimates on the public data set, once the port has said yes",
    ("experiments/audience/attribute_data.py", SOURCE): "lays out what home stores of the public data set know",
    ("experiments/audience/lookalike.py", SOURCE): "looks up the dates of the data and what its products are called",
    ("experiments/audience/trial.py", SOURCE): "draws trials over households of the public data set",
    ("experiments/audience/campaign_data.py", SOURCE): "lays out what home stores of the public data set know",
    ("experiments/audience/campaign_data.py", LOADER): "looks up who was sent which campaign in the public data set",
    ("experiments/audience/measurement_run.py", LOADER): "gives the rows to the release gate, the exit of statistics",
    ("experiments/audience/measurement_run.py", PERSONS): "gives the rows to the release gate, the exit of statistics",
    ("experiments/audience/measurement_run.py", SOURCE): "gives the rows to the release gate, the exit of statistics",
    ("experiments/audience/campaign_data.py", PERSONS): "counts lines of campaigns' products in the public data set",
    ("experiments/baselines/tune.py", LOADER): "tunes published baselines on the public data set",
    ("experiments/baselines/tune.py", PERSONS): "tunes published baselines on the public data set",
    ("experiments/assistant/figures.py", FILE): "reads a merchant's own list of groups, to tell error rates apart",
    ("experiments/assistant/suggestions.py", FILE): "reads the model of a finished run",
    ("experiments/assistant/suggestions.py", SOURCE): "looks up what products of the panel are called",
    ("experiments/measuring.py", NODES): "numbers shoppers alike at every origin; the ids themselves go nowhere",
}


def found_in(code: str) -> set[str]:
    """What a module does that only a listed module may do."""
    tree = ast.parse(code)
    names = _imported(tree)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in TABLES_OF_PERSONS:
            found.add(PERSONS)
        if isinstance(node, ast.Call):
            found |= _in_call(node)
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            found |= _in_name(_dotted(node, names))
    return found


def _in_call(node: ast.Call) -> set[str]:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr == "open" and not node.args and not node.keywords:
        return {SOURCE}
    if isinstance(function, ast.Name) and function.id == "getattr" and len(node.args) > 1:
        name = node.args[1]
        if isinstance(name, ast.Constant) and name.value in TABLES_OF_PERSONS:
            return {PERSONS}
    return set()


def _in_name(dotted: str) -> set[str]:
    if dotted.startswith("retail.") and any(dotted.endswith(f".{loader}") for loader in LOADERS):
        return {LOADER}
    package, _, name = dotted.rpartition(".")
    if package in ("federation.nodes", "federation.shops") and name in ROWS_OF_NODES:
        return {NODES}
    return {FILE} if package in READERS and name.startswith(READERS[package]) else set()


def _imported(tree: ast.Module) -> dict[str, str]:
    """Local name -> dotted name that it stands for, wherever in the module it is imported."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                local = one.asname or one.name.partition(".")[0]
                names[local] = one.name if one.asname else local
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return names


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return ""
    return ".".join([names[node.id], *reversed(parts)])


def reads(root: Path, rooms=ROOMS) -> set[tuple[str, str]]:
    return {
        (path.relative_to(root).as_posix(), what)
        for room in rooms
        for path in sorted((root / room).rglob("*.py"))
        for what in found_in(path.read_text(encoding="utf-8"))
    }


@pytest.fixture(scope="module")
def ours():
    """What the modules of the product do."""
    return reads(ROOT)


def test_no_module_reads_persons_data_around_the_port(ours):
    around = sorted(ours - set(ALLOWED))
    assert not around, f"read through privacy.port, or list the module with a reason: {around}"


def test_no_module_is_listed_that_reads_nothing(ours):
    stale = sorted(set(ALLOWED) - ours)
    assert not stale, f"take these off the list: {stale}"


def test_every_reason_is_a_reason():
    assert all(len(reason.split()) >= 4 for reason in ALLOWED.values())


def test_every_room_is_walked():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests", "benchmarks"} == set(ROOMS)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("config.source.open()", SOURCE),
        ("def f(source):\n    data = source.open\n    return source.open().products", SOURCE),
        ("rows = data.transactions", PERSONS),
        ("rows = getattr(data, 'customers')", PERSONS),
        ("from retail.folder import load_folder\nload_folder('x')", LOADER),
        ("from retail import load_folder as innocent\ninnocent('x')", LOADER),
        ("import retail.folder\nread = retail.folder.load_folder", LOADER),
        ("from retail import complete_journey as cj\ncj.load()", LOADER),
        ("def f():\n    from retail.generator import generate\n    return generate(5)", LOADER),
        ("from federation import nodes\nnodes.own_rows(config, 0)", NODES),
        ("from federation.nodes import load_nodes\nlist(map(load_nodes, configs))", NODES),
        ("from federation import shops\nshops.later_rows(config, days=7)", NODES),
        ("import pandas as pd\npd.read_parquet('x')", FILE),
        ("from pandas import read_csv as peek\npeek('x')", FILE),
        ("import pyarrow.parquet as pq\npq.ParquetFile('x').read()", FILE),
        ("import pyarrow.dataset\npyarrow.dataset.dataset('x')", FILE),
        ("import numpy\nnumpy.load('x')", FILE),
        ("import csv\ncsv.DictReader(file)", FILE),
    ],
)
def test_a_planted_module_that_reads_around_the_port_is_found(tmp_path, code, what):
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "sly.py").write_text(textwrap.dedent(code))
    assert reads(tmp_path, ["apps"]) == {("apps/sly.py", what)}


@pytest.mark.parametrize(
    "code",
    [
        "port.read('m1', 'tills', columns=('day',), purpose='research')",
        "port.open('m1', 'tills', columns=('day',), purpose='research').read()",
        "path.open('rb')",
        "open('x')",
        "import pyarrow.parquet as pq\npq.write_table(table, 'x')",
        "import pandas as pd\npd.DataFrame({})",
        "from retail import load_folder",
        "from retail.problems import shown\nshown('load_folder')",
    ],
)
def test_what_reads_nobodys_rows_is_left_alone(code):
    assert found_in(code) == set()
