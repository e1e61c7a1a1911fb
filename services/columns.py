"""What a column can hold, checked before the database is asked: the same answer from both, with a path."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import JSON, Enum, Integer, String, inspect

from db.base import Row
from db.types import AMOUNT_MAX, Amount
from services.errors import Invalid

JSON_BYTES_MAX = 16_384
INTEGER_MAX = 2**31 - 1


def check(table: type[Row], values: Mapping[str, Any], *, whole: bool = False) -> None:
    """Raises Invalid at the first value that its column cannot hold; `whole` asks for every required column."""
    for attribute in inspect(table).column_attrs:
        name, column = attribute.key, attribute.columns[0]
        if name not in values:
            if whole and not column.nullable:
                raise Invalid("It is required.", name)
            continue
        value = values[name]
        if value is None:
            if not column.nullable:
                raise Invalid("It cannot be null.", name)
            continue
        reason = _fault(column.type, value)
        if reason:
            raise Invalid(reason, name)


def _fault(kind: Any, value: Any) -> str | None:
    if isinstance(kind, Enum):
        return None
    if isinstance(kind, String) and isinstance(value, str):
        return _text_fault(value, kind.length)
    if isinstance(kind, JSON):
        return _json_fault(value)
    if isinstance(kind, Amount) and isinstance(value, Decimal) and abs(value) > AMOUNT_MAX:
        return f"At most {AMOUNT_MAX}."
    if isinstance(kind, Integer) and isinstance(value, int) and abs(value) > INTEGER_MAX:
        return f"At most {INTEGER_MAX}."
    return None


def _text_fault(value: str, length_max: int | None) -> str | None:
    if length_max is not None and len(value) > length_max:
        return f"At most {length_max} characters."
    if "\x00" in value:
        return "The character U+0000 cannot be kept."
    try:
        value.encode()
    except UnicodeEncodeError:
        return "It holds half of a surrogate pair."
    return None


def _json_fault(value: Any) -> str | None:
    try:
        size = orjson.dumps(value)
    except (orjson.JSONEncodeError, TypeError):
        return "It is not JSON that can be kept."
    if len(size) > JSON_BYTES_MAX:
        return f"At most {JSON_BYTES_MAX} bytes of JSON."
    return "The character U+0000 cannot be kept." if b"\\u0000" in size else None
