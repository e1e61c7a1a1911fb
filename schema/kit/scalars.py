"""The values that are neither text, number nor truth: instants, money, JSON, addresses on the web."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType
from urllib.parse import urlsplit

import strawberry
from babel.numbers import list_currencies
from graphql import GraphQLError, ValueNode, value_from_ast_untyped

URL = NewType("URL", str)
CurrencyCode = NewType("CurrencyCode", str)
JSON = NewType("JSON", object)

DIGITS_MAX = 30
URL_LENGTH_MAX = 2000
CURRENCIES = frozenset(list_currencies())


def write_instant(value: datetime) -> str:
    """RFC 3339 in UTC with six digits and Z."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_instant(value: object) -> datetime:
    """Any offset; an instant without one is refused."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value.upper() else None
        if instant is not None and instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError("A DateTime is an RFC 3339 instant with an offset, such as 2026-01-31T09:30:00Z.")


def read_decimal(value: object) -> Decimal:
    """Decimal digits as a string or a whole number; a float has lost its digits already and is refused."""
    if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= DIGITS_MAX:
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and "e" not in str(value).lower() and "_" not in str(value):
            return number
    raise GraphQLError('A Decimal is a string of digits, such as "19.99".')


def read_currency(value: object) -> str:
    """An ISO 4217 code that Unicode's locale data knows."""
    if isinstance(value, str) and value in CURRENCIES:
        return value
    raise GraphQLError('A CurrencyCode is an ISO 4217 code in capitals, such as "USD".')


def read_url(value: object) -> str:
    """An absolute http or https address with a host."""
    if isinstance(value, str) and len(value) <= URL_LENGTH_MAX and not any(c.isspace() for c in value):
        try:
            parts = urlsplit(value)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme in ("http", "https") and parts.hostname:
            return value
    raise GraphQLError("A URL is absolute and begins with http:// or https://.")


def _same(value: Any) -> Any:
    return value


def _literal_json(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    return value_from_ast_untyped(node, variables)


SCALARS: dict[Any, Any] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 instant, UTC.",
        serialize=write_instant,
        parse_value=read_instant,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='Exact decimal as a string: "19.99".',
        serialize=str,
        parse_value=read_decimal,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode", description='ISO 4217 code: "USD".', serialize=str, parse_value=read_currency
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=_same,
        parse_value=_same,
        parse_literal=_literal_json,
    ),
    URL: strawberry.scalar(
        name="URL", description="Absolute http or https URL.", serialize=str, parse_value=read_url
    ),
}
