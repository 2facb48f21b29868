"""What pages need and take long to load, loaded by a thread of the server while nobody waits for a page.

The first reader of a page would else wait for its modules (numba, SciPy's statistics, Altair, the policy engine), and
on Market and Compliance for answers that are the same for everybody. Nothing here depends on a user or on a run store.
"""

from __future__ import annotations

import ast
import importlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger(__name__)
_FIRST: Final = ("overview", "results", "store", "compliance", "market")
"""Pages whose modules are loaded first."""
_NAME: Final = "tradefair-warm"
_PAUSE_S: Final = 0.05
_PATIENCE_S: Final = 20.0
"""So long the thread waits for readers' scripts to end before it goes on beside them."""


def begin() -> threading.Thread:
    """Start to load; the thread dies with the server."""
    thread = threading.Thread(target=_load, name=_NAME, daemon=True)
    thread.start()
    return thread


def page_modules() -> tuple[str, ...]:
    """Return the modules that pages import, at their top or where they are needed, each once."""
    pages = {path.stem: path for path in sorted((Path(__file__).parent / "app_pages").glob("*.py"))}
    found: dict[str, None] = {}
    for name in dict.fromkeys((*_FIRST, *pages)):
        for node in ast.walk(ast.parse(pages[name].read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module] = None
    return tuple(found)


def steps() -> Iterator[Callable[[], object]]:
    """Yield what is to be done, a second or less each."""
    for name in ("pandas", "altair", "scipy.stats", "numba", *page_modules()):
        yield partial(importlib.import_module, name)
    yield from _first_answers()


def _first_answers() -> Iterator[Callable[[], object]]:
    """Yield the answers that Market and Compliance show before anybody has chosen anything."""
    from apps.compliance.access_view import Question
    from apps.compliance.policy_choices import table_of
    from apps.market import live
    from privacy.policy.sources import SIMULATION_PACK

    yield partial(table_of, Question(("base", SIMULATION_PACK), "federated_dp"))
    choice = live.first_choice()
    for seed in range(live.FIRST):
        yield partial(live.run_markets, (choice, choice.reference), range(seed, seed + 1), _say_nothing)


def _say_nothing(share: float, text: str) -> None:
    """Take how far the markets are; nobody waits for them."""


def _load() -> None:
    """Do all steps; one that fails is left to the page that needs it, which says so to its reader."""
    _wait_for_server()
    # What this thread would show, such as a spinner, has no page to stand on, and nobody needs to read that.
    contexts = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    contexts.addFilter(lambda record: record.threadName != _NAME)
    for step in steps():
        _wait_for_readers()
        try:
            step()
        except Exception:  # a page meets the same and shows it
            _LOG.debug("could not be loaded ahead", exc_info=True)


def _wait_for_server() -> None:
    from streamlit.runtime import Runtime, exists
    from streamlit.runtime.runtime import RuntimeState

    while not exists() or Runtime.instance().state == RuntimeState.INITIAL:
        time.sleep(_PAUSE_S)


def _wait_for_readers() -> None:
    """Wait until no page is being made: both would take turns on one core, and the reader's came first."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and any(one.name.startswith("ScriptRunner") for one in threading.enumerate()):
        time.sleep(_PAUSE_S)
