"""Ten thousand made-up decisions of a marketplace under the firewall regime, with forbidden reads among them."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from privacy.access import schema as a

POLICIES = ["base", "dma", "gdpr", "pipl", "bipa"]
MERCHANTS = [f"m{number}" for number in range(1, 21)]
PARTIES = {
    **{name: ("merchant", "") for name in MERCHANTS},
    "market": ("marketplace", "platform"),
    "shop": ("platform_retail", "platform"),
    "pool": ("aggregator", ""),
    "inspector": ("auditor", ""),
    "lab": ("researcher", ""),
}
DATASETS = {
    **{f"tills-{name}": (name, "transactions", "raw", True, False) for name in MERCHANTS},
    **{f"noisy-{name}": (name, "transactions", "dp", True, False) for name in MERCHANTS},
    **{f"faces-{name}": (name, "face_templates", "raw", True, False) for name in MERCHANTS},
    **{f"goods-{name}": (name, "catalogue", "raw", False, True) for name in MERCHANTS},
}
OWN = ("base-own", "house rule")
WALL = ("dma-6-2-retail", "DMA Art. 6(2); commitments AT.40462")


def honest(merchant):
    """Decisions as they should be: actor, action, data set, purpose, what is true, decision, rule and article."""
    tills, noisy, faces, goods = (f"{kind}-{merchant}" for kind in ("tills", "noisy", "faces", "goods"))
    separate = {a.CONSENT: "separate"}
    return [
        (merchant, "read", tills, "own_business", {}, a.ALLOW, OWN),
        (merchant, "read", tills, "recommendation", {a.CONSENT: "general", a.JURISDICTION: "CN"}, a.ALLOW, OWN),
        (
            merchant, "read", tills, "recommendation",
            {a.CONSENT: "general", a.JURISDICTION: "CN", a.MINOR: True, a.GUARDIAN: True}, a.ALLOW, OWN,
        ),
        (
            merchant, "recognise", faces, "in_store_recognition",
            {**separate, a.JURISDICTION: "CN", a.ALTERNATIVE: True}, a.ALLOW, OWN,
        ),
        (merchant, "recognise", faces, "in_store_recognition", {**separate, a.JURISDICTION: "US-IL"}, a.ALLOW, OWN),
        (
            "pool", "train", tills, "recommendation", {a.CONSENT: "general", a.JURISDICTION: "EU"}, a.ALLOW,
            ("regime-neutral-pool", "regime: pooled, merchants only"),
        ),
        ("inspector", "read", noisy, "audit", {}, a.ALLOW, ("base-oversight", "house rule")),
        ("lab", "read", noisy, "research", {}, a.ALLOW, ("base-research", "house rule")),
        ("shop", "read", goods, "ranking", {}, a.ALLOW, ("base-public", "house rule")),
        ("shop", "read", tills, "ranking", {}, a.DENY, WALL),
        ("lab", "read", tills, "research", {}, a.DENY, ("", "")),
        ("nobody", "read", tills, "research", {}, a.DENY, ("", "")),
        ("lab", "read", "no-such-data", "research", {}, a.DENY, ("", "")),
    ]  # fmt: skip


def forbidden(merchant):
    """What should not have happened, by kind; each is logged as allowed."""
    tills, noisy, faces = (f"{kind}-{merchant}" for kind in ("tills", "noisy", "faces"))
    general = {a.CONSENT: "general"}
    return {
        "retail arm": ("shop", "read", tills, "own_label_development", {}, OWN),
        "purpose swapped": ("pool", "train", tills, "marketing", {**general, a.JURISDICTION: "EU"}, OWN),
        "consent missing": ("pool", "train", tills, "recommendation", {a.JURISDICTION: "EU"}, OWN),
        "minor without guardian": (
            merchant, "read", tills, "recommendation", {**general, a.JURISDICTION: "CN", a.MINOR: True}, OWN
        ),
        "another law's alternative": (
            merchant, "recognise", faces, "in_store_recognition",
            {a.CONSENT: "separate", a.JURISDICTION: "CN"}, OWN,
        ),
        "noise as an excuse": ("shop", "read", noisy, "ranking", {}, ("base-research", "house rule")),
        "unknown data set": ("lab", "read", "no-such-data", "research", {}, ("base-research", "house rule")),
        "no rule": (merchant, "read", tills, "own_business", {}, ("", "")),
    }  # fmt: skip


def event(line, actor, action, dataset, purpose, facts, decision, rule):
    """One event, described as the register would."""
    role, unit = PARTIES.get(actor, ("", ""))
    owner, kind, form, persons, public = DATASETS.get(dataset, ("", "", "", True, False))
    return {
        a.TIME: (dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=31 * line)).isoformat(),
        a.ACTOR: actor, a.ROLE: role, a.UNIT: unit, a.ACTION: action, a.DATASET: dataset, a.OWNER: owner,
        a.KIND: kind, a.FORM: form, a.PUBLIC: public, a.ABOUT_PERSONS: persons, a.PURPOSE: purpose,
        a.COLUMNS: ["product_id", "day"], a.CONSENT: "none", a.JURISDICTION: "none", a.MINOR: False,
        a.GUARDIAN: False, a.ALTERNATIVE: False, a.REGIME: "firewall", **facts, a.DECISION: decision,
        a.RULE: rule[0], a.ARTICLE: rule[1],
    }  # fmt: skip


def make(count=10_000, *, each=3, seed=0):
    """Return the events, and the positions of what was planted: position -> kind."""
    random = np.random.default_rng(seed)
    kinds = list(forbidden("m1"))
    places = random.choice(count, size=each * len(kinds), replace=False)
    planted = {int(place): kinds[number % len(kinds)] for number, place in enumerate(places)}
    events = []
    for line in range(count):
        merchant = str(random.choice(MERCHANTS))
        if line in planted:
            *asked, rule = forbidden(merchant)[planted[line]]
            events.append(event(line, *asked, a.ALLOW, rule))
            continue
        choices = honest(merchant)
        *asked, rule = choices[int(random.integers(len(choices)))]
        events.append(event(line, *asked, rule))
    return events, planted


def write_csv(events, path: Path) -> Path:
    """Write events as a user would."""
    table = pd.DataFrame(events)
    table[a.COLUMNS] = table[a.COLUMNS].map(";".join)
    for name in a.FLAGS:
        table[name] = table[name].map({True: "true", False: "false"})
    table.to_csv(path, index=False)
    return path


def write_parties(path: Path) -> Path:
    """Write the register that the events were made from."""
    rows = ["record,id,role,unit,owner,kind,form,about_persons,public"]
    rows += [f"party,{name},{role},{unit},,,,," for name, (role, unit) in PARTIES.items()]
    for name, (owner, kind, form, persons, public) in DATASETS.items():
        rows.append(f"dataset,{name},,,{owner},{kind},{form},{persons},{public}")
    path.write_text("\n".join(rows) + "\n")
    return path
