"""Time policy decisions with all bundled packs against cedarpy as its first example uses it.

python benchmarks/policy.py [--quick] [--json]

"ours" prepares policies, schema and entities once, checks every request by itself, asks in batches and puts the answer
into words; the peer hands the same texts to `cedarpy.is_authorized` with every request. Both are seconds per decision;
the last row is ours only, the whole enumeration of the sample world, beside what it may take.
"""

from __future__ import annotations

import cedarpy
from timing import options, row, seconds, show

from privacy.policy import PolicyEngine
from privacy.policy.compiled import schema_text
from privacy.policy.domain import enumerate_requests, sample_register
from privacy.policy.sources import PACKS

ALLOWED_S = 5.0


def main() -> None:
    wanted = options(__doc__)
    repeats = 1 if wanted.quick else 5
    register = sample_register()
    engine = PolicyEngine.load(PACKS, register=register, regime="federated_dp")
    requests = enumerate_requests()
    batch = requests[:: 30 if wanted.quick else 10]
    few = batch[::50]
    engine.decide(few[0])  # entities are read once

    def unprepared() -> None:
        entities = register.entities()
        for request in few:
            cedarpy.is_authorized(engine._document(request), engine.policies.cedar, entities, schema_text())

    peer = seconds(unprepared, repeats) / len(few)
    in_batch = seconds(lambda: engine.decide_many(batch), repeats) / len(batch)
    alone = seconds(lambda: [engine.decide(one) for one in few], repeats) / len(few)
    whole = seconds(lambda: engine.verdicts(requests), 1 if wanted.quick else 3)
    table = [
        row("decision in a batch", ours=in_batch, peer=peer, peer_name="cedarpy, texts with every call"),
        row("decision by itself", ours=alone, peer=peer, peer_name="cedarpy, texts with every call"),
        row(f"enumeration of {len(requests):,} requests", ours=whole, peer=ALLOWED_S, peer_name="limit"),
    ]
    show(table, as_json=wanted.json)


if __name__ == "__main__":
    main()
