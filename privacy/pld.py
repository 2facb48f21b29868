"""The epsilon that reports print: tighter than the one the ledger admits by, and never needed to run.

Privacy loss distributions give Gaussian noise its near-exact epsilon. Their memory grows with the range of the loss,
so the computation runs in a child process with limits; when it fails, the report falls back to the RDP figure and
says so.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from privacy.accounting import check_delta, cost, epsilon_rdp

_WORKER: Final = Path(__file__).with_name("pld_worker.py")
_GRID_SHARE: Final = 1e-4  # grid step as a share of the RDP epsilon: about 1e5 points whatever the noise


@dataclass(frozen=True, slots=True)
class EpsilonReport:
    """An epsilon and the accountant it came from.

    Attributes:
        epsilon: the bound.
        accountant: "pld", or "rdp" when the PLD computation failed.
        reason: why it fell back; empty for "pld".
    """

    epsilon: float
    accountant: Literal["pld", "rdp"]
    reason: str = ""


def epsilon_pld(
    noise_multipliers: Sequence[float], *, delta: float, timeout_s: float = 30.0, memory_mib: int = 2048
) -> EpsilonReport:
    """Report the epsilon of Gaussian releases about the same people.

    Args:
        noise_multipliers: z of each release. For what a ledger has spent on Gaussian noise, give
            `[noise_multiplier(ledger.spent)]`.
        delta: in (0, 1).
        timeout_s: wall-clock seconds the child process may take.
        memory_mib: address space it may take.

    Returns: the bound; 0 for no releases. Results are kept for the life of the process, fallbacks are not.

    Raises: PrivacyError: a noise multiplier or delta is out of range.

    Guarantee: the releases together are (epsilon, delta)-DP. Assumes that every one is Gaussian noise on full data (no
        sampling), with each z fixed before the first release: unlike the ledger's own bound, this one does not cover
        noise levels chosen after seeing answers.

    Source: n Gaussian releases equal one with 1/z^2 = sum of 1/z_i^2 (Dong, Roth and Su 2022, Corollary 3.3); its
        privacy loss distribution by dp-accounting (Doroshenko et al. 2022), rounded pessimistically.
    """
    check_delta(delta)
    costs = [cost(z) for z in noise_multipliers]
    if not costs:
        return EpsilonReport(0.0, "pld")
    ceiling = epsilon_rdp(costs, delta=delta)
    if ceiling == 0:
        return EpsilonReport(0.0, "rdp", "the noise is so large that the simpler bound is already 0")
    inverse_square = sum(1 / Fraction(float(z)) ** 2 for z in noise_multipliers)
    combined = math.nextafter(math.sqrt(1 / inverse_square), 0.0)
    try:
        epsilon = _run_worker(combined, float(delta), ceiling * _GRID_SHARE, timeout_s, memory_mib)
    except _WorkerFailedError as failure:
        return EpsilonReport(ceiling, "rdp", str(failure))
    return EpsilonReport(epsilon, "pld")


class _WorkerFailedError(Exception):
    """The child process gave no number."""


@lru_cache(maxsize=1024)
def _run_worker(noise_multiplier: float, delta: float, interval: float, timeout_s: float, memory_mib: int) -> float:
    # -P keeps the folder of this package off the child's import path, where its module names could shadow others.
    command = [sys.executable, "-P", str(_WORKER), repr(noise_multiplier), repr(delta), repr(interval), str(memory_mib)]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, env=os.environ | one_thread, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _WorkerFailedError(f"the PLD computation took more than {timeout_s} s") from error
    except OSError as error:
        raise _WorkerFailedError(f"the PLD computation could not start: {error}") from error
    if done.returncode != 0:
        # Only the kind of error: the rest may hold paths of this machine, and the reason is stored with the run.
        lines = done.stderr.strip().splitlines()
        kind = lines[-1].partition(":")[0] if lines else f"exit code {done.returncode}"
        raise _WorkerFailedError(f"the PLD computation failed with {kind} (limit {memory_mib} MiB)")
    epsilon = float(done.stdout)
    if not (math.isfinite(epsilon) and epsilon >= 0):
        raise _WorkerFailedError(f"the PLD computation returned {epsilon!r}")
    return epsilon
