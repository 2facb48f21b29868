"""MovieLens-100K with 943 people, each a node of a federation: how good, how private, how fast.

python benchmarks/movielens.py --ratings recbole-1.2.1-py3-none-any.whl [--quick] [--json]
python benchmarks/movielens.py --ratings FOLDER --choose      # the settings, on validation films alone

Leave-one-out: each person's last film is asked for. HR@10 and NDCG@10 among 99 sampled films that the person never
rated (public seed), as in papers, and beside it among all films. Intervals are 95%, by a bootstrap over people and
seeds of the noise. `as PFedRec` leaves the validation film (the last but one) out of training, as the program of that
paper does; `validation film known` takes it in. docs/movielens.md says where to get the data and what came out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a neighbour is called like the room `federation`

import numpy as np
from movielens_pooled import ease, ials, popularity
from movielens_protocol import ITEMS, METRICS, TAGS, Protocol, resampled, scores, train

from retail.errors import TradefairError
from retail.movielens import load

PUBLISHED = {"HR@10, 99": 0.71, "NDCG@10, 99": 0.44}
"""Of PFedRec on this data, Zhang et al. 2023, "Dual Personalization on Federated Recommendation", rounded."""
EPSILONS = (8.0, 4.0)
SEEDS = 3
POPULARITY = "popularity, pooled"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=Path, help="folder or wheel; the installed package recbole when left out")
    parser.add_argument("--quick", action="store_true", help="one protocol, one seed, one engine, no iALS")
    parser.add_argument("--choose", action="store_true", help="compare settings on validation films and stop")
    parser.add_argument("--json", action="store_true", help="one JSON list on standard output")
    return parser.parse_args()


def arms(protocol: Protocol, validation: Protocol, *, part: str):
    """Yield (arm, seed, scores, timing); what has no randomness has seed 0. `part` is "quick", "some" or "all"."""
    seeds = range(1 if part == "quick" else SEEDS)
    yield POPULARITY, 0, popularity(protocol.history), None
    yield "EASE with recency, pooled", 0, ease(protocol.history, validation), None
    untrained = protocol.config(TAGS)
    yield "no training: tags of one's last films", 0, scores(protocol, untrained, None), None
    for name, task in (("item by item, no DP", ITEMS), ("by tags, no DP", TAGS)):
        yield federated(protocol, name, task, None, 0)
    for epsilon in EPSILONS:
        for seed in seeds:
            yield federated(protocol, f"by tags, epsilon {epsilon:g}", TAGS, epsilon, seed)
            if part != "some":
                yield federated(protocol, f"DP popularity only, epsilon {epsilon:g}", TAGS, epsilon, seed, learn=False)
    for seed in seeds if part == "all" else ():
        yield "iALS, pooled", seed, ials(protocol.history, validation, seed=seed), None
        yield federated(protocol, "item by item, epsilon 8", ITEMS, 8.0, seed)


def federated(protocol: Protocol, name: str, task: str, epsilon: float | None, seed: int, **given: object):
    config = protocol.config(task, epsilon=epsilon, seed=seed, **given)
    trained = train(config)
    return (
        f"federated {name}" if "only" not in name else name,
        seed,
        scores(protocol, config, trained.result.model),
        trained,
    )


def quality(title: str, protocol: Protocol, validation: Protocol, *, part: str) -> list[dict[str, object]]:
    """Measure all arms under one protocol."""
    found, spent = {}, {}
    for arm, seed, scored, trained in arms(protocol, validation, part=part):
        found[arm, seed] = protocol.measure(scored)
        means = " ".join(f"{np.mean(found[arm, seed][one]):.4f}" for one in METRICS)
        print(f"{title}: {arm}, seed {seed}: {means}", file=sys.stderr, flush=True)
        if trained is not None and trained.result.epsilon is not None:
            spent[arm] = (trained.result.epsilon, trained.result.epsilon_pld)
    rows = []
    for metric in METRICS:
        boot = resampled(metric, found)
        for arm in boot.arms:
            value, gained = boot.value(arm), boot.difference(arm, POPULARITY)
            published = PUBLISHED.get(metric)
            rows.append(
                {
                    "name": f"{title}: {arm}", "metric": metric, "ours": value.value, "lo": value.lo, "hi": value.hi,
                    "n": value.n, "seeds": sum(1 for one, _ in found if one == arm), "unit": "share",
                    "peer_name": None if published is None else "PFedRec as published", "peer": published,
                    "ratio": None if published is None else value.value / published,
                    "over_popularity": [gained.value, gained.lo, gained.hi],
                    "epsilon": spent.get(arm, (None, None))[0], "epsilon_pld": spent.get(arm, (None, None))[1],
                }
            )  # fmt: skip
    return rows


def speed(protocol: Protocol, engines: tuple[str, ...]) -> list[dict[str, object]]:
    """Time a later round over 943 nodes; the first one opens the data and asks the policy for each node."""
    rows = []
    for task, name in ((TAGS, "by tags"), (ITEMS, "item by item")):
        for engine in engines if task == TAGS else ("cohort",):  # messages of 22 MB from each of 943 nodes
            one = train(protocol.config(task), engine=engine)
            rows.append(
                {
                    "name": f"a round over {protocol.data.people} nodes, {name}, {engine}", "ours": one.round_s[0],
                    "cpu": one.round_s[1], "opening": one.opening_s[0], "opening_cpu": one.opening_s[1], "unit": "s",
                    "peer_name": None, "peer": None, "ratio": None,
                }
            )  # fmt: skip
    return rows


def choose(validation: Protocol) -> list[dict[str, object]]:
    """Compare settings one at a time around the chosen ones, on validation films."""
    tried = [(ITEMS, None, {})]
    tried += [(ITEMS, None, {"memory": one}) for one in (4.0, 15.0)]
    tried += [(ITEMS, None, {"backwards": one}) for one in (0.01, 1.0)]
    tried += [(ITEMS, None, {"caution": one}) for one in (3.0, 30.0)]
    tried += [(ITEMS, None, {"ridge": one}) for one in (100.0, 1000.0)]
    tried += [(ITEMS, None, {"together": one}) for one in (0.01, 2.0)]
    tried += [(ITEMS, 8.0, {"ridge": one}) for one in (300.0, 3.0)]
    for epsilon in EPSILONS:
        tried += [(TAGS, epsilon, {})]
        tried += [(TAGS, epsilon, {"memory": one}) for one in (2.0, 10.0)]
        tried += [(TAGS, epsilon, {"caution": one}) for one in (0.1, 1.0)]
        tried += [(TAGS, epsilon, {"smoothing": one}) for one in (0.03, 0.5)]
        tried += [(TAGS, epsilon, {"popularity_share": 0.2}), (TAGS, epsilon, {"context_share": 0.05})]
    rows = []
    for task, epsilon, given in tried:
        found = []
        for seed in range(1 if epsilon is None else 3):
            config = validation.config(task, epsilon=epsilon, seed=seed, **given)
            measured = validation.measure(scores(validation, config, train(config).result.model))
            found.append([float(np.mean(measured[one])) for one in METRICS])
        name = f"{task.rpartition(':')[2]}, epsilon {epsilon}, {given or 'as chosen'}"
        rows.append({"name": name, **dict(zip(METRICS, np.mean(found, axis=0).tolist(), strict=True))})
        print(name, " ".join(f"{rows[-1][one]:.4f}" for one in METRICS), file=sys.stderr, flush=True)
    return rows


def show(rows: list[dict[str, object]]) -> None:
    """Print a line for each arm, four measures with their intervals, then the times."""
    names = list(dict.fromkeys(row["name"] for row in rows if "metric" in row))
    print("| arm | " + " | ".join(METRICS) + " |\n|---|" + "---|" * len(METRICS))
    print("| PFedRec, as published | .71 | .44 | - | - |")
    for name in names:
        cells = [
            "{ours:.3f} [{lo:.3f}, {hi:.3f}]".format(**row).replace("0.", ".") for row in rows if row["name"] == name
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")
    for row in rows:
        if "cpu" in row:
            print(
                "{name}: {ours:.2f} s, {cpu:.2f} CPU s; opening and first round {opening:.1f} s, {opening_cpu:.1f} "
                "CPU s".format(**row)
            )


def main() -> None:
    wanted = options()
    try:
        data = load(wanted.ratings)
    except TradefairError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    with tempfile.TemporaryDirectory() as root:
        folders = {held: Path(root) / f"movielens-{held}" for held in (1, 2)}
        for held, folder in folders.items():
            data.write_folder(folder, hold_out=held)
        validation = Protocol(data, folders[2], hold_out=2, back=1)
        if wanted.choose:
            rows = choose(validation)
        else:
            rows = speed(validation, ("cohort",) if wanted.quick else ("cohort", "inprocess"))
            tested = Protocol(data, folders[2], hold_out=2, back=0)
            rows += quality("as PFedRec", tested, validation, part="quick" if wanted.quick else "all")
            if not wanted.quick:
                known = Protocol(data, folders[1], hold_out=1, back=0)
                rows += quality("validation film known", known, validation, part="some")
    if wanted.json:
        print(json.dumps(rows))
    elif not wanted.choose:
        show(rows)


if __name__ == "__main__":
    main()
