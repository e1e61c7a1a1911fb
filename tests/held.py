"""PostgreSQL with row level security: every database of the tests holds the server to one workspace at a time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from db.engine import Database, driver_url
from db.metadata import METADATA
from db.row_security import EVERYWHERE, Within, enable

HELD = "switchboard_held"
"""The user that policies hold. It stays on the server, where other processes of tests may need it as well."""
PASSWORD = "held"
MAKE_HELD = f"""DO $$ BEGIN CREATE ROLE {HELD} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{PASSWORD}';
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"""
TESTS = Path(__file__).resolve().parent


def is_held(url: str) -> bool:
    """Whether policies hold who signs in by this URL."""
    return driver_url(url).username == HELD


async def hold(database: Database) -> None:
    """Puts policies on the tables of a database, and gives them to a user that they hold. Copies of it are the same."""
    async with database.write() as connection:
        await enable(connection)
        await connection.execute(text(MAKE_HELD))
        await connection.execute(text(f"GRANT ALL ON SCHEMA public TO {HELD}"))
        for table in (*METADATA.tables, "alembic_version"):
            await connection.execute(text(f"ALTER TABLE {table} OWNER TO {HELD}"))


@contextmanager
def looked_past() -> Iterator[None]:
    """Meanwhile what the tests themselves read and write sees every workspace; what the server does, its own."""
    begin, fetch, write = Database.__init__, Database.fetch, Database.write

    def begin_held(self: Database, url: str, **options: Any) -> None:
        held = is_held(url) and not options.get("sees_all")
        begin(self, url, **{**options, "row_security": held or options.get("row_security", False)})

    def fetch_held(self: Database, statement: Any, values: Any = None, *, within: Within = None) -> Any:
        return fetch(self, statement, values, within=within or _asked_by_a_test())

    def write_held(self: Database, within: Within = None) -> Any:
        return write(self, within or _asked_by_a_test())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "__init__", begin_held)
        patch.setattr(Database, "fetch", fetch_held)
        patch.setattr(Database, "write", write_held)
        yield


def _asked_by_a_test() -> Within:
    caller = Path(sys._getframe(2).f_code.co_filename)
    return EVERYWHERE if caller.is_relative_to(TESTS) else None
