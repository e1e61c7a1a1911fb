"""Small rules that several services share: addresses, money, names of columns."""

from decimal import Decimal
from typing import Any, NamedTuple

from babel.numbers import get_currency_precision
from email_validator import EmailNotValidError, validate_email

from services.errors import Invalid

DECIMALS_MAX = 2
"""What the amount columns hold; a currency with fewer (JPY) has its own limit."""


class Money(NamedTuple):
    """An exact amount of one currency (ISO 4217)."""

    amount: Decimal
    currency: str


def as_columns(values: dict[str, Any]) -> dict[str, Any]:
    """Values by the names of columns: `metadata` is a word of SQLAlchemy's own."""
    return {"details" if name == "metadata" else name: value for name, value in values.items()}


def read_email(value: str, *path: str | int) -> str:
    """An e-mail address in lower case; Invalid for what is none. Nothing is sent and no name server asked."""
    try:
        return validate_email(value, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise Invalid("It is not an e-mail address.", *(path or ("email",))) from error


def check_money(money: Money, *path: str | int) -> Money:
    """Money with no more decimals than its currency has; more are refused, never rounded. Not negative."""
    decimals = min(DECIMALS_MAX, get_currency_precision(money.currency))
    if money.amount < 0:
        raise Invalid("It cannot be negative.", *path, "amount")
    if money.amount != money.amount.quantize(Decimal(1).scaleb(-decimals)):
        raise Invalid(f"{money.currency} has at most {decimals} decimals.", *path, "amount")
    return money
