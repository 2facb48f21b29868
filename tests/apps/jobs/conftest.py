from pathlib import Path

import pytest
from browser_visit import ALL_WAYS, PICTURES
from ways import EVERY_WAY, TWO_WAYS, Worker


def pytest_generate_tests(metafunc):
    """Do jobs in two ways by turns, which have every value once, or with TRADEFAIR_ALL_WAYS=1 each in all eight.

    All eight ways of all jobs take longer than CI has for them.
    """
    if "way" in metafunc.fixturenames:
        files = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
        jobs = [name for name in vars(metafunc.module) if name.startswith("test_")]
        turn = files.index(metafunc.definition.path.stem) + jobs.index(metafunc.function.__name__)
        metafunc.parametrize("way", EVERY_WAY if ALL_WAYS else [TWO_WAYS[turn % 2]], ids=str)


@pytest.fixture
def worker(browser, way):
    """Let somebody do a job at an address of the app: `worker(address)`. Tabs that a failure left open are pictured."""
    begun = []

    def begin(address):
        begun.append(Worker(browser, way, address))
        return begun[-1]

    yield begin
    for number, one in enumerate(begun):
        if not one.page.is_closed():
            PICTURES.mkdir(exist_ok=True)
            one.page.screenshot(path=PICTURES / f"job-failed-{number}-{way}.png")
            one.context.close()
