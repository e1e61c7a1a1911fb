"""Brings a database to the newest revision, and says what a revision would still have to change."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from db.engine import Database
from db.metadata import METADATA

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
LOCK_TIMEOUT = "5s"
UPGRADE_LOCK = 8_214_003
"""Two servers that start at once on PostgreSQL migrate one after the other."""


def configuration() -> Config:
    """Alembic's configuration, without a file: the folder, and file names that begin with the date."""
    config = Config(toml_file=FOLDER.parent / "pyproject.toml")
    config.set_main_option("script_location", str(FOLDER))
    return config


def head() -> str:
    """The newest revision."""
    return str(ScriptDirectory.from_config(configuration()).get_current_head())


async def current(database: Database) -> str | None:
    """The revision the database is at; None when it has never been migrated."""
    async with database.writer.connect() as connection:
        return await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())


async def migrate(database: Database, revision: str = "head") -> None:
    """Applies what is missing, up to the revision, or takes back what is beyond it."""
    async with database.writer.connect() as connection:
        if database.dialect == "sqlite":
            # A rebuilt table would cascade to its children: foreign keys are off, and checked afterwards.
            await connection.exec_driver_sql("COMMIT")
            await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            await connection.run_sync(_run, revision)
            await connection.commit()
        finally:
            if database.dialect == "sqlite":
                await connection.invalidate()


def _run(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        # A migration that waits for a lock makes every later query wait behind it: give up instead.
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    config = configuration()
    config.attributes["connection"] = connection
    step = command.upgrade if revision == "head" or revision.startswith("+") else command.downgrade
    step(config, revision)
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        if broken:
            raise RuntimeError(f"The migration left rows that point nowhere: {broken[:5]}")


async def drift(database: Database) -> list[Any]:
    """What the tables in code have that the database has not, or the other way about; empty when they agree."""

    def compare(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))

    async with database.writer.connect() as connection:
        return await connection.run_sync(compare)


def write_revision(connection: Connection, message: str) -> None:
    """Writes the file of a new revision: what the tables in code have beyond the history."""
    config = configuration()
    config.attributes["connection"] = connection
    command.revision(config, message, autogenerate=True)
