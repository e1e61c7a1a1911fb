"""A database that fails: what was safe is done again, what was not is told, and nothing of the driver's is."""

import asyncio
import contextlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, insert, select, text

from db import engine as engines
from db import postgres, sqlite
from db.base import now
from db.conversations import Message
from db.counters import Counter
from db.engine import Database
from db.faults import RETRY_AFTER_SECONDS, DatabaseFault, FaultKind, fault_of, until_answered
from db.migrate import migrate
from schema.kit.ids import encode
from services.server import Server
from services.transactions import transact
from services.work import Work
from tests.ask import Ask
from tests.make import Make
from tests.test_messages import SEND

NOWHERE = {
    "sqlite": "sqlite:////nowhere/at/all/switchboard.db",
    "postgresql": "postgresql://postgres@127.0.0.1:1/nothing",
}
ENDLESS = {
    "sqlite": "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n",
    "postgresql": "select pg_sleep(60)",
}
INSIDE = re.compile(r"sqlite|asyncpg|nowhere|127\.0\.0\.1|connect|errno|refused|select", re.IGNORECASE)
END_SECONDS = 20


async def fault_in(work: Any) -> DatabaseFault:
    with pytest.raises(DatabaseFault) as raised:
        await work
    return raised.value


@contextlib.asynccontextmanager
async def opened(url: str, **options: Any) -> Any:
    database = Database(url, **options)
    try:
        yield database
    finally:
        await database.close()


async def test_a_database_that_is_away_is_told_without_a_word_of_the_driver(
    server: Server, make: Make, dialect: str
) -> None:
    owner = await make.owner()
    chat = encode("chat", (await make.chat(owner)).id)
    async with opened(NOWHERE[dialect]) as away:
        elsewhere = Ask(replace(server, database=away))
        for answer in (
            await elsewhere(owner, SEND, id=chat, content="Hi"),
            await elsewhere(owner, "{ chats { nodes { id } } }"),
        ):
            assert answer.codes == ["DATABASE_UNAVAILABLE"]
            assert answer.errors[0]["extensions"]["retryAfter"] == RETRY_AFTER_SECONDS[FaultKind.AWAY]
            assert not INSIDE.search(json.dumps(answer.errors[0]["message"]))
    assert await make.count(owner, Message) == 0
    assert (await Ask(server)(owner, SEND, id=chat, content="Hi")).ok()["message"]["sequence"] == 1


async def test_a_statement_is_cut_short_in_its_time(database_url: str, server: Server, make: Make) -> None:
    async with opened(database_url, statement_seconds=0.3) as hurried:
        async with asyncio.timeout(END_SECONDS):
            fault = await fault_in(hurried.fetch(text(ENDLESS[hurried.dialect])))
        assert (fault.kind, fault.retry_after) == (FaultKind.TIMEOUT, None)
        await hurried.ping()

        async def write_for_ever(work: Work) -> None:
            await work.execute(insert(Counter).values(counter))
            await work.execute(text(ENDLESS[hurried.dialect]))

        owner = await make.owner()
        counter = {"workspace_id": owner.workspace_id, "name": "endless", "value": 1, "updated_at": now()}
        fault = await fault_in(transact(hurried, server.hub, owner, write_for_ever))
        assert (fault.kind, fault.undone) == (FaultKind.TIMEOUT, True)
        assert await make.count(owner, Counter, Counter.name == "endless") == 0


async def test_who_gets_no_connection_in_time_is_told_to_come_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POOL_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(sqlite, "WRITER_WAIT_SECONDS", 0.1)
    async with opened(database_url, pool_max=1) as narrow:
        async with narrow.write():
            fault = await fault_in(narrow.write().__aenter__())
        assert (fault.kind, fault.undone, fault.retry_after) == (FaultKind.BUSY, True, 1)
        async with narrow.write() as connection:
            await connection.execute(text("select 1"))


async def test_who_gets_no_lock_in_time_is_told_to_come_back(
    database_url: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ROW_LOCK_SECONDS", 0.2)
    monkeypatch.setattr(sqlite, "LOCK_WAIT_MILLISECONDS", 200)
    owner = await make.owner()
    change = text("update counters set value = 7 where workspace_id = :id").bindparams(
        id=owner.workspace_id.hex if database_url.startswith("sqlite") else owner.workspace_id
    )
    async with opened(database_url) as one, opened(database_url) as other:
        async with one.write() as holding:
            await holding.execute(change)

            async def wait() -> None:
                async with other.write() as waiting:
                    await waiting.execute(change)

            fault = await fault_in(wait())
        assert (fault.kind, fault.undone) == (FaultKind.BUSY, True)
        await wait()


async def test_who_leaves_in_the_middle_costs_no_connection(database_url: str) -> None:
    async with opened(database_url, pool_max=1) as narrow:
        if narrow.dialect == "postgresql":
            slow, whose = text("select pg_sleep(0.2)"), text("select pg_backend_pid()")
            before = (await narrow.fetch(whose))[0][0]
        else:
            slow = text(
                "with recursive n(i) as (select 1 union all select i + 1 from n limit 1000000) select max(i) from n"
            )
        for _ in range(3):
            leaving = asyncio.ensure_future(narrow.fetch(slow))
            while not narrow.pool_figures().active:
                await asyncio.sleep(0)
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
        await narrow.ping()
        if narrow.dialect == "postgresql":
            assert (await narrow.fetch(whose))[0][0] == before


async def test_a_mutation_is_carried_through_when_its_client_leaves(server: Server, make: Make) -> None:
    owner = await make.owner()
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def count(work: Work) -> None:
        inside.set()
        await go_on.wait()
        values = {"workspace_id": owner.workspace_id, "name": "kept", "value": 1, "updated_at": now()}
        await work.execute(insert(Counter).values(values))

    leaving = asyncio.ensure_future(transact(server.database, server.hub, owner, count))
    await inside.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    go_on.set()
    async with asyncio.timeout(END_SECONDS):
        while not await make.count(owner, Counter, Counter.name == "kept"):
            await asyncio.sleep(0.01)


async def test_who_follows_asks_until_the_database_answers() -> None:
    answers: list[Any] = [DatabaseFault(FaultKind.AWAY), DatabaseFault(FaultKind.BUSY), "here"]

    async def read() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert await until_answered(read) == "here"
    assert answers == []


# ── PostgreSQL: connections that die ──────────────────────────────────────────────────────────────────────────────


async def end_connections(database: Database, name: str) -> int:
    """Ends every connection of that application, as an administrator or a restart would."""
    ended = text(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
        "and datname = current_database() and query like :mark"
    )
    return len(await database.fetch(ended, {"mark": f"%{name}%"}))


async def test_a_read_whose_connection_died_is_done_again(database_url: str, database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no connection that could die")
    async with opened(database_url, pool_max=2) as other:
        await asyncio.gather(*[other.fetch(text("select 1 as doomed_read")) for _ in range(2)])
        assert await end_connections(database, "doomed_read")
        assert (await other.fetch(text("select 2 as answered")))[0][0] == 2


async def test_a_transaction_whose_connection_died_is_run_again_and_once_only(
    database_url: str, database: Database, server: Server, make: Make
) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no connection that could die")
    owner = await make.owner()
    turns: list[int] = []

    async def count(work: Work) -> None:
        values = {"workspace_id": owner.workspace_id, "name": "once", "value": 1, "updated_at": now()}
        await work.execute(insert(Counter).values(values))
        pid = (await work.fetch(select(func.pg_backend_pid())))[0][0]
        turns.append(pid)
        if len(turns) == 1:
            await database.fetch(text("select pg_terminate_backend(:pid)"), {"pid": pid})
        await work.execute(text("select 1"))

    await transact(database, server.hub, owner, count)
    assert len(turns) == 2
    assert await make.count(owner, Counter, Counter.name == "once") == 1


async def test_a_commit_that_broke_off_is_not_run_again(
    database_url: str, database: Database, server: Server, make: Make
) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no connection that could die")
    owner = await make.owner()
    turns = 0

    async def count(work: Work) -> None:
        nonlocal turns
        turns += 1
        pid = (await work.fetch(select(func.pg_backend_pid())))[0][0]
        await database.fetch(text("select pg_terminate_backend(:pid)"), {"pid": pid})

    fault = await fault_in(transact(database, server.hub, owner, count))
    assert (turns, fault.kind, fault.undone) == (1, FaultKind.AWAY, False)


# ── SQLite: files that fail ───────────────────────────────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def own_file(folder: Path) -> Any:
    async with opened(f"sqlite:///{folder / 'own.db'}") as database:
        await migrate(database)
        yield database


@pytest.fixture
def only_sqlite(dialect: str) -> None:
    if dialect != "sqlite":
        pytest.skip("of SQLite alone")


@pytest.mark.usefixtures("only_sqlite")
async def test_a_full_disk_is_told_and_leaves_everything_whole(tmp_path: Path) -> None:
    async with own_file(tmp_path) as database:
        async with database.write() as connection:
            await connection.execute(text("create table filler (content text)"))
            await connection.execute(text("insert into filler values ('kept')"))
        async with database.write() as connection:
            pages = (await connection.execute(text("pragma page_count"))).scalar()
            await connection.execute(text(f"pragma max_page_count = {pages + 2}"))

        async def fill() -> None:
            async with database.write() as connection:
                await connection.execute(text("insert into filler values (hex(zeroblob(1000000)))"))

        fault = await fault_in(fill())
        assert (fault.kind, fault.undone, fault.retry_after) == (FaultKind.FULL, True, 30)
        assert (await database.fetch(text("select count(*) from filler")))[0][0] == 1
        async with database.write() as connection:
            await connection.execute(text("pragma max_page_count = 1000000"))
        await fill()
        assert (await database.fetch(text("pragma integrity_check")))[0][0] == "ok"
        assert (await database.fetch(text("select count(*) from filler")))[0][0] == 2


@pytest.mark.usefixtures("only_sqlite")
async def test_a_database_that_may_not_be_written_goes_on_answering(tmp_path: Path) -> None:
    async with own_file(tmp_path) as database:
        async with database.write() as connection:
            await connection.execute(text("pragma query_only = on"))

        async def write() -> None:
            async with database.write() as connection:
                await connection.execute(text("create table refused (id integer)"))

        fault = await fault_in(write())
        assert (fault.kind, fault.undone) == (FaultKind.READ_ONLY, True)
        await database.ping()


@pytest.mark.usefixtures("only_sqlite")
async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "own.db").write_bytes(os.urandom(4_096))
    async with opened(f"sqlite:///{tmp_path / 'own.db'}") as database:
        assert (await fault_in(database.ping())).kind is FaultKind.DAMAGED


async def test_a_connection_whose_protocol_lost_its_place_counts_as_broken() -> None:
    lost = fault_of(asyncpg.InternalClientError("cannot switch to state 12"), committing=True)
    assert lost is not None
    assert (lost.kind, lost.undone) == (FaultKind.AWAY, False)
    assert fault_of(asyncpg.UniqueViolationError("taken")) is None
