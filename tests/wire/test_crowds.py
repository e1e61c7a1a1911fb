"""Several who follow the same chat over sockets, told together: what one of them does is nothing to the others."""

import asyncio
import json
import secrets
import socket
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.wire.line import FOLLOW, WAIT_SECONDS, line_to

STRIP = """mutation ($id: ID!) {
  userUpdate(input: {id: $id, roleIds: []}) { user { id } userErrors { code message path } }
}"""
LARGE = 30_000
SMALL_BUFFER = 4_096
REVOKED_WITHIN_SECONDS = 5

pytestmark = pytest.mark.usefixtures("calm")


@asynccontextmanager
async def crowd(running, chat, *callers, options=()):
    """Each follows the chat on a socket of its own and has been told its first message."""
    async with AsyncExitStack() as stack:
        lines = []
        for place, caller in enumerate(callers):
            given = options[place] if place < len(options) else {}
            line = await stack.enter_async_context(line_to(running, caller, **given))
            await line.subscribe("1", FOLLOW, conversationId=chat, after=0)
            assert await sequence(line) == 1
            lines.append(line)
        yield lines


async def sequence(line):
    """The sequence of the next message."""
    frame = await line.read()
    assert (frame["type"], set(frame["payload"])) == ("next", {"data"}), frame
    return frame["payload"]["data"]["messageAdded"]["sequence"]


async def sequences(line, last):
    """Those that come until the last one."""
    found = [await sequence(line)]
    while found[-1] < last:
        found.append(await sequence(line))
    return found


def code_of_frame(frame):
    """The code of the first error, where there is one."""
    payload = frame["payload"]
    errors = payload.get("errors", []) if frame["type"] == "next" else payload
    return errors[0]["extensions"]["code"] if errors else None


def narrow_socket(running):
    """A connection whose receiving end holds little, so that what is not read stays with the server."""
    host, _, port = running.url.removeprefix("http://").partition(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    made.connect((host, int(port)))
    made.setblocking(False)
    return made


async def test_each_is_told_everything_under_its_own_id(running, owner, chat):
    ids = ["1", 'ü\u2028"\\', "x" * 128]
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(line_to(running, owner)) for _ in ids]
        for line, id in zip(lines, ids, strict=True):
            await line.subscribe(id, FOLLOW, conversationId=chat, after=0)
            assert await sequence(line) == 1
        # Frames of each length that a frame can have.
        for content in ("", "x" * 200, "漢" * 30_000, "y" * 32_000):
            number = await owner.send(chat, content)
            for line, id in zip(lines, ids, strict=True):
                frame = await line.read()
                message = {"sequence": number, "content": content}
                assert frame == {"id": id, "type": "next", "payload": {"data": {"messageAdded": message}}}


async def test_one_that_reads_late_misses_nothing_and_delays_nobody(running, owner, chat):
    slow_options = {"sock": narrow_socket(running), "max_queue": 1}
    async with crowd(running, chat, owner, owner, owner, options=({}, slow_options)) as (one, slow, other):
        last = 1
        for _ in range(60):
            last = await owner.send(chat, secrets.token_hex(LARGE // 2))
        expected = list(range(2, last + 1))
        assert await sequences(one, last) == expected
        assert await sequences(other, last) == expected
        assert await sequences(slow, last) == expected
        # It is one of them again.
        for _ in range(3):
            last = await owner.send(chat, "short")
            assert [await sequence(line) for line in (one, slow, other)] == [last] * 3


async def test_one_that_completes_in_the_middle_hears_no_more(running, owner, chat):
    async with crowd(running, chat, *[owner] * 4) as lines:
        leaving, *staying = lines
        sent = 1

        async def write():
            nonlocal sent
            for number in range(40):
                sent = await owner.send(chat, f"message {number}")

        writing = asyncio.create_task(write())
        heard = [await sequence(leaving) for _ in range(10)]
        await leaving.send(id="1", type="complete")
        await leaving.send(type="ping")
        # What was on its way when it asked may still come; after the answer to what it asked next, nothing does.
        while (frame := await leaving.read())["type"] != "pong":
            heard.append(frame["payload"]["data"]["messageAdded"]["sequence"])
        await writing
        assert heard == list(range(2, heard[-1] + 1))
        for line in staying:
            assert await sequences(line, sent) == list(range(2, sent + 1))
        # The same id again: from where it stopped, and nothing of the one before in between.
        await leaving.subscribe("1", FOLLOW, conversationId=chat, after=heard[-1])
        assert await sequences(leaving, sent) == list(range(heard[-1] + 1, sent + 1))


async def test_one_that_loses_a_permission_hears_no_more(running, owner, chat):
    staying = await owner.member("CHATS_READ")
    losing = await owner.member("CHATS_READ")
    user = (await losing.ask("{ viewer { user { id } } }"))["user"]["id"]
    async with crowd(running, chat, staying, losing) as (line, ending):
        for _ in range(3):
            last = await owner.send(chat, "to both")
            assert [await sequence(line), await sequence(ending)] == [last] * 2
        await owner.ask(STRIP, id=user)
        begun, code = asyncio.get_running_loop().time(), None
        while code is None:
            last = await owner.send(chat, "to one of them")
            frame = await ending.read()
            code = code_of_frame(frame)
        assert asyncio.get_running_loop().time() - begun < REVOKED_WITHIN_SECONDS + WAIT_SECONDS
        assert code == "ACCESS_DENIED"
        assert "to one of them" not in json.dumps(frame)
        assert (await ending.read())["type"] == "complete"
        assert await sequences(line, last) == list(range(5, last + 1))
