"""Several workers as one server: evenly asked, started again, gone with their supervisor."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import AsyncExitStack

import psutil
import pytest

from graph.supervisor import Supervisor
from tests.running import PROJECT, READY, environment_of_server, serve
from tests.wire.caller import register
from tests.wire.line import line_to

PRESENCE = "subscription ($chat: ID!) { presenceChanged(conversationId: $chat) { presence { state } } }"
TYPING = """mutation ($chat: ID!) { presenceSet(input: {conversationId: $chat, state: TYPING}) {
  conversation { id } userErrors { code } } }"""
STARTED = re.compile(r"worker started.*?pid=(\d+)")
END_SECONDS = 15


@pytest.fixture
def only_postgresql(dialect):
    if dialect != "postgresql":
        pytest.skip("several workers need PostgreSQL")


def pids(running):
    """Of the workers that were ever started, the oldest first."""
    return [int(match[1]) for match in map(STARTED.search, running.log.lines) if match]


async def states(line):
    """What a follower is told next of who does what."""
    message = await line.read()
    return [each["state"] for each in message["payload"]["data"]["presenceChanged"]["presence"]]


async def gone(found):
    """Until none of these processes is there any more; one that nobody has waited for yet counts as gone."""
    async with asyncio.timeout(END_SECONDS):
        while any(psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE for p in found):
            await asyncio.sleep(0.05)


def test_sqlite_is_served_by_one_process(tmp_path):
    environment = environment_of_server(DATABASE_URL=f"sqlite:///{tmp_path / 'one.db'}")
    command = [sys.executable, "-m", "graph", "serve", "--workers", "2"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "SQLite is served by one process" in done.stderr
    assert not (tmp_path / "one.db").exists()


@pytest.mark.usefixtures("only_postgresql")
async def test_workers_share_an_address_and_are_started_again(own_database):
    async with own_database() as url, serve(url, 2) as running:
        owner = await register(running.web)
        first = pids(running)
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        await running.log.find(lambda line: "worker died" in line)
        await running.log.count(READY, 3, 60)
        assert len(pids(running)) == 3
        # Over several sockets, and so over both workers: what is said on one is heard on all.
        chat = await owner.chat()
        async with AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(line_to(running, owner)) for _ in range(8)]
            for line in lines:
                await line.subscribe("1", PRESENCE, chat=chat)
                assert await states(line) == []
            async with line_to(running, owner) as typist:
                await typist.subscribe("say", TYPING, chat=chat)
                for line in lines:
                    assert await states(line) == ["TYPING"]
            for line in lines:
                assert await states(line) == []
        # The address is taken, and stays so: another server is refused instead of sharing its clients.
        host, _, port = running.url.removeprefix("http://").partition(":")
        with pytest.raises(OSError, match="in use"):
            Supervisor(host, int(port), 2)
    await gone(pids(running))


@pytest.mark.usefixtures("only_postgresql")
async def test_workers_leave_when_their_supervisor_dies(own_database):
    async with own_database() as url, serve(url, 2) as running:
        owner = await register(running.web)
        async with line_to(running, owner) as line:
            running.kill()
            await running.process.wait()
            assert await line.closing() == 1012
        await gone(pids(running))
