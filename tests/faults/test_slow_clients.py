"""Clients that never read while much is told to them: closed, and nobody else notices."""

import asyncio
import json
import secrets
import socket
from contextlib import AsyncExitStack

import psutil
import pytest

from tests.running import serve
from tests.wire.caller import SEND, register
from tests.wire.line import FOLLOW, line_to

CONTENT = 32_000
MEGABYTE = 2**20
END_SECONDS = 60


def narrow_socket(running):
    """A connection whose receiving end holds little, so that what is not read stays with the server."""
    host, _, port = running.url.removeprefix("http://").partition(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.connect((host, int(port)))
    made.setblocking(False)
    return made


def memory(running):
    return psutil.Process(running.process.pid).memory_info().rss


async def read_all(line, seen):
    """Notes the sequences that a follower is told."""
    while True:
        message = json.loads(await line.socket.recv())
        seen.append(message["payload"]["data"]["messageAdded"]["sequence"])


@pytest.mark.parametrize(("clients", "patience"), [(15, "2"), pytest.param(50, "30", marks=pytest.mark.long)])
@pytest.mark.timeout(600)
async def test_they_are_closed_and_the_others_lose_nothing(tmp_path, clients, patience):
    environment = {"SOCKET_SEND_TIMEOUT": patience, "SOCKET_PING_INTERVAL": "600"}
    url = f"sqlite:///{tmp_path / 'slow.db'}"
    async with serve(url, **environment) as running, AsyncExitStack() as stack:
        owner = await register(running.web)
        chat = await owner.chat()
        reader = await stack.enter_async_context(line_to(running, owner))
        await reader.subscribe("1", FOLLOW, conversationId=chat, after=0)
        slow = []
        for _ in range(clients):
            options = {"sock": narrow_socket(running), "max_queue": 1, "close_timeout": 1}
            slow.append(await stack.enter_async_context(line_to(running, owner, **options)))
            await slow[-1].subscribe("1", FOLLOW, conversationId=chat, after=0)
            assert (await slow[-1].read())["type"] == "next"
        before, most = memory(running), 0
        seen: list[int] = []
        reading = asyncio.create_task(read_all(reader, seen))
        closing = asyncio.create_task(
            running.log.count("does not read", clients, float(patience) + END_SECONDS)
        )
        # About a megabyte a second, until all of them are closed.
        while not closing.done():
            sent = await owner.ask(SEND, conversationId=chat, content=secrets.token_hex(CONTENT // 2))
            most = max(most, memory(running))
            await asyncio.sleep(CONTENT / MEGABYTE)
        await closing
        last = sent["message"]["sequence"]
        assert most - before < clients * MEGABYTE
        async with asyncio.timeout(END_SECONDS):
            while not reading.done() and last not in seen:
                await asyncio.sleep(0.02)
        reading.cancel()
        assert seen == list(range(1, last + 1))
        # One that took longer than the goodbye to read the rest was cut instead.
        codes = {await line.closing(after_messages=True) for line in slow}
        assert 1013 in codes
        assert codes <= {1013, None}
        assert running.failures() == []
