"""What a column can hold, checked before the database is asked: the same answer from both, with a path."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import JSON, Enum, Integer, String, inspect

from db.base import Row
from db.types import AMOUNT_MAX, UNKEPT, Amount
from services.errors import Invalid

JSON_BYTES_MAX = 16_384
JSON_DEPTH_MAX = 32
"""Levels of lists and objects in a JSON value; an encoder fails on hundreds, and with it every list that shows one."""
INTEGER_MAX = 2**31 - 1
UNKEPT_FAULT = "It holds U+0000 or half of a surrogate pair, which cannot be kept."


def check(table: type[Row], values: Mapping[str, Any], *, whole: bool = False) -> None:
    """Raises Invalid at the first value that its column cannot hold; `whole` asks for every required column."""
    for attribute in inspect(table).column_attrs:
        name, column = attribute.key, attribute.columns[0]
        if name not in values:
            if whole and not column.nullable:
                raise Invalid("It is required.", column.name)
            continue
        value = values[name]
        if value is None:
            if not column.nullable:
                raise Invalid("It cannot be null.", column.name)
            continue
        reason = _fault(column.type, value)
        if reason:
            # Callers know the column's own name: `metadata`, which SQLAlchemy keeps to itself as an attribute.
            raise Invalid(reason, column.name)


def _fault(kind: Any, value: Any) -> str | None:
    if isinstance(kind, Enum):
        return None
    if isinstance(kind, String) and isinstance(value, str):
        return text_fault(value, kind.length)
    if isinstance(kind, JSON):
        return _json_fault(value)
    if isinstance(kind, Amount) and isinstance(value, Decimal) and abs(value) > AMOUNT_MAX:
        return f"At most {AMOUNT_MAX}."
    if isinstance(kind, Integer) and isinstance(value, int) and abs(value) > INTEGER_MAX:
        return f"At most {INTEGER_MAX}."
    return None


def text_fault(value: str, length_max: int | None) -> str | None:
    """Why a text cannot be kept; None where it can."""
    if length_max is not None and len(value) > length_max:
        return f"At most {length_max} characters."
    return UNKEPT_FAULT if UNKEPT.search(value) else None


def _json_fault(value: Any) -> str | None:
    try:
        size_bytes = len(orjson.dumps(value))
    except (orjson.JSONEncodeError, TypeError):
        return "It is not JSON that can be kept."
    if size_bytes > JSON_BYTES_MAX:
        return f"At most {JSON_BYTES_MAX} bytes of JSON."
    return _leaf_fault(value, JSON_DEPTH_MAX)


def _leaf_fault(value: Any, depth: int) -> str | None:
    if depth == 0 and isinstance(value, dict | list):
        return f"At most {JSON_DEPTH_MAX} levels of JSON."
    if isinstance(value, str):
        return UNKEPT_FAULT if UNKEPT.search(value) else None
    if isinstance(value, float):
        # PostgreSQL refuses NaN and Infinity, SQLite keeps them, and neither is JSON.
        return None if math.isfinite(value) else "It is not JSON that can be kept."
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((fault for part in parts if (fault := _leaf_fault(part, depth - 1))), None)


def as_columns(values: dict[str, Any]) -> dict[str, Any]:
    """Values by the names of columns: `metadata` is a word of SQLAlchemy's own."""
    return {"details" if name == "metadata" else name: value for name, value in values.items()}


def check_filled(values: Mapping[str, Any], *names: str) -> None:
    """Invalid at the first of the named texts that is given and blank: what identifies something cannot be."""
    for name in names:
        text = values.get(name)
        if text is not None and not text.strip():
            raise Invalid("It cannot be empty.", name)
