"""Contenders of the federation benchmark, each on one problem in a process of its own.

    python federation_cell.py FAMILY

FAMILY is "plain", "pfl" or "tradefair". The process imports what its family needs once, and then forks for every line
on its standard input, a JSON object with the arguments of `used`; so a cell pays for no imports, and its memory is its
own. Each answer is a line of JSON too. `federation_workers` is what talks to it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the room `federation` before the script of that name

import numpy as np
import torch
from federation_meter import reading
from federation_problem import Problem, Settings, plain_round

Outcome = tuple[np.ndarray, np.ndarray]
"""(d,) weights after the last round, or (rounds, d) after each; and (rounds, 5) readings of the meter."""


def plain(problem: Problem, rounds: int) -> Outcome:
    """Run rounds without an engine."""
    weights, kept, readings = torch.from_numpy(problem.start), [], []
    for _ in range(rounds):
        weights = plain_round(weights, problem)
        kept.append(weights.numpy())
        readings.append(reading())
    return np.stack(kept), np.array(readings)


def tradefair(engine: str, problem: Problem, file: Path, rounds: int, device: str) -> Outcome:
    """Run rounds on one of Tradefair's engines."""
    from federation_task import configured

    from federation.run import run

    model = run(configured(problem, file, rounds=rounds, device=device), engine=engine).model
    return model["weights"], model["meter"]


def used(contender: str, file: str, rounds: int, device: str) -> dict[str, Any]:
    """Run a contender on a problem; its weights are written beside the problem.

    Returns: for each round but the first the wall and CPU seconds, the seconds beside the rounds ("fixed_s": reading
        data, starting and stopping), the most memory in MB, and what of it was there before.
    """
    path = Path(file)
    problem = Problem.load(path)
    start, before_mb = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if contender == "plain":
        weights, meter = plain(problem, rounds)
    elif contender == "pfl":
        from federation_pfl import train

        weights, meter = train(problem, rounds)
    else:
        weights, meter = tradefair(contender, problem, path, rounds, device)
    took = time.monotonic() - start
    np.save(path.with_suffix(f".{contender}.npy"), weights)
    wall_s, cpu_s = meter[1:, 0] - meter[:-1, 3], meter[1:, 1] - meter[:-1, 4]
    return {
        "wall_s": wall_s.tolist(),
        "cpu_s": cpu_s.tolist(),
        "fixed_s": max(took - float(np.median(wall_s)) * rounds, 0.0),
        "memory_mb": float(meter[:, 2].max()),
        "before_mb": before_mb,
    }


def answer(line: str) -> dict[str, Any]:
    """Do what one line asks for, within its limit."""
    asked = json.loads(line)

    def late(*_: object) -> None:
        raise TimeoutError(f"took longer than {limit_s} s")

    limit_s = asked.pop("limit_s")
    signal.signal(signal.SIGALRM, late)
    signal.alarm(limit_s)
    try:
        return used(**asked)
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        signal.alarm(0)


def main() -> None:
    family = sys.argv[1]
    torch.set_num_threads(1)
    small = Problem.draw(Settings(clients=1, hidden=2, unit="person", steps=1))
    plain_round(torch.from_numpy(small.start), small)  # imports what torch.func needs
    if family == "pfl":
        import federation_pfl  # noqa: F401
    elif family == "tradefair":
        import federation_task  # noqa: F401

        import federation.engines.cohort
        import federation.engines.inprocess
        import federation.engines.ray.drive
        import federation.run  # noqa: F401
    print(json.dumps({"cuda": torch.cuda.device_count(), "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        if pid := os.fork():
            _, status = os.waitpid(pid, 0)
            if status:
                print(json.dumps({"error": f"its process ended with status {status}"}), flush=True)
        else:
            print(json.dumps(answer(line)), flush=True)
            os._exit(0)


if __name__ == "__main__":
    main()
