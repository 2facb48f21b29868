"""How the app bears twenty people at once, and whether its memory grows.

One client opens every page at every address once, as on a server that was used before. Then twenty clients speak the
app's own protocol (a WebSocket and Streamlit's messages) on loopback: each opens a page, waits until its script has
ended, thinks, and has it made again or opens it with other choices, over and over, a tenth of the time another page.
Then one client after another reruns pages a thousand times, and the server's memory is compared before and after.
Clients decode messages but draw nothing, so what a browser needs to paint is not in the times. Linux only.

Run `python benchmarks/app_load.py [--store runs] [--clients 20] [--seconds 60] [--reruns 1000] [--json]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from pathlib import Path
from typing import Final

import websockets
from app_server import PAGES, served
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

THINKING_S: Final = 3.0
"""On average between two interactions of a person."""
LONGEST_S: Final = 60.0


class Client:
    """One browser's tab: a session of the app."""

    def __init__(self, address: str, chance: random.Random) -> None:
        self._address, self._chance = address, chance
        self.page = chance.choice(list(PAGES))

    async def __aenter__(self) -> Client:
        """Open the session."""
        url = f"{self._address.replace('http', 'ws', 1)}/_stcore/stream"
        self._socket = await websockets.connect(
            url, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None, origin=self._address
        )
        self._shown: tuple[str, str] | None = None
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close it, as a tab does."""
        await self._socket.close()

    async def interact(self) -> float:
        """Go to another page now and then, else use this one; return seconds until the page is whole."""
        if self._chance.random() < 0.1:
            self.page = self._chance.choice(list(PAGES))
        return await self.visit(self._chance.choice(PAGES[self.page]))

    async def visit(self, query: str) -> float:
        """Open this page with a query; return seconds until it is whole.

        A page reads its address when it is opened, so another address of the page that is shown is a session of its
        own, as after a click on a link.
        """
        start = time.perf_counter()
        if self._shown is not None and self._shown[0] == self.page and self._shown[1] != query:
            await self._socket.close()
            await self.__aenter__()
        self._shown = (self.page, query)
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = self.page
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(LONGEST_S):
            while True:
                answer = ForwardMsg()
                answer.ParseFromString(await self._socket.recv())
                kind = answer.WhichOneof("type")
                if kind == "script_finished":
                    if answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                        return time.perf_counter() - start
                    if answer.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                        raise RuntimeError(f"page {self.page!r} does not compile")
                if kind == "delta" and answer.delta.new_element.HasField("exception"):
                    raise RuntimeError(f"page {self.page!r}: {answer.delta.new_element.exception.message}")


async def warm(address: str) -> None:
    """Open every page at every address of its own once."""
    for page, queries in PAGES.items():
        async with Client(address, random.Random(0)) as client:  # noqa: S311 - nothing is drawn
            client.page = page
            for query in queries:
                await client.visit(query)


async def person(address: str, until: float, chance: random.Random) -> list[tuple[str, float]]:
    """Use the app until a moment; return page and seconds of each interaction."""
    found = []
    await asyncio.sleep(chance.random() * THINKING_S)
    async with Client(address, chance) as client:
        while time.perf_counter() < until:
            found.append((client.page, await client.interact()))
            await asyncio.sleep(chance.expovariate(1.0 / THINKING_S))
    return found


async def crowd(address: str, *, clients: int, seconds: float) -> list[tuple[str, float]]:
    """Let several people use the app at once."""
    until = time.perf_counter() + seconds
    each = await asyncio.gather(*(person(address, until, random.Random(seed)) for seed in range(clients)))  # noqa: S311
    return [one for many in each for one in many]


async def rerun(address: str, times: int) -> None:
    """Rerun pages, ten in a session."""
    chance = random.Random(0)  # noqa: S311 - which page is no secret
    for _ in range(times // 10):
        async with Client(address, chance) as client:
            for _ in range(10):
                await client.interact()


def resident_mb(process: int) -> float:
    """Memory of a process that lies in RAM, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {process} has gone")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("runs"), help="a run store; `tradefair demo` makes one")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the clients stay")
    parser.add_argument("--reruns", type=int, default=1000)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    told = parser.parse_args()
    with served(told.store) as (process, address):
        asyncio.run(warm(address))
        times = asyncio.run(crowd(address, clients=told.clients, seconds=told.seconds))
        busy = resident_mb(process.pid)
        asyncio.run(rerun(address, max(10, told.reruns // 5)))
        before = resident_mb(process.pid)
        asyncio.run(rerun(address, told.reruns))
        after = resident_mb(process.pid)
    taken = sorted(seconds for _, seconds in times)
    pages = {page or "overview": [seconds for name, seconds in times if name == page] for page in PAGES}
    found = {
        "clients": told.clients, "interactions": len(taken), "p50_s": statistics.median(taken), "p95_s": p95(taken),
        "longest_s": taken[-1], "busy_mb": busy, "before_mb": before, "after_mb": after, "reruns": told.reruns,
        "growth_pct": 100 * (after - before) / before,
        "pages": {
            page: {"interactions": len(one), "p50_s": statistics.median(one), "p95_s": p95(one)}
            for page, one in pages.items() if one
        },
    }  # fmt: skip
    if told.json:
        print(json.dumps(found))
        return
    print(f"{told.clients} clients, {len(taken)} interactions, about {THINKING_S:g} s apart in each")
    print(f"p50 {found['p50_s']:.2f} s, p95 {found['p95_s']:.2f} s (target 2), longest {found['longest_s']:.2f} s")
    for page, one in found["pages"].items():
        print(f"  {page:<11} {one['interactions']:4d} times, p50 {one['p50_s']:.2f} s, p95 {one['p95_s']:.2f} s")
    growth = f"{found['growth_pct']:+.1f}% (target 10)"
    print(f"memory {before:.0f} MB, after {told.reruns:,} more reruns {after:.0f} MB: {growth}")


def p95(taken: list[float]) -> float:
    """Return what 95 of 100 times do not exceed; of few times the longest."""
    return max(taken) if len(taken) < 20 else statistics.quantiles(taken, n=20)[-1]


if __name__ == "__main__":
    main()
