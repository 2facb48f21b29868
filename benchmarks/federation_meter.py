"""What a contender of the federation benchmark has used so far; read once a round."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Final

COLUMNS: Final = ("end_s", "end_cpu_s", "memory_mb", "start_s", "start_cpu_s")


def reading() -> tuple[float, float, float, float, float]:
    """Return `COLUMNS`: when a round ended, and the most memory so far; and the clocks again for the next one.

    On Ray it adds up all processes of the simulation: pages that they share count in each of them.
    """
    wall = time.monotonic()
    if "TRADEFAIR_SIMULATION" not in os.environ:
        cpu, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return wall, cpu, memory, wall, cpu
    from federation.engines.deploy.processes import MARK, marked

    family = [os.getpid(), *marked(os.environ[MARK])]
    cpu, memory = sum(map(_cpu_s, family)), sum(map(_peak_mb, family))
    return wall, cpu, memory, time.monotonic(), sum(map(_cpu_s, family))


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
