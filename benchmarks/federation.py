"""What one round of a federation costs for each client: Tradefair's engines beside a plain loop and pfl-research.

python benchmarks/federation.py [--quick] [--json] [--pfl FOLDER]
python benchmarks/federation.py --units merchant --widths 11 --clients 10,100 --contenders plain,cohort

All contenders learn the same problem (`federation_problem`) from the same bytes with the same steps, with all clients
in every round, and their weights are compared with the plain loop's. The plain loop is what one would write in torch
without an engine. pfl is Apple's pfl-research; it gets an environment of its own in FOLDER (about 1 GB), made when it
is missing, or a passing one; with --quick it is left out unless FOLDER is named. Ray is Flower's own simulation, one
process a core; everything else runs on one core. Every cell is a process of its own. Contenders take turns on each
problem, in two passes, the second one backwards; Ray, and 2,000 clients, have one. The first round of a pass is not
timed. A deployment is not measured here; docs/deploy.md says what its rounds take. Where there is a GPU, the cohort's
rounds of 2,000 merchants follow on it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # this file is called like the room that it measures

import numpy as np
from federation_problem import Problem, Settings
from federation_table import HEAD, Cell, Verdict, lines_of, markdown, verdicts
from federation_workers import FAMILIES, Worker, pfl_python

WIDTHS = (11, 62, 193)
STEPS = {"merchant": 4, "person": 1}
CLIENTS = {"merchant": (10, 100, 500, 2_000), "person": (10, 100, 500)}
RAY = ((62, 100), (62, 10), (62, 500), (62, 2_000), (11, 500), (193, 500))
"""Width and clients of problems that Ray gets, the first one with --quick too."""
PFL_PERSONS = 2_000  # of more, a round of pfl takes a minute or more
ONE_PASS = 2_000  # clients
ROUNDS = {10: 10, 100: 5, 500: 2}
"""Timed rounds of a pass up to so many clients; one above."""
GPU = tuple(Settings(clients=2_000, hidden=86, unit=unit, steps=4) for unit in ("merchant", "person"))
GPU_ROUNDS, GPU_MS = 20, 20.0
LIMIT_S = 600  # of one cell


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one pass, up to 100 clients, Ray on one problem")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--markdown", action="store_true", help="the tables of docs/benchmarks.md")
    parser.add_argument("--pfl", type=Path, metavar="FOLDER", help="environment with pfl, made when it is missing")
    parser.add_argument("--units", type=texts, default=list(STEPS), help=f"of {', '.join(STEPS)}")
    parser.add_argument("--widths", type=numbers, default=WIDTHS, help=f"of the hidden layers; {WIDTHS} when left out")
    parser.add_argument("--clients", type=numbers, help=f"{CLIENTS} when left out")
    parser.add_argument("--contenders", type=texts, default=list(FAMILIES), help=f"of {', '.join(FAMILIES)}")
    parser.add_argument("--passes", type=number, help="how often every cell is run")
    parser.add_argument("--all-ray", action="store_true", help="Ray on every problem, not on six alone; minutes more")
    asked = parser.parse_args()
    for what, known in (("units", STEPS), ("contenders", FAMILIES)):
        strange = [one for one in getattr(asked, what) if one not in known]
        if strange:
            parser.error(f"--{what} {', '.join(strange)}: choose of {', '.join(known)}")
    return asked


def texts(text: str) -> list[str]:
    return text.split(",")


def numbers(text: str) -> list[int]:
    found = [int(one) for one in text.split(",")]
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"{min(found)} is below 1")
    return found


def number(text: str) -> int:
    return numbers(text)[0]


def problems(asked: argparse.Namespace) -> Iterator[Settings]:
    """Yield what is learned, problem after problem."""
    for unit in asked.units:
        clients = asked.clients or [one for one in CLIENTS[unit] if not asked.quick or one <= 100]
        for hidden, count in product(asked.widths, clients):
            yield Settings(clients=count, hidden=hidden, unit=unit, steps=STEPS[unit])


def turns(asked: argparse.Namespace, contenders: Sequence[str], problem: Settings) -> Iterator[str]:
    """Yield contenders in the order in which they run on a problem."""
    left_out = {"ray"}
    if problem.unit == "person" and problem.units > PFL_PERSONS:
        left_out.add("pfl")
    for one in range(asked.passes or (1 if asked.quick or problem.clients >= ONE_PASS else 2)):
        yield from (name for name in (contenders[::-1] if one % 2 else contenders) if name not in left_out)
    on_ray = RAY[:1] if asked.quick else RAY
    if "ray" in contenders and problem.unit == "merchant":
        if asked.all_ray or (problem.hidden, problem.clients) in on_ray:
            yield "ray"


def measured(workers: dict[str, Worker], order: Sequence[str], settings: Settings, folder: Path) -> list[Cell]:
    """Run contenders on one problem."""
    file = folder / "problem.npz"
    Problem.draw(settings).save(file)
    rounds = 1 + next((timed for most, timed in ROUNDS.items() if settings.clients <= most), 1)
    cells: dict[str, Cell] = {}
    for name in order:
        say(f"{settings.unit}, {settings.parameters:,} weights, {settings.clients:,} clients: {name}")
        cell = cells.setdefault(name, Cell(settings.unit, settings.parameters, settings.clients, name))
        cell.add(run(workers[name], name, file, rounds))
    truth = file.with_suffix(".plain.npy")
    for name, cell in cells.items():
        if truth.exists() and name != "plain" and not cell.error:
            cell.compare(np.load(file.with_suffix(f".{name}.npy")), np.load(truth)[rounds - 1])
    truth.unlink(missing_ok=True)
    print("\n".join(one.line() for one in cells.values()), file=sys.stderr)
    return list(cells.values())


def run(worker: Worker, contender: str, file: Path, rounds: int, device: str = "cpu") -> dict[str, object]:
    asked = {"contender": contender, "file": str(file), "rounds": rounds, "device": device}
    return worker.run(**asked, limit_s=LIMIT_S)


def on_gpu(worker: Worker, folder: Path) -> tuple[list[Cell], list[Verdict]]:
    """Time the cohort on a GPU: nothing else in here uses one."""
    cells = []
    for settings in GPU:
        file = folder / "problem.npz"
        Problem.draw(settings).save(file)
        say(f"GPU: {settings.unit}, {settings.parameters:,} weights, {settings.clients:,} clients")
        cell = Cell(settings.unit, settings.parameters, settings.clients, "cohort")
        cell.add(run(worker, "cohort", file, 1 + GPU_ROUNDS, "cuda"))
        cells.append(cell)
    found = [
        Verdict(
            "ms a round on a GPU", one.unit, one.parameters, one.clients, one.ms("wall_s") * one.clients, GPU_MS, True
        )
        for one in cells
        if not one.error
    ]
    return cells, found


def say(what: str) -> None:
    """Tell what is measured now, and how busy the machine is."""
    print(f"{what} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)", file=sys.stderr)


def pythons(asked: argparse.Namespace, keep: ExitStack) -> dict[str, str]:
    """Return the interpreter of each contender that can run here."""
    found = dict.fromkeys(asked.contenders, sys.executable)
    if "pfl" not in found:
        return found
    if asked.quick and asked.pfl is None:
        print("pfl is left out; name a folder for it: --pfl FOLDER", file=sys.stderr)
        del found["pfl"]
        return found
    python = pfl_python(asked.pfl or Path(keep.enter_context(tempfile.TemporaryDirectory(prefix="pfl-"))))
    if python is None:
        del found["pfl"]
    else:
        found["pfl"] = python
    return found


def main() -> None:
    asked = options()
    with ExitStack() as keep:
        folder = Path(keep.enter_context(tempfile.TemporaryDirectory(prefix="federation-")))
        families: dict[str, Worker] = {}
        workers = {}
        for name, python in pythons(asked, keep).items():
            family = FAMILIES[name]
            if family not in families:
                families[family] = keep.enter_context(closing(Worker(family, python)))
            workers[name] = families[family]
        cells: list[Cell] = []
        for settings in problems(asked):
            cells += measured(workers, list(turns(asked, list(workers), settings)), settings, folder)
        found, gpu = list(verdicts(cells)), list[Cell]()
        if "cohort" in workers and workers["cohort"].about["cuda"]:
            gpu, more = on_gpu(workers["cohort"], folder)
            found += more
    if asked.json:
        tables = {"cells": cells, "gpu": gpu, "targets": found}
        print(json.dumps({"cores": os.cpu_count(), **{name: list(map(asdict, rows)) for name, rows in tables.items()}}))
    elif asked.markdown:
        print("\n".join(markdown(cells, found)))
    else:
        print("\n".join([HEAD, *(one.line() for one in (*cells, *gpu)), "", *lines_of(found)]))
        if not gpu:
            print("Rounds on a GPU are not measured: there is none here, or the cohort is left out.")
    if any(one.error for one in cells):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
