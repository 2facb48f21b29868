import gc
import multiprocessing
import os
import shutil
import signal
import types
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from warm_process import WarmCode, WarmProcess

# The default suite tries few examples of each property; .ci/run tries all properties again with many.
CHOSEN = settings.get_profile(settings.get_current_profile_name())
settings.register_profile("quick", parent=CHOSEN, max_examples=20, deadline=None)
settings.register_profile("thorough", parent=CHOSEN, max_examples=100, deadline=None)
settings.load_profile("quick")

TESTS = Path(__file__).parent
# Ledgers and logs wait for the disk at every commit, and no test is about what survives a loss of power.
IN_MEMORY = Path("/dev/shm")
if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > 2e9:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))
# What a shell starts in the background ignores Ctrl-C, and so would every command that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST = (
    "federation/engines/test_deploy_runs.py",
    "apps/test_browser.py",
    "experiments/test_arms.py",
    "apps/jobs/test_compliance.py",
    "apps/jobs/test_merchant.py",
    "apps/jobs/test_researcher.py",
    "experiments/market/test_markets_on_ray.py",
    "federation/engines/test_ray.py",
)
"""Files of minutes. Begun last, one of them would keep a worker busy while the other has nothing left to do."""


@pytest.hookimpl(trylast=True)  # once it is known what a run leaves out
def pytest_collection_modifyitems(config, items):
    """Begin with the longest files, then those with most tests (for `--no-loadscope-reorder`).

    Leave out of a run with more examples quick properties that name their own number: the default suite has tried as
    many.
    """
    tests = Counter(item.path for item in items)
    first = {TESTS / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (first.get(item.path, len(first)), -tests[item.path], item.path))

    def was_tried(item):
        own = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        left_to_us = any(item.get_closest_marker(name) for name in ("slow", "needs_faces"))
        return own is not None and own.max_examples != settings.default.max_examples and not left_to_us

    if settings.get_current_profile_name() == "thorough":
        tried = [item for item in items if was_tried(item)]
        items[:] = [item for item in items if not was_tried(item)]
        config.hook.pytest_deselected(items=tried)


def pytest_collection():
    """Keep the garbage collector from looking through what the imports make, time and again."""
    gc.disable()


def pytest_collection_finish():
    """Spare the garbage collector what the imports made: Streamlit has it look through everything at each rerun."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def start_code():
    """Start Python code in a process of its own, to be raced or killed: `start_code(code, *arguments)`."""
    return WarmCode


@pytest.fixture(scope="session", autouse=True)
def _warm_workers():
    """Fork the workers of sweeps that tests run themselves; a command in a process of its own spawns its workers."""
    real = multiprocessing.get_context
    warm = types.SimpleNamespace(Process=WarmProcess)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiprocessing, "get_context", lambda method=None: warm if method == "spawn" else real(method))
        yield
