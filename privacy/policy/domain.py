"""A small world with one of everything, and the 32,400 requests that are asked in it.

The domain is chosen: not every request of the world is in it. It has two parts, each of them all combinations of chosen
lists. "Who may see what": 10 parties x 6 actions x 20 data sets x 12 purposes, where no law that depends on a place is
on. "Under which law": 5 parties x 40 uses (data set, action and purpose) x all 90 contexts (3 levels of consent x
5 places x 3 states of age and guardian x alternative or not). What the lists leave out is asked next to the cases of
each rule (`neighbours`): every party, action, data set and purpose of the world, and every fact of the context, one
change at a time.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Final

from privacy.policy.register import Register
from privacy.policy.request import Context, Dataset, Party, Request
from privacy.policy.vocabulary import ACTIONS, CONSENTS, FORMS, JURISDICTIONS, KINDS, PURPOSES, Action, Purpose

PARTIES: Final = (
    Party("m1", "merchant"),
    Party("m2", "merchant", "m2-group"),
    Party("marketplace", "marketplace", "platform"),
    Party("retail", "platform_retail", "platform"),
    Party("aggregator", "aggregator"),
    Party("platform-aggregator", "aggregator", "platform"),
    Party("auditor", "auditor"),
    Party("shopper", "shopper"),
    Party("researcher", "researcher"),
    Party("public", "public"),
)
MORE_PARTIES: Final = (
    Party("regulator", "regulator"),
    Party("m2-lab", "researcher", "m2-group"),
    Party("platform-auditor", "auditor", "platform"),
    Party("platform-merchant", "merchant", "platform"),
    Party("m2-branch", "merchant", "m2-group"),
)
_ABOUT_GOODS: Final = ("catalogue", "metrics")
_PERSONS: Final = {None: "", True: "/persons", False: "/no-persons"}


def _data(owner: str, kind: str, form: str, *, public: bool = False, persons: bool | None = None) -> Dataset:
    about = kind not in _ABOUT_GOODS if persons is None else persons
    name = f"{owner}/{kind}/{form}" + ("/public" if public else "") + _PERSONS[persons]
    return Dataset(name, owner, kind, form, about, public)  # type: ignore[arg-type]


DATASETS: Final = (
    _data("m1", "catalogue", "raw", public=True),
    _data("m1", "transactions", "raw"),
    _data("m1", "transactions", "aggregate"),
    _data("m1", "transactions", "dp"),
    _data("m1", "transactions", "dp", public=True),
    _data("m1", "orders", "raw"),
    _data("m1", "orders", "aggregate"),
    _data("m1", "movement", "raw"),
    _data("m1", "face_images", "raw"),
    _data("m1", "face_templates", "raw"),
    _data("m1", "payments", "raw"),
    _data("m1", "mood", "raw"),
    _data("m1", "special_category", "raw"),
    _data("m1", "model", "raw"),
    _data("m1", "metrics", "aggregate"),
    _data("aggregator", "model", "aggregate"),
    _data("aggregator", "model", "dp"),
    _data("marketplace", "model", "raw"),
    _data("retail", "transactions", "raw"),
    _data("shopper", "orders", "raw"),
)
_OWNERS: Final = ("m1", "m2", "marketplace", "retail", "aggregator", "shopper")
CONTEXTS: Final = tuple(
    Context(consent, place, minor, guardian, alternative)  # type: ignore[arg-type]
    for consent, place, (minor, guardian), alternative in product(
        CONSENTS, JURISDICTIONS, ((False, False), (True, False), (True, True)), (False, True)
    )
)
_LAW_PARTIES: Final = ("m2", "marketplace", "retail", "aggregator", "shopper")
_LAW_USES: Final[tuple[tuple[str, Action, Purpose], ...]] = (
    ("m2/transactions/raw", "read", "own_business"),
    ("m2/transactions/raw", "train", "recommendation"),
    ("m2/transactions/raw", "train", "ranking"),
    ("m2/transactions/raw", "target", "marketing"),
    ("m2/transactions/raw", "target", "personalisation"),
    ("m2/transactions/raw", "sell", "marketing"),
    ("m2/transactions/dp", "train", "recommendation"),
    ("m2/orders/raw", "read", "own_business"),
    ("m2/orders/raw", "train", "recommendation"),
    ("m2/orders/aggregate", "read", "ranking"),
    ("m2/movement/raw", "read", "own_business"),
    ("m2/movement/raw", "train", "recommendation"),
    ("m2/movement/raw", "target", "marketing"),
    ("m2/payments/raw", "read", "payment"),
    ("m2/payments/raw", "read", "marketing"),
    ("m2/payments/raw", "train", "personalisation"),
    ("m2/face_images/raw", "read", "in_store_recognition"),
    ("m2/face_images/raw", "train", "in_store_recognition"),
    ("m2/face_images/raw", "recognise", "in_store_recognition"),
    ("m2/face_images/raw", "recognise", "security"),
    ("m2/face_images/raw", "target", "marketing"),
    ("m2/face_images/raw", "sell", "own_business"),
    ("m2/face_templates/raw", "read", "in_store_recognition"),
    ("m2/face_templates/raw", "read", "security"),
    ("m2/face_templates/raw", "recognise", "in_store_recognition"),
    ("m2/face_templates/raw", "recognise", "payment"),
    ("m2/face_templates/raw", "target", "personalisation"),
    ("m2/face_templates/raw", "sell", "in_store_recognition"),
    ("m2/face_templates/aggregate", "train", "in_store_recognition"),
    ("m2/face_templates/dp", "recognise", "in_store_recognition"),
    ("m2/mood/raw", "read", "own_business"),
    ("m2/mood/raw", "train", "personalisation"),
    ("m2/mood/raw", "target", "marketing"),
    ("m2/model/raw", "read", "evaluation"),
    ("m2/model/raw", "release", "recommendation"),
    ("m2/model/dp", "release", "recommendation"),
    ("marketplace/orders/raw", "read", "own_business"),
    ("marketplace/model/aggregate", "read", "recommendation"),
    ("retail/movement/raw", "train", "ranking"),
    ("shopper/transactions/raw", "read", "own_business"),
)


def sample_register() -> Register:
    """Return the world: the parties above and, for six owners, every kind in every form.

    Data sets are called "owner/kind/form", such as "m1/transactions/raw". Catalogue and metrics are not about persons,
    everything else is. Of m1 there is also everything as "/no-persons" (trade between businesses), of m1 and shopper
    catalogue and metrics as "/persons" (wish lists, figures of single people), and of those who trade everything as
    "/public". Auditor, regulator, researcher and public own raw face images, so that each role can
    be asked about rows of its own.
    """
    register = Register((*PARTIES, *MORE_PARTIES), DATASETS)
    for owner, kind, form in product(_OWNERS, KINDS, FORMS):
        register.add(_data(owner, kind, form))
    for kind, form in product(KINDS, FORMS):
        register.add(_data("m1", kind, form, persons=False))
        for owner in ("m1", "marketplace", "retail"):
            register.add(_data(owner, kind, form, public=True))
    for owner, kind, form in product(("m1", "shopper"), _ABOUT_GOODS, FORMS):
        register.add(_data(owner, kind, form, persons=True))
    for owner in ("auditor", "regulator", "researcher", "public"):
        register.add(_data(owner, "face_images", "raw"))
    return register


def neighbours(request: Request, register: Register) -> list[Request]:
    """Return every request of the sample world that differs from one in exactly one thing.

    One thing is the party, the action, the data set, the purpose, or a fact of the context; for a party that asks for
    its own data also who that is: another party that asks for the same of its own.
    """
    context = request.context
    found = [replace(request, actor=party.id) for party in register.parties]
    found += [replace(request, action=action) for action in ACTIONS]  # type: ignore[arg-type]
    found += [replace(request, dataset=dataset.id) for dataset in register.datasets]
    found += [replace(request, purpose=purpose) for purpose in PURPOSES]  # type: ignore[arg-type]
    owner, _, what = request.dataset.partition("/")
    if request.actor == owner:
        own = [(party.id, f"{party.id}/{what}") for party in register.parties]
        found += [replace(request, actor=one, dataset=data) for one, data in own if register.find_dataset(data)]
    changes: list[dict[str, object]] = [{"consent": level} for level in CONSENTS]
    changes += [{"jurisdiction": place} for place in JURISDICTIONS]
    changes += [{name: not getattr(context, name)} for name in ("minor", "guardian", "alternative")]
    found += [replace(request, context=replace(context, **change)) for change in changes]  # type: ignore[arg-type]
    return [one for one in dict.fromkeys(found) if one != request]


def enumerate_requests() -> list[Request]:
    """Return the 32,400 requests of the chosen domain, all different, in a fixed order."""
    found = [
        Request(party.id, action, dataset.id, purpose)  # type: ignore[arg-type]
        for party, action, dataset, purpose in product(PARTIES, ACTIONS, DATASETS, PURPOSES)
    ]
    found += [
        Request(party, action, dataset, purpose, (), context)
        for party, (dataset, action, purpose), context in product(_LAW_PARTIES, _LAW_USES, CONTEXTS)
    ]
    return found
