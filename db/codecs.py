"""The values that PostgreSQL's driver makes objects of, at a price, kept as the text that an answer holds.

A thousand instants take asyncpg longer than all else of their rows. So the connections that are read by position give
ids as 32 digits, instants and amounts as PostgreSQL writes them; whoever needs the object makes it with `READS`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid

from db.types import Amount, UtcDateTime


async def keep_text(connection: Any) -> None:
    """Sets the codecs of a connection of asyncpg; asks the server for nothing."""
    for name, encode, decode, format in (
        ("uuid", id_bytes, bytes.hex, "binary"),
        ("timestamptz", instant_text, str, "text"),
        ("numeric", str, str, "text"),
    ):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=encode, decoder=decode, format=format
        )


def id_bytes(id: UUID | str) -> bytes:
    """An id as it is sent: a key comes from a row, as 32 digits, or from a service."""
    return bytes.fromhex(id) if isinstance(id, str) else id.bytes


def instant(text: str) -> datetime:
    """What PostgreSQL writes of an instant, in whatever time zone the connection is."""
    return ENDS.get(text) or datetime.fromisoformat(text).astimezone(UTC)


def instant_text(instant: datetime) -> str:
    """An instant as it is sent: as asyncpg does it, the first and the last of Python's are beyond all others."""
    return TEXTS_OF_ENDS.get(instant) or instant.isoformat()


ENDS: Final[Mapping[str, datetime]] = {
    "-infinity": datetime.min.replace(tzinfo=UTC),
    "infinity": datetime.max.replace(tzinfo=UTC),
}
TEXTS_OF_ENDS: Final = {end: text for text, end in ENDS.items()}
READS: Final[Mapping[type, Callable[[str], Any]]] = {Uuid: UUID, UtcDateTime: instant, Amount: Decimal}
"""What makes the objects of those texts, by type of column."""
