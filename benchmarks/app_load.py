"""How the app bears twenty people at once, and whether its memory grows.

Twenty clients speak the app's own protocol (a WebSocket and Streamlit's messages) on loopback: each opens a page, waits
until its script has ended, thinks, and changes something, over and over, a tenth of the time on another page. Then one
client after another reruns pages a thousand times, and the server's memory is compared before and after. Clients decode
messages but draw nothing, so what a browser needs to paint is not in the times. Linux only.

Run `python benchmarks/app_load.py [--store runs] [--clients 20] [--seconds 60] [--reruns 1000] [--json]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PAGES: Final = {
    "": ("",),
    "results": ("", "metric=total_ndcg10", "metric=repeat_ndcg10"),
    "runs": ("",),
    "compliance": ("", "part=Budgets", "part=What+happened"),
    "rules": ("", "rules_start=DMA+%28EU%29", "rules_start=GDPR+%28EU%29"),
    "store": (
        "plan=convenience&shoppers=400",
        "plan=convenience&shoppers=400&edit=swap%3Ddairy%2Cbakery",
        "plan=corner-shop&shoppers=200&edit=swap%3Ddairy%2Cbakery",
    ),
    "audiences": ("",),
    "assistant": ("",),
}
"""Pages, and the addresses between which a client goes there and back."""
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
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close it, as a tab does."""
        await self._socket.close()

    async def interact(self) -> float:
        """Go to another page now and then, else change something here; return seconds until the page is whole."""
        if self._chance.random() < 0.1:
            self.page = self._chance.choice(list(PAGES))
        message = BackMsg()
        message.rerun_script.query_string = self._chance.choice(PAGES[self.page])
        message.rerun_script.page_name = self.page
        start = time.perf_counter()
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


def started(store: Path, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start the app on a free port; return its process and address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [sys.executable, "-m", "apps.command.main", "app", "--store", str(store), "--port", str(port)]
    root = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, cwd=log.parent, env=environment, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).read()  # noqa: S310 - our own address
            return process, address
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    process.kill()
    raise SystemExit(f"the app did not start: {log.read_text()}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("runs"), help="a run store; `tradefair demo` makes one")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the clients stay")
    parser.add_argument("--reruns", type=int, default=1000)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, address = started(told.store.resolve(), Path(folder) / "log.txt")
        try:
            asyncio.run(rerun(address, 40))  # imports and caches, once
            times = asyncio.run(crowd(address, clients=told.clients, seconds=told.seconds))
            busy = resident_mb(process.pid)
            asyncio.run(rerun(address, max(10, told.reruns // 5)))
            before = resident_mb(process.pid)
            asyncio.run(rerun(address, told.reruns))
            after = resident_mb(process.pid)
        finally:
            process.terminate()
            process.wait(10)
    taken = sorted(seconds for _, seconds in times)
    cuts = statistics.quantiles(taken, n=20)
    found = {
        "clients": told.clients, "interactions": len(taken), "p50_s": statistics.median(taken), "p95_s": cuts[-1],
        "longest_s": taken[-1], "busy_mb": busy, "before_mb": before, "after_mb": after, "reruns": told.reruns,
        "growth_pct": 100 * (after - before) / before,
    }  # fmt: skip
    if told.json:
        print(json.dumps(found))
        return
    print(f"{told.clients} clients, {len(taken)} interactions, about {THINKING_S:g} s apart in each")
    print(f"p50 {found['p50_s']:.2f} s, p95 {found['p95_s']:.2f} s (target 2), longest {found['longest_s']:.2f} s")
    for page in PAGES:
        of_page = [seconds for name, seconds in times if name == page]
        if of_page:
            print(f"  {page or 'overview':<11} {len(of_page):4d} times, median {statistics.median(of_page):.2f} s")
    growth = f"{found['growth_pct']:+.1f}% (target 10)"
    print(f"memory {before:.0f} MB, after {told.reruns:,} more reruns {after:.0f} MB: {growth}")


if __name__ == "__main__":
    main()
