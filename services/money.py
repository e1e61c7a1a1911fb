"""Exact amounts of one currency, and how many decimals each has."""

from decimal import Decimal
from typing import NamedTuple

from babel.numbers import get_currency_precision

from db.types import AMOUNT_MAX, HUNDREDTH
from services.errors import Invalid

DECIMALS_MAX = 2
"""What the amount columns hold; a currency with fewer (JPY) has its own limit."""


class Money(NamedTuple):
    """An exact amount of one currency (ISO 4217)."""

    amount: Decimal
    currency: str


def check_money(money: Money, *path: str | int) -> Money:
    """Money with no more decimals than its currency has; more are refused, never rounded. Not negative."""
    if abs(money.amount) > AMOUNT_MAX:
        raise Invalid(f"At most {AMOUNT_MAX}.", *path, "amount")
    decimals = min(DECIMALS_MAX, get_currency_precision(money.currency))
    if money.amount < 0:
        raise Invalid("It cannot be negative.", *path, "amount")
    if money.amount != money.amount.quantize(Decimal(1).scaleb(-decimals)):
        raise Invalid(f"{money.currency} has at most {decimals} decimals.", *path, "amount")
    return Money(abs(money.amount).quantize(HUNDREDTH), money.currency)
