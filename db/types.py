"""Column types that mean the same on SQLite and PostgreSQL."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Numeric, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

AMOUNT_MAX = Decimal("9999999999.99")
"""The largest amount that Numeric(12, 2) holds."""
HUNDREDTH = Decimal("0.01")
UNKEPT = re.compile("[\x00\ud800-\udfff]")
"""Characters that PostgreSQL keeps in no text: U+0000, and halves of surrogate pairs."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware and in UTC on the way out, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True
    python_type = datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Amount(TypeDecorator[Decimal]):
    """Exact money: Numeric(12, 2) on PostgreSQL; whole hundredths on SQLite, whose decimals are floats."""

    impl = Numeric(12, 2)
    cache_ok = True
    python_type = Decimal

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(12, 2))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        if value is None or dialect.name != "sqlite":
            return value
        return int((value / HUNDREDTH).to_integral_exact())

    def process_result_value(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        return Decimal(value) * HUNDREDTH


def text(length: int | None = None) -> TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    plain: TypeEngine[str] = String(length) if length else Text()
    ordered: TypeEngine[str] = String(length, collation="C") if length else Text(collation="C")
    return plain.with_variant(ordered, "postgresql")


def choice(values: type[StrEnum], name: str) -> Enum:
    """One of a few words, kept as text under a named check constraint, so that more may join later."""
    return Enum(
        values, native_enum=False, create_constraint=True, validate_strings=True, length=32, name=name
    )


def json() -> JSON:
    """Any JSON value, its key order kept; replaced whole, never edited in place."""
    return JSON(none_as_null=True)
