"""Paying by face at a shop, once for each key; there is always another way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from experiments.assistant.pictures import Picture
from experiments.assistant.shop import OFF, Shop
from matching.face.decision import Refused
from matching.face.money import CURRENCIES, digits_of
from matching.face.pay import CURRENCY_RULE, KEY_RULE, Payment, is_key
from matching.face.pay_book import PayBook
from retail.errors import ConfigError

_AMOUNT: Final = re.compile(r"\d{1,9}(\.\d{1,3})?")


def pay(
    shop: Shop,
    person: str,
    pictures: Sequence[Picture],
    *,
    amount: str,
    currency: str,
    key: str,
    device: str = "till",
) -> Payment:
    """Charge a customer who says who they are and shows their face.

    Args:
        shop: where.
        person: claimed id.
        pictures: of one moment.
        amount: such as "12.50".
        currency: ISO 4217.
        key: chosen once for a purchase; sent again, it charges once.
        device: which till.

    Returns: with a receipt if and only if the customer was charged, now or before under this key.

    Raises:
        ConfigError: an amount or a key that cannot be used, or a shop without payment by face.
        PrivacyError: a file of the shop cannot be used; nobody was charged.
    """
    if not is_key(key):
        raise ConfigError(f"the key is {key!r:.40}; write {KEY_RULE}, such as purchase-0001")
    minor = minor_units(amount, currency)
    earlier = PayBook(shop.log).find(PayBook.name(shop.settings.merchant, key))
    if earlier is None and not shop.is_on:  # a till that asks again still learns that it was paid
        return Payment(Refused("policy", OFF), None, shop.settings.alternative)
    return shop.payments.pay(
        person, [one.photo for one in pictures], amount_minor=minor, currency=currency, key=key, device=device
    )


def minor_units(amount: str, currency: str) -> int:
    """Return an amount in the smallest unit of its currency, exactly.

    Raises: ConfigError: there is no such currency, it is no amount, or has more digits than the currency.
    """
    if currency not in CURRENCIES:
        raise ConfigError(CURRENCY_RULE.format(currency))
    digits = digits_of(currency)
    try:
        if not _AMOUNT.fullmatch(amount) or not Decimal(amount):
            raise InvalidOperation
        minor = Decimal(amount).scaleb(digits)
    except InvalidOperation:
        raise ConfigError(
            f"the amount is {amount!r:.40}; write it with a point, above 0 and below a billion, such as 12.50"
        ) from None
    if minor != minor.to_integral_value():
        raise ConfigError(f"the amount is {amount}; {currency} has {digits} digits after the point")
    return int(minor)
