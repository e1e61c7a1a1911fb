"""Cursors: the values a row was sorted by, opaque to clients, good only for the order they were made in."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

from db.base import Row
from db.types import UNKEPT
from schema.kit.edges import Order
from services.errors import Invalid

VERSION = 1
LENGTH_MAX = 4_096
INTEGER_MAX = 2**31


def encode(row: Any, order: Order) -> str:
    """The cursor of a row in a list of that order."""
    return write([getattr(row, name) for name, _ in order], order)


def write(values: Sequence[Any], order: Order) -> str:
    """The cursor of the row that has these values in the columns of that order."""
    told = [VERSION, _signature(order), [_plain(value) for value in values]]
    return urlsafe_b64encode(orjson.dumps(told)).decode().rstrip("=")


def decode(table: type[Row], order: Order, text: str, argument: str) -> tuple[Any, ...]:
    """The values of a cursor; Invalid for one of another order, another version or no cursor at all."""
    try:
        if len(text) > LENGTH_MAX:
            raise ValueError(text)
        made = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        version, signature, values = made
        if version != VERSION or signature != _signature(order) or len(values) != len(order):
            raise ValueError(text)
        return tuple(_parse(table, name, v) for (name, _), v in zip(order, values, strict=True))
    except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
        raise Invalid("It is no cursor of this list in this order.", argument) from error


def _signature(order: Order) -> str:
    return ",".join(f"{name}{'-' if descending else '+'}" for name, descending in order)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Decimal) else value


def _parse(table: type[Row], name: str, value: Any) -> Any:
    column = getattr(table, name).property.columns[0]
    if value is None:
        if not column.nullable:
            raise ValueError(name)
        return None
    kind = column.type.python_type
    if kind is int:
        if type(value) is not int or abs(value) >= INTEGER_MAX:
            raise ValueError(value)
        return value
    if not isinstance(value, str) or UNKEPT.search(value):
        raise ValueError(value)
    return PARSERS[kind](value)


def _parse_uuid(value: str) -> UUID:
    return UUID(hex=value)


def _parse_amount(value: str) -> Decimal:
    number = Decimal(value)
    if not number.is_finite() or abs(number) > 10**12:
        raise ValueError(value)
    return number.quantize(Decimal("0.01"))


def _parse_instant(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(value)
    return instant.astimezone(UTC)


PARSERS: dict[type, Callable[[str], Any]] = {
    UUID: _parse_uuid,
    Decimal: _parse_amount,
    datetime: _parse_instant,
    str: str,
}
