"""Made-up reviews of diapers whose meaning is known: which aspect is praised or blamed in each.

No corpus of reviews can be installed, so this is text of our own making, and a figure measured on it says how a method
does on text like this, not on customers'. Wordings are split in two: reviews with `wordings="new"` praise and blame in
words of which those with "known" have none, so that a method that has only learnt phrases by heart fails on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from retail.errors import ConfigError

Wordings = Literal["known", "new"]
Label = tuple[str, str]
"""(aspect, "good" or "bad")."""

ASPECTS: Final = ("absorbency", "comfort", "fit", "smell", "price")

_SAID: Final[Mapping[Label, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    ("absorbency", "good"): (
        ("stays dry all night", "soaks up everything", "not a single leak in a month", "holds a lot before a change"),
        ("no wet sheets any more", "takes a whole night without a drop outside", "drinks it all in"),
    ),
    ("absorbency", "bad"): (
        ("leaks every night", "was soaked after an hour", "does not stay dry for long", "the bed was wet again"),
        ("cannot hold a night", "everything ran out at the sides", "damp within minutes"),
    ),
    ("comfort", "good"): (
        ("soft on the skin", "no rash at all", "so gentle that she sleeps through", "feels like cotton even when wet"),
        ("his skin has calmed down", "like a soft cloth", "nothing itches any more"),
    ),
    ("comfort", "bad"): (
        ("gave him a rash", "feels like paper", "red skin after one day", "not soft at all"),
        ("scratchy against the legs", "he had sore spots", "itchy and stiff"),
    ),
    ("fit", "good"): (
        ("fits well around the legs", "does not slip when he crawls", "the tabs hold", "true to size"),
        ("sits snug even when she runs", "stays where it belongs", "the waistband follows every move"),
    ),
    ("fit", "bad"): (
        ("runs small", "the tabs tore off", "slips down when she walks", "too wide at the waist"),
        ("hangs to her knees", "one size up and still tight", "the fasteners came undone"),
    ),
    ("smell", "good"): (
        ("no smell in the morning", "keeps odour in", "no perfume, which we like", "smells of nothing"),
        ("the bin does not stink", "odour stays locked away", "pleasantly neutral to the nose"),
    ),
    ("smell", "bad"): (
        ("smells of chemicals", "the odour is terrible in the morning", "far too much perfume", "stinks once wet"),
        ("a reek of plastic", "one notices it across the room", "the scent gave me a headache"),
    ),
    ("price", "good"): (
        ("a good price for so many", "cheaper than the brand we had", "worth every cent", "great value"),
        ("easy on the wallet", "half of what we used to pay", "a bargain by the box"),
    ),
    ("price", "bad"): (
        ("too expensive", "not worth the money", "the price went up again", "costs more than the others"),
        ("a fortune for what it is", "our budget cannot take it", "overpriced by far"),
    ),
}
_ABOUT_NOTHING: Final = (
    "bought for my nephew", "arrived on Tuesday", "the box was dented", "third pack this year", "my sister told me so",
    "the shop was out of it for a while", "we use it at night", "our second child", "will see how it goes",
    "the price of postage is another matter", "the cat likes the box", "delivery smelled of nothing but cardboard",
)  # fmt: skip
_JOINS: Final = (". ", ", and ", ", but ", "; ")


@dataclass(frozen=True, slots=True)
class Review:
    """One review.

    Attributes:
        text: what somebody might have written.
        labels: what it says, each once; empty where it says nothing of the product.
    """

    text: str
    labels: frozenset[Label]


def made_up_reviews(count: int, *, wordings: Wordings, rng: np.random.Generator) -> tuple[Review, ...]:
    """Write reviews.

    Args:
        count: how many.
        wordings: "known" or "new"; the two have no way to praise or blame in common.
        rng: draws aspects, wordings and what is said beside.

    Raises: ConfigError: no number of reviews, or other wordings.
    """
    if type(count) is not int or count < 1 or wordings not in ("known", "new"):
        raise ConfigError(f"ask for 1 review or more in known or new wordings, got {count!r} in {wordings!r}")
    labels = list(_SAID)
    written = []
    for _ in range(count):
        aspects = rng.permutation(len(ASPECTS))[: rng.integers(0, 4)]
        said = [(ASPECTS[one], ("good", "bad")[rng.integers(2)]) for one in aspects]
        assert set(said) <= set(labels)
        clauses = [str(rng.choice(_SAID[one][wordings == "new"])) for one in said]
        beside = rng.integers(0 if said else 1, 3)
        clauses += [str(one) for one in rng.choice(_ABOUT_NOTHING, size=beside, replace=False)]
        order = rng.permutation(len(clauses))
        text = clauses[order[0]]
        for place in order[1:]:
            text += str(rng.choice(_JOINS)) + clauses[place]
        written.append(Review(text[0].upper() + text[1:] + ".", frozenset(said)))
    return tuple(written)
