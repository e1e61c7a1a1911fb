"""Runs revisions: on the connection that db.migrate hands over, or, by Alembic's own command line, on DATABASE_URL."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from db.engine import Database
from db.metadata import METADATA
from graph.settings import Settings


def run(connection: Connection) -> None:
    """Runs what was asked for."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        compare_type=True,
        user_module_prefix="db.types.",
    )
    context.run_migrations()


async def run_by_settings() -> None:
    """Opens the database that the environment names."""
    database = Database(Settings.load().database_url, statement_seconds=None, sees_all=True)
    async with database.writer.begin() as connection:
        await connection.run_sync(run)
    await database.close()


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    asyncio.run(run_by_settings())
