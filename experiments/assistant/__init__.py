"""The assistant at a shop's door: recognises customers who agreed to it, shows their card, and takes payments by face.

Here the rooms meet: an encoder that the federation exported, the recognition of `matching.face`, consents, and the
recommender that a run left. Everything of one merchant lies in one folder.

Enters: a folder; pictures; what people agreed to. Leaves: cards, receipts, refusals; never a score, never a photo.

    shop = open_shop("faces")
    enrol(shop, "17", [read_picture("orl:31/1")], receipts_for(shop, "17", ["in_store_recognition"]))
    card = greet(shop, read_picture("orl:31/4"))
"""

from experiments.assistant.agreement import AGREED, read_receipts, receipts_for
from experiments.assistant.card import Card, greet
from experiments.assistant.customers import enrol, revoke
from experiments.assistant.pictures import Picture, read_picture
from experiments.assistant.setup import open_shop, switch
from experiments.assistant.shop import Shop
from experiments.assistant.sweep import sweep
from experiments.assistant.till import pay

__all__ = [
    "AGREED",
    "Card",
    "Picture",
    "Shop",
    "enrol",
    "greet",
    "open_shop",
    "pay",
    "read_picture",
    "read_receipts",
    "receipts_for",
    "revoke",
    "sweep",
    "switch",
]
