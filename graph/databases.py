"""The database of a command: opened for it, at the revision that this version needs, and closed again."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from sqlalchemy.exc import DBAPIError

from db import migrate as migrations
from db import row_security as policies
from db.engine import Database
from db.faults import DatabaseFault

T = TypeVar("T")


async def prepare(database: Database) -> None:
    """Brings a SQLite database to the newest revision; a PostgreSQL database has to be there already."""
    if database.dialect == "sqlite":
        await migrations.migrate(database)
        await database.analyze()
        return
    at, head = await migrations.current(database), migrations.head()
    if at != head:
        raise click.ClickException(
            f"The database is at revision {at or 'none'}, this version needs {head}: run python -m graph migrate."
        )


async def prepare_to_serve(row_security: bool, database: Database) -> None:
    """The same, and its row level security has to be as the settings say."""
    await prepare(database)
    if database.dialect == "postgresql":
        async with database.write() as connection:
            fault = await policies.fault(connection, wanted=row_security)
        if fault is not None:
            raise click.ClickException(f"This database cannot be served: {fault}.")


async def using(database: Database, run: Callable[[Database], Awaitable[T]]) -> T:
    """Runs something with a database and closes it; what is wrong with it is told without its password."""
    try:
        return await run(database)
    except (OSError, DBAPIError, DatabaseFault) as error:
        shown = database.url.render_as_string(hide_password=True)
        reason = error.__cause__ if isinstance(error, DatabaseFault) else error
        raise click.ClickException(
            f"The database {shown} cannot be used: {type(reason).__name__}."
        ) from error
    finally:
        await database.close()
