import os

import pytest
from browser_visit import PICTURES
from ways import EVERY_WAY, TWO_WAYS, Worker


def pytest_generate_tests(metafunc):
    """Do each job in two ways, which have every value once, or in all eight with TRADEFAIR_ALL_WAYS=1."""
    if "way" in metafunc.fixturenames:
        ways = EVERY_WAY if os.environ.get("TRADEFAIR_ALL_WAYS") == "1" else TWO_WAYS
        metafunc.parametrize("way", ways, ids=str)


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
