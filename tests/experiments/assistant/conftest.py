import dataclasses

import numpy as np
import pytest
from face_shop import CUSTOMERS, copy_of, live_pictures, make_face_shop, same_moment
from made_once import made_once

from experiments.assistant import Shop, read_picture, receipts_for
from experiments.assistant import enrol as enrol_at

GREET, PAY, SUGGEST = "in_store_recognition", "payment", "recommendation"


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return made_once(tmp_path_factory, "face-shop", make_face_shop)


@pytest.fixture(scope="session")
def parts(made):
    """Encoder, liveness check and recommender, loaded once: loading them is most of a test."""
    shop = Shop.open(made / "shop")
    return {"encoder": shop.encoder, "liveness": shop.liveness, "recommender": shop.recommender}


@pytest.fixture(scope="session")
def pictures(made, parts):
    """Person of ORL -> pictures that pass the liveness check; people with at least two of them."""
    shop = opened(made / "shop", parts)
    found = {person: live_pictures(shop, person) for person in CUSTOMERS}
    return {person: names for person, names in found.items() if len(names) >= 2}


def opened(folder, parts):
    """Open a shop with parts that were loaded before."""
    shop = Shop.open(folder)
    for name, part in parts.items():
        shop.__dict__[name] = part  # where cached_property keeps it
    return shop


@pytest.fixture
def shop(made, parts, tmp_path):
    return opened(copy_of(made, tmp_path / "faces"), parts)


@pytest.fixture
def regular(shop):
    """A shopper of the recommender's data with enough behind them to fill a card, whoever the draw would choose."""
    panel = shop.panel(shop.settings.store)
    bought = {one: panel.favourites(one) for one in panel.shoppers}
    return max(bought, key=lambda one: len(bought[one]))


@pytest.fixture
def enrol(shop, pictures):
    """Enrol a person of ORL under an id of the same number."""

    def run(person, *purposes, **options):
        given = [read_picture(name) for name in pictures[person][:1]]
        receipts = receipts_for(shop, str(person), purposes or (GREET, PAY, SUGGEST))
        return enrol_at(shop, str(person), given, receipts, **options)

    return run


@pytest.fixture
def again(shop, pictures):
    """The first enrolled picture of a person once more, with the noise of a camera: a face that surely matches."""

    def run(person):
        name = pictures[person][0]
        return dataclasses.replace(
            read_picture(name), photo=same_moment(shop, name, np.random.default_rng(person)), name="camera", public=""
        )

    return run
