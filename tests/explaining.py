"""Statements as a database runs them: heard while something runs, and explained."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import event, text

from db.engine import Database
from db.metadata import METADATA

EXPLAINABLE = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
RUNS = 6
"""After five runs of a prepared statement PostgreSQL decides whether to plan it for any arguments, and no more."""


async def seen_statements(database: Database, run: Callable[[], Awaitable[object]]) -> list[tuple[str, Any]]:
    """The statements that run meanwhile, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        seen.append((statement, parameters))

    def hear(statement: str, arguments: Any) -> None:
        seen.append((statement, tuple(arguments)))

    engine = database.engines[0].sync_engine
    event.listen(engine, "before_cursor_execute", note)
    database.listeners.append(hear)
    try:
        await run()
    finally:
        event.remove(engine, "before_cursor_execute", note)
        database.listeners.remove(hear)
    return seen


async def plan(database: Database, statement: str, parameters: Any) -> list[str]:
    """The steps by which a database runs a statement that could use every index."""
    async with database.engines[0].connect() as connection:
        if database.dialect == "sqlite":
            rows = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)).all()
            return [row[-1] for row in rows]
        await connection.execute(text("SET enable_seqscan = off"))
        await connection.execute(text("SET enable_sort = off"))
        rows = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)).all()
        await connection.execute(text("RESET ALL"))
        found = rows[0][0] if not isinstance(rows[0][0], str) else json.loads(rows[0][0])
        return [f"{step.kind} {step.table}" for step in _steps(found[0]["Plan"])]


def scans(dialect: str, found: list[str]) -> list[str]:
    """Those of the steps that read a whole table."""
    if dialect == "postgresql":
        return [s for s in found if s.startswith("Seq Scan")]
    tables = "|".join(METADATA.tables)
    return [s for s in found if re.match(rf"SCAN ({tables})", s) and "INDEX" not in s]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a plan, and how many rows those below gave it: as they were seen, or are expected where nothing ran."""

    kind: str
    table: str
    rows: float


@dataclass(frozen=True, slots=True)
class Explained:
    """How PostgreSQL runs a prepared statement. Nothing is inserted: then it is planned, and takes no time."""

    statement: str
    steps: list[Step]
    milliseconds: float


async def explain(
    connection: asyncpg.Connection, statement: str, arguments: Sequence[Any]
) -> list[Explained]:
    """How a prepared statement runs at first, and for good once it has run often; what it did is undone."""
    prepared = await connection.prepare(statement)
    literals = await _literals(connection, [kind.name for kind in prepared.get_parameters()], arguments)
    run = f'EXECUTE "{prepared.get_name()}"' + (f"({', '.join(literals)})" if literals else "")
    analyze = "" if "INSERT INTO" in statement else "ANALYZE, "
    undone, explained = connection.transaction(), []
    await undone.start()
    try:
        for number in range(RUNS):
            shown = analyze if number in (0, RUNS - 1) else ""
            (found,) = json.loads(await connection.fetchval(f"EXPLAIN ({shown}FORMAT JSON) {run}"))
            if shown or number in (0, RUNS - 1):
                explained.append(
                    Explained(statement, _steps(found["Plan"]), found.get("Execution Time", 0.0))
                )
    finally:
        await undone.rollback()
    return explained


async def _literals(
    connection: asyncpg.Connection, kinds: Sequence[str], arguments: Sequence[Any]
) -> list[str]:
    # EXECUTE takes no parameters of its own: the server writes them as it reads them.
    shown = [f"quote_nullable((${n}::{kind})::text)" for n, kind in enumerate(kinds, 1)]
    row = await connection.fetchrow(f"SELECT {', '.join(shown)}", *arguments)
    return [] if row is None else list(row)


def _steps(node: dict[str, Any]) -> list[Step]:
    below = node.get("Plans", ())
    rows = sum(n["Actual Rows"] * n["Actual Loops"] if "Actual Rows" in n else n["Plan Rows"] for n in below)
    own = Step(node["Node Type"], node.get("Relation Name", ""), rows)
    return [own, *[step for child in below for step in _steps(child)]]
