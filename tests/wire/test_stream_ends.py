"""When an event stream ends though its client did nothing wrong: as a socket would, with an error that says why."""

import asyncio
from contextlib import asynccontextmanager

from tests.wire.caller import Caller, register
from tests.wire.line import FOLLOW
from tests.wire.test_socket_ends import LOGOUT, another_session, expiring

END_SECONDS = 5
BYE = ["event: complete", "data: "]


@asynccontextmanager
async def stream_of(caller, chat):
    """The lines of a stream that has told the one message of the chat."""
    body = {"query": FOLLOW, "variables": {"conversationId": chat, "after": 0}}
    headers = {**caller.headers, "Accept": "text/event-stream"}
    async with caller.web.stream("POST", "/graphql", json=body, headers=headers) as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        assert '"sequence":1' in await data(lines)
        yield lines


async def data(lines):
    """What the next event says."""
    async for line in lines:
        if line.startswith("data: "):
            return line
    raise AssertionError("The stream ended.")


async def ends(lines):
    """Reads to the end, and asserts that it comes in time and says why."""
    async with asyncio.timeout(END_SECONDS):
        rest = [line async for line in lines if line and not line.startswith(":")]
    assert rest[0] == "event: next"
    assert '"UNAUTHENTICATED"' in rest[1]
    assert rest[2:] == BYE


async def test_an_idle_stream_ends_with_its_token(production):
    server, _ = production
    owner = await register(server.web)
    chat = await owner.chat()
    async with (
        stream_of(owner, chat) as other,
        stream_of(Caller(server.web, expiring(owner.token, 2)), chat) as lines,
    ):
        await ends(lines)
        # Whose token is good is told on.
        await owner.send(chat, "Still there?")
        assert '"sequence":2' in await data(other)


async def test_an_idle_stream_ends_with_its_session(owner, chat):
    leaving = await another_session(owner)
    async with stream_of(owner, chat) as other, stream_of(leaving, chat) as lines:
        assert (await leaving.ask(LOGOUT))["revokedSessions"] == 1
        await ends(lines)
        await owner.send(chat, "Still there?")
        assert '"sequence":2' in await data(other)
