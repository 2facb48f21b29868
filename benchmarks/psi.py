"""What it costs to count shared people without showing them: CPU time of both parties and what they send.

Peers: the set intersection of SHA-256 hashes of the ids, as firms do it who think that a hash hides an id (whoever has
the hashes tries all ids); and, where it is installed, `openmined_psi`, Diffie-Hellman in C++ on another curve, which
gives the exact size and asks no policy. Its pin of protobuf does not fit ours, so install it aside:

pip install --target peers --no-deps openmined-psi
PYTHONPATH=peers python benchmarks/psi.py [--quick] [--json]

100,000 people each, or 5,000 with `--quick`. A ratio is peer over ours: below 1, we are that much slower or send more.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a neighbour is called like the room `matching`

from timing import options, row, show

from matching.psi.answering import hide, mask_both
from matching.psi.asking import ask, count_matches
from matching.psi.group import fresh_key
from matching.psi.messages import Question, Reply
from matching.psi.terms import Terms
from privacy.blind import BEYOND
from privacy.log import SigningKey
from privacy.statistics.noise import CountNoise

NOISE = CountNoise("laplace", 4.5)  # near what epsilon 1 at delta 1e-6 draws
SPARE = 2 * NOISE.beyond(BEYOND)
SIGNING = SigningKey.generate()


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process, and what the work returned."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def ours(first: list[str], second: list[str]) -> tuple[int, int]:
    """Both parties, with messages as bytes; returns the count without noise, and bytes sent."""
    terms, key = Terms.fresh("m1", "platform", places=len(first), purpose="own_business"), fresh_key()
    question = ask(terms, first, key).sign(SIGNING).to_bytes()
    asked = Question.read(question)
    _ = asked.signer
    marks, own = mask_both(asked, second, fresh_key())
    reply = hide(asked, marks, own, matching=SPARE // 2, spare=SPARE, noise=NOISE)
    back = reply.sign(SIGNING).to_bytes()
    answered = Reply.read(back)
    _ = answered.signer
    return count_matches(answered, key), len(question) + len(back)


def hashed(first: list[str], second: list[str]) -> int:
    return len({hashlib.sha256(one.encode()).digest() for one in first}
               & {hashlib.sha256(one.encode()).digest() for one in second})  # fmt: skip


def openmined(psi: Any, first: list[str], second: list[str]) -> int:
    client, server = psi.client.CreateWithNewKey(False), psi.server.CreateWithNewKey(False)
    setup = server.CreateSetupMessage(0.0, len(first), second, psi.DataStructure.RAW)
    response = server.ProcessRequest(client.CreateRequest(first))
    return int(client.GetIntersectionSize(setup, response))


def main() -> None:
    chosen = options(__doc__)
    size = 5_000 if chosen.quick else 100_000
    first = [f"shopper {number}" for number in range(size)]
    second = [f"shopper {number}" for number in range(size // 2, size + size // 2)]
    took, (found, sent) = cpu(lambda: ours(first, second))
    plain, expected = cpu(lambda: hashed(first, second))
    if found != expected:
        raise SystemExit(f"counted {found} shared people instead of {expected}")
    label = f"count shared people of {size} and {size}, CPU time of both"
    rows = [row(label, ours=took, peer=plain, peer_name="set intersection of SHA-256 hashes")]
    try:
        import private_set_intersection.python as psi
    except ImportError:
        pass
    else:
        rows.append(
            row(label, ours=took, peer=cpu(lambda: openmined(psi, first, second))[0], peer_name="openmined_psi")
        )
    bare = 2 * size * 32 / 1e6
    rows.append({"name": "bytes sent", "ours": sent / 1e6, "peer": bare, "ratio": bare / (sent / 1e6), "unit": "MB",
                 "peer_name": "both lists of SHA-256 hashes"})  # fmt: skip
    show(rows, as_json=chosen.json)


if __name__ == "__main__":
    main()
