"""Many rows at once, past the services: COPY on PostgreSQL, else one prepared statement. Constraints are kept."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, insert, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import DeclarativeBase

VERSION_7 = 0x7 << 76
VARIANT = 0x2 << 62


def id_at(random: Random, at: datetime) -> UUID:
    """A UUIDv7 of that moment, its other bits from the generator: rows made up for the past sort as if made then."""
    bits = random.getrandbits(74)
    moment = int(at.timestamp() * 1000) << 80
    return UUID(int=moment | VERSION_7 | (bits >> 62) << 64 | VARIANT | bits & (1 << 62) - 1)


async def add_rows(
    connection: AsyncConnection,
    table: type[DeclarativeBase],
    names: Sequence[str],
    records: Iterable[Sequence[Any]],
) -> None:
    """Adds rows of these attributes in the connection's transaction."""
    columns = [inspect(table).column_attrs[name].columns[0] for name in names]
    if not await _takes_copies(connection, table):
        rows = [dict(zip(names, record, strict=True)) for record in records]
        if rows:
            await connection.execute(insert(table), rows)
        return
    encoded = [place for place, column in enumerate(columns) if isinstance(column.type, JSON)]
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.copy_records_to_table(
        table.__tablename__,
        columns=[column.name for column in columns],
        records=_encoded(records, encoded) if encoded else records,
    )


async def _takes_copies(connection: AsyncConnection, table: type[DeclarativeBase]) -> bool:
    """Whether there is COPY, which PostgreSQL has not where row level security holds its user."""
    if connection.dialect.name == "sqlite":
        return False
    # Asked in any case: SQLAlchemy opens the transaction with the first statement; the driver's own COPY would not.
    held = await connection.execute(text("SELECT row_security_active(:name)"), {"name": table.__tablename__})
    return not held.scalar()


def _encoded(records: Iterable[Sequence[Any]], places: Sequence[int]) -> Iterable[Sequence[Any]]:
    for record in records:
        row = list(record)
        for place in places:
            if row[place] is not None:
                row[place] = json.dumps(row[place], ensure_ascii=False)
        yield row
