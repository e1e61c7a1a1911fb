"""The sets of rows as databases: made once, kept in the bench's folder, copied for each run so that runs start equal."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import text

from bench.clusters import Cluster
from bench.rows import Sizes
from bench.sets import peers, switchboard
from db.engine import Database

Write = Callable[[Database, Sizes], Awaitable[None]]
WRITERS: Final[dict[str, Write]] = {"switchboard": switchboard.write, "peers": peers.write}
CREATE: Final = "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"


@dataclass(frozen=True, slots=True)
class Pair:
    """The same rows in both kinds of tables."""

    sizes: Sizes
    switchboard: str
    """A plain URL."""
    peers: str


def make_on_postgres(cluster: Cluster, messages: int) -> None:
    """Makes both sets of so many messages, where they are not there yet."""
    for kind, write in WRITERS.items():
        asyncio.run(_make_on_postgres(cluster, f"{kind}_{messages}", write, Sizes.of(messages)))


async def _make_on_postgres(cluster: Cluster, name: str, write: Write, sizes: Sizes) -> None:
    if await _exists(cluster, name):
        return
    unfinished = f"{name}_unfinished"
    await _outside(cluster, f"DROP DATABASE IF EXISTS {unfinished}", CREATE.format(name=unfinished))
    await _write(cluster.url(unfinished), write, sizes)
    # The name says that it is whole: a run that is broken off leaves none with it.
    await _outside(cluster, f"ALTER DATABASE {unfinished} RENAME TO {name}")


@contextmanager
def copied_on_postgres(cluster: Cluster, messages: int) -> Iterator[Pair]:
    """Copies of both sets to measure on, dropped afterwards."""
    names = [f"{kind}_{messages}" for kind in WRITERS]
    for name in names:
        copy = f"CREATE DATABASE {name}_run TEMPLATE {name} STRATEGY file_copy"
        asyncio.run(_outside(cluster, f"DROP DATABASE IF EXISTS {name}_run WITH (FORCE)", copy))
    try:
        yield Pair(Sizes.of(messages), *[cluster.url(f"{name}_run") for name in names])
    finally:
        drops = [f"DROP DATABASE IF EXISTS {name}_run WITH (FORCE)" for name in names]
        asyncio.run(_outside(cluster, *drops))


def make_on_sqlite(folder: Path, messages: int) -> None:
    """Makes both sets as files, where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, write in WRITERS.items():
        file = folder / f"{kind}_{messages}.db"
        if file.exists():
            continue
        unfinished = file.with_suffix(".unfinished")
        for left in folder.glob(f"{unfinished.name}*"):
            left.unlink()
        asyncio.run(_write(f"sqlite:///{unfinished}", write, Sizes.of(messages)))
        unfinished.rename(file)


@contextmanager
def copied_on_sqlite(folder: Path, messages: int) -> Iterator[Pair]:
    """Copies of both files to measure on, removed afterwards."""
    files = [folder / f"{kind}_{messages}.db" for kind in WRITERS]
    runs = [file.with_name(f"run_{file.name}") for file in files]
    for file, run in zip(files, runs, strict=True):
        shutil.copyfile(file, run)
    try:
        yield Pair(Sizes.of(messages), *[f"sqlite:///{run}" for run in runs])
    finally:
        for run in runs:
            for left in run.parent.glob(f"{run.name}*"):
                left.unlink()


async def _write(url: str, write: Write, sizes: Sizes) -> None:
    database = Database(url, statement_seconds=None)
    try:
        await write(database, sizes)
    finally:
        await database.close()


async def _exists(cluster: Cluster, name: str) -> bool:
    database = Database(cluster.url("postgres"), statement_seconds=None)
    try:
        found = await database.fetch(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
        return bool(found)
    finally:
        await database.close()


async def _outside(cluster: Cluster, *statements: str) -> None:
    """Statements that do not run in a transaction."""
    database = Database(cluster.url("postgres"), statement_seconds=None)
    try:
        async with database.writer.connect() as connection:
            outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
            for statement in statements:
                await outside.execute(text(statement))
    finally:
        await database.close()
