"""Small rules that several services share: addresses, money, names of columns."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from babel.numbers import get_currency_precision
from email_validator import EmailNotValidError, validate_email

from db.types import AMOUNT_MAX, HUNDREDTH
from services.columns import text_fault
from services.errors import Invalid

DECIMALS_MAX = 2
"""What the amount columns hold; a currency with fewer (JPY) has its own limit."""
ADDRESS_LINE_MAX = 255
"""Characters in one field of a postal address."""


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


def check_filled(values: Mapping[str, Any], *names: str) -> None:
    """Invalid at the first of the named texts that is given and blank: what identifies something cannot be."""
    for name in names:
        text = values.get(name)
        if text is not None and not text.strip():
            raise Invalid("It cannot be empty.", name)


def check_address(address: Mapping[str, str | None] | None, *path: str | int) -> dict[str, str] | None:
    """A postal address as it is kept: what is given of it; None where that is nothing."""
    kept = {name: line for name, line in (address or {}).items() if line is not None}
    for name, line in kept.items():
        fault = text_fault(line, ADDRESS_LINE_MAX)
        if fault:
            raise Invalid(fault, *path, name)
    return kept or None


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
