"""SIGTERM in the middle of everything: what was asked is answered, sockets are told to come back, the end is clean."""

import asyncio
import itertools
import json
import re
import secrets
import signal
import sqlite3
import time
from contextlib import AsyncExitStack, asynccontextmanager, closing

import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed

from db.engine import Database
from tests.running import serve
from tests.wire.caller import SEND, register
from tests.wire.line import FOLLOW, history, line_to

WAITING = (
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
)
DRAIN_SECONDS = 15
ANSWER_SECONDS = 30


async def post(running, owner, body):
    """Sends a request over a connection of its own; a coroutine that reads the answer."""
    host, _, port = running.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    payload = json.dumps(body).encode()
    writer.write(
        f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {owner.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n".encode()
        + payload
    )
    await writer.drain()

    async def answer():
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = re.findall(rb"content-length: (\d+)", head, re.IGNORECASE)
            told = json.loads(await reader.readexactly(int(length)))
        writer.close()
        return told["data"]["messageSend"]

    return answer()


@asynccontextmanager
async def held(url, waiting):
    """Keeps every chat from being written to, on PostgreSQL; waits at the end until so many want to."""
    database = Database(url)
    try:
        if database.dialect == "sqlite":
            yield
            return
        async with database.write() as connection:
            await connection.execute(text("update conversations set updated_at = updated_at"))
            yield
            async with asyncio.timeout(ANSWER_SECONDS):
                while (await database.fetch(text(WAITING)))[0][0] < waiting:
                    await asyncio.sleep(0.02)
    finally:
        await database.close()


async def closed_at(line):
    """The code that a socket was closed with."""
    code = await line.closing(after_messages=True)
    return code, time.monotonic()


@pytest.mark.parametrize(
    ("sockets", "requests", "operations"),
    [(40, 20, 10), pytest.param(200, 50, 20, marks=pytest.mark.long)],
)
@pytest.mark.timeout(600)
async def test_everything_that_was_asked_is_answered(own_database, sockets, requests, operations):
    # Connections for all of them at once: they all wait for one lock.
    async with own_database() as url, serve(url, DB_POOL_MAX="160") as running, AsyncExitStack() as stack:
        owner = await register(running.web)
        chat = await owner.chat()
        idle = [await stack.enter_async_context(line_to(running, owner)) for _ in range(sockets)]
        busy = [await stack.enter_async_context(line_to(running, owner)) for _ in range(operations)]
        for line in idle:
            await line.subscribe("1", FOLLOW, conversationId=chat, after=0)
        for line in idle:
            assert (await line.read())["type"] == "next"
        async with held(url, requests + operations):
            sent = [secrets.token_hex(8) for _ in range(requests + operations)]
            answers = [
                await post(
                    running,
                    owner,
                    {"query": SEND, "variables": {"conversationId": chat, "content": content}},
                )
                for content in sent[:requests]
            ]
            for line, content in zip(busy, sent[requests:], strict=True):
                await line.subscribe("send", SEND, conversationId=chat, content=content)
        begun = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        told = await asyncio.gather(*answers)
        for line in busy:
            message = await line.read()
            told.append(message["payload"]["data"]["messageSend"])
            assert (await line.read())["type"] == "complete"
        ends = await asyncio.gather(*[closed_at(line) for line in (*idle, *busy)])
        assert {code for code, _ in ends} == {1012}
        assert await asyncio.wait_for(running.process.wait(), ANSWER_SECONDS) == 0
        assert time.monotonic() - begun < DRAIN_SECONDS
        assert [answer["userErrors"] for answer in told] == [[]] * len(sent)
        assert sorted(answer["message"]["content"] for answer in told) == sorted(sent)
        assert running.failures() == []
        # All of it is kept, once, in the order of the sequences.
        async with serve(url) as again:
            owner.web = again.web
            kept = await history(owner, chat)
        assert [message["sequence"] for message in kept] == list(range(1, len(sent) + 2))
        assert sorted(message["content"] for message in kept[1:]) == sorted(sent)


async def test_sockets_that_never_pause_do_not_hold_it_up(tmp_path):
    """Each answer is followed by the next send at once: what was answered is kept, and nothing else."""
    url = f"sqlite:///{tmp_path / 'busy.db'}"
    answered: list[str] = []

    async def write(line):
        numbers = itertools.count()
        try:
            while True:
                content = secrets.token_hex(8)
                await line.subscribe(str(next(numbers)), SEND, conversationId=chat, content=content)
                while (message := json.loads(await line.socket.recv()))["type"] != "complete":
                    answered.append(message["payload"]["data"]["messageSend"]["message"]["content"])
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    async with serve(url) as running, AsyncExitStack() as stack:
        owner = await register(running.web)
        chat = await owner.chat()
        lines = [await stack.enter_async_context(line_to(running, owner)) for _ in range(5)]
        writers = [asyncio.create_task(write(line)) for line in lines]
        while len(answered) < 20:
            await asyncio.sleep(0.01)
        begun = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert set(await asyncio.wait_for(asyncio.gather(*writers), ANSWER_SECONDS)) == {1012}
        assert await asyncio.wait_for(running.process.wait(), ANSWER_SECONDS) == 0
        assert time.monotonic() - begun < DRAIN_SECONDS
        assert running.failures() == []
    with closing(sqlite3.connect(tmp_path / "busy.db")) as database:
        kept = [content for (content,) in database.execute("select content from messages order by sequence")]
    assert sorted(kept[1:]) == sorted(answered)
