"""Row level security of PostgreSQL, a second floor under `visible_to`: a connection sees one workspace, or says that it sees all."""

from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.metadata import METADATA

SETTING: Final = "switchboard.workspace"
"""What says on a connection of PostgreSQL whose rows it sees. Unset, it sees none."""
EVERYWHERE: Final = "*"
"""In place of a workspace: for what belongs to none. Whoever says it says why."""
POLICY: Final = "of_one_workspace"
OPTION: Final = "row_security"
"""The execution option of an engine that says so for each transaction."""
SEE: Final = f"SELECT set_config('{SETTING}', $1, false)"
"""For the rest of a connection of the driver's."""
SEE_IN_SESSION: Final = text(f"SELECT set_config('{SETTING}', :workspace, false)")
SEE_IN_TRANSACTION: Final = text(f"SELECT set_config('{SETTING}', :workspace, true)")

Within = UUID | Literal["*"] | None
"""A workspace, all of them, or none."""


def told(within: Within) -> str:
    """The value of the setting. Never a null: that would leave what the last one said."""
    return "" if within is None else str(within)


def workspace_of(values: Mapping[str, Any]) -> Within:
    """The workspace of the viewer whose values a statement has."""
    found: UUID | None = values.get("viewer_workspace_id")
    return found


async def see_everywhere(connection: AsyncConnection) -> None:
    """The rest of this transaction sees every workspace. Costs nothing where row level security is off."""
    if connection.sync_engine.get_execution_options().get(OPTION):
        await connection.execute(SEE_IN_TRANSACTION, {"workspace": EVERYWHERE})


def guarded_tables() -> dict[str, str]:
    """Every table that says whose its rows are, with the column that does. Refresh tokens do not: they are found by their hash."""
    owned = {t.name: "workspace_id" for t in METADATA.sorted_tables if "workspace_id" in t.columns}
    return {"workspaces": "id", **owned}


async def enable(connection: AsyncConnection) -> None:
    """Puts a policy on each table, and holds its owner to it as well."""
    for table, column in guarded_tables().items():
        # Asked once for each statement, and not for each row.
        whose = f"(SELECT current_setting('{SETTING}', true))"
        await _run(connection, f"DROP POLICY IF EXISTS {POLICY} ON {table}")
        await _run(
            connection,
            f"CREATE POLICY {POLICY} ON {table} USING ({whose} IN ('{EVERYWHERE}', {column}::text))",
        )
        await _run(connection, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")


async def disable(connection: AsyncConnection) -> None:
    """Takes the policies away."""
    for table in guarded_tables():
        await _run(connection, f"DROP POLICY IF EXISTS {POLICY} ON {table}")
        await _run(connection, f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")


async def _run(connection: AsyncConnection, statement: str) -> None:
    await connection.execute(text(statement))


async def guarded_now(connection: AsyncConnection) -> set[str]:
    """The tables whose policy holds, for their owner too."""
    rows = await connection.execute(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = :policy"
            " WHERE c.relrowsecurity AND c.relforcerowsecurity AND pg_table_is_visible(c.oid)"
        ),
        {"policy": POLICY},
    )
    return {row.relname for row in rows}


async def fault(connection: AsyncConnection, *, wanted: bool) -> str | None:
    """Why a server that wants row level security, or does not, must not start on this database; None where it may."""
    guarded, should = await guarded_now(connection), set(guarded_tables())
    if not wanted:
        return "its tables have row level security, and DATABASE_ROW_SECURITY is off" if guarded else None
    if guarded != should:
        return f"no row level security on {', '.join(sorted(should - guarded))}: run python -m graph row-security on"
    free = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    if (await connection.execute(text(free))).scalar():
        return "its user is a superuser or has BYPASSRLS, which no policy holds"
    return None
