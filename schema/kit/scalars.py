"""The values that are neither text, number nor truth: instants, money, JSON, addresses on the web."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NewType
from urllib.parse import urlsplit

import strawberry
from babel.numbers import list_currencies
from graphql import GraphQLError, ValueNode, value_from_ast_untyped

URL = NewType("URL", str)
CurrencyCode = NewType("CurrencyCode", str)
JSON = NewType("JSON", object)
EventCursor = NewType("EventCursor", str)

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
DIGITS_MAX = 30
URL_LENGTH_MAX = 2000
CURRENCIES = frozenset(list_currencies())


def write_instant(value: datetime) -> str:
    """RFC 3339 in UTC with six digits and Z."""
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def read_instant(value: object) -> datetime:
    """Any offset; an instant without one is refused. Beyond six digits of a second the rest is dropped."""
    if isinstance(value, str) and INSTANT.fullmatch(value.upper()):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    raise GraphQLError("A DateTime is an RFC 3339 instant with an offset, such as 2026-01-31T09:30:00Z.")


def read_decimal(value: object) -> Decimal:
    """Decimal digits as a string or a whole number; a float has lost its digits already and is refused."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**DIGITS_MAX:
        return Decimal(value)
    if isinstance(value, str) and len(value) <= DIGITS_MAX and NUMBER.fullmatch(value):
        return Decimal(value)
    raise GraphQLError('A Decimal is a string of digits, such as "19.99".')


def read_currency(value: object) -> str:
    """An ISO 4217 code that Unicode's locale data knows."""
    if isinstance(value, str) and value in CURRENCIES:
        return value
    raise GraphQLError('A CurrencyCode is an ISO 4217 code in capitals, such as "USD".')


def read_url(value: object) -> str:
    """An absolute http or https address with a host."""
    if isinstance(value, str) and len(value) <= URL_LENGTH_MAX and value.isprintable() and " " not in value:
        with suppress(ValueError):
            parts = urlsplit(value)
            # A port that is none raises when it is read.
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
                return value
    raise GraphQLError("A URL is absolute and begins with http:// or https://.")


def read_cursor(value: object) -> str:
    """Any text: whether it is a cursor is seen where it is used."""
    if isinstance(value, str):
        return value
    raise GraphQLError("An EventCursor is a string that the server has given.")


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
    EventCursor: strawberry.scalar(
        name="EventCursor",
        description="A position in the workspace's event log. Opaque. Give it back as `after` to go on from there.",
        serialize=str,
        parse_value=read_cursor,
    ),
    URL: strawberry.scalar(
        name="URL", description="Absolute http or https URL.", serialize=str, parse_value=read_url
    ),
}
