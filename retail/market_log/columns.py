"""Every column name of a marketplace's log once; docs/market-audit.md explains them."""

from typing import Final

LIST: Final = "list"
PERIOD: Final = "period"
POSITION: Final = "position"
PRODUCT: Final = "product"
SELLER: Final = "seller"
OWN: Final = "own"
QUERY: Final = "query"
SHOWN: Final = "shown"

PRICE: Final = "price"

CATEGORY: Final = "category"
LAUNCHED: Final = "launched"
COPY_OF: Final = "copy_of"

UNITS: Final = "units"
REVENUE: Final = "revenue"
CURRENCY: Final = "currency"

PROFIT: Final = "profit"
POPULARITY: Final = "popularity"

ACTOR: Final = "actor"
OWNER: Final = "owner"
DATA: Final = "data"
COLUMNS: Final = "columns"
PURPOSE: Final = "purpose"
ALLOWED: Final = "allowed"
ROLE: Final = "role"
PUBLIC: Final = "public"

MERCHANT: Final = "merchant"
ANSWERED: Final = "answered"
COMPLETE: Final = "complete"
FREE: Final = "free"

ADVERTISER: Final = "advertiser"
SEGMENT: Final = "segment"
PEOPLE: Final = "people"
SCORE: Final = "score"
CONVERSIONS: Final = "conversions"
