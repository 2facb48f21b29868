"""The departments that example stores and example demand agree on, each once."""

from __future__ import annotations

from typing import Final

CATEGORIES: Final[tuple[str, ...]] = (
    "baby",
    "bakery",
    "baking",
    "beer and wine",
    "canned food",
    "cereal",
    "cheese",
    "cleaning",
    "coffee and tea",
    "confectionery",
    "dairy",
    "deli",
    "eggs",
    "flowers",
    "frozen meals",
    "general merchandise",
    "health",
    "household paper",
    "ice cream",
    "meat",
    "pasta and rice",
    "personal care",
    "pet food",
    "prepared food",
    "produce",
    "sandwiches and salads",
    "sauces and oils",
    "seafood",
    "snacks",
    "soft drinks",
    "tobacco",
    "water and juice",
)
"""Names of departments, sorted. A plan may use names of its own; these are what the bundled stores and the demand
made from Complete Journey use."""
