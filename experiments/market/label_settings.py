"""What `method = "label"` reads: a real category or several, and where their purchases come from."""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from experiments.base_scenario import Settings

OwnLabel = Literal["as_is", "none", "ranked_up"]
"""What the own label may do: its products in the list, out of the market, or in the list with a bonus."""
Prices = Literal["held", "answered"]
"""Prices as observed, or sellers' best answers at the costs that observed prices imply."""
LABEL_SETTINGS: Final = ("attention", "bonus", "sharpness")
"""Settings of the market that are read; all others describe what real data replace."""
LEAST_DRAWS: Final = 40
"""Fewest draws of price coefficients: with fewer, 95% of them are all of them."""


class LabelData(Settings):
    """Whose purchases are read."""

    source: Literal["complete-journey", "folder"] = Field("complete-journey", description="whose purchases are read")
    path: str | None = Field(None, min_length=1, description='a folder of tables, for source = "folder"')
    timezone: str = Field("UTC", min_length=1, description="an IANA name such as Europe/Berlin, for a folder")
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="an ISO 4217 code such as EUR, for a folder")

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.source == "folder" and self.path is None:
            raise ValueError('data.path is missing; name the folder that source = "folder" reads')
        if self.source != "folder" and self.path is not None:
            raise ValueError(f'data.path = {self.path!r} is read only with source = "folder"; remove it')
        if self.timezone not in zoneinfo.available_timezones():
            raise ValueError(f"data.timezone = {self.timezone!r} is no time zone; write an IANA name: Europe/Berlin")
        return self


class LabelTable(Settings):
    """Which categories, and how their price coefficients come about."""

    categories: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(
        description="names of categories as the tables spell them; a visit chooses once in each"
    )
    hold_offers: bool = Field(False, description="estimate with displays and mailers held fixed; needs promotions")
    price_coefficient: float | None = Field(
        None, lt=0, description="below 0, an assumption for all categories; left out: estimated for each"
    )

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        twice = next((name for name in self.categories if self.categories.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"label.categories lists {twice!r} twice; name each once")
        if self.hold_offers and self.price_coefficient is not None:
            raise ValueError("label.hold_offers is about estimates, and label.price_coefficient is given; remove one")
        return self
