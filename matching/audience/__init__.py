"""Look-alike audiences: who may want a new product, going by those who bought it early.

Enters: households' lines before a launch, the public catalogue, and the launch. Leaves: scores for the platform that
delivers an advert, their measured quality, how well a seed is recognised, and an `Audience` that gives out no ids.

    launch = Launch.of(catalogue, product, day)
    purchases = Purchases.of(history)
    table = features(purchases, catalogue, launch)            # before the launch only
    paid = Payment(ledger, engine, log, actor="brand", epsilon=0.1)
    audience = activate(rule_score(table, "rule"), persons, seeds, share=0.05, allows=agreed, payment=paid)
    audience.size.people, audience.size.error

`docs/audiences.md` explains, and warns.
"""

from matching.audience.activate import Audience, activate, activate_nearest
from matching.audience.embedding import embedding
from matching.audience.features import FEATURES, Purchases, features
from matching.audience.launch import Launch, early_buyers, known_before, later_buyers
from matching.audience.methods import RULES, rule_score
from matching.audience.size import Minimums, Payment, Size

__all__ = [
    "FEATURES",
    "RULES",
    "Audience",
    "Launch",
    "Minimums",
    "Payment",
    "Purchases",
    "Size",
    "activate",
    "activate_nearest",
    "early_buyers",
    "embedding",
    "features",
    "known_before",
    "later_buyers",
    "rule_score",
]
