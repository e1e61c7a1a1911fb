"""When a socket ends though its client did nothing wrong: token, session, limits, peers that do not read or are dead."""

import asyncio
import base64
import os
import secrets
from datetime import timedelta

import jwt
import pytest
from sqlalchemy import text

from db.base import now
from db.engine import Database
from tests.running import serve
from tests.wire.caller import LOGIN, PASSWORD, SEND, Caller, register
from tests.wire.conftest import PRODUCTION
from tests.wire.line import FOLLOW, PROTOCOL, bystander, line_to

NAME = "{ viewer { user { username } } }"
LOGOUT = "mutation { logout(input: {}) { revokedSessions } }"
MANY = 20
LARGE = "x" * 32_000
END_SECONDS = 30
WINDOW = "query ($chat: ID!) { chat(by: {id: $chat}) { messages(last: 50) { nodes { content sender { displayName } } } } }"
BACKENDS = """select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
  and backend_type = 'client backend'"""


async def another_session(caller):
    """The same member, signed in again."""
    name = (await caller.ask(NAME))["user"]["username"]
    return Caller(
        caller.web, (await Caller(caller.web).ask(LOGIN, username=name, password=PASSWORD))["accessToken"]
    )


def expiring(token, seconds):
    """The same token, signed by the server's own key, but good for a moment only."""
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    claims["exp"] = now() + timedelta(seconds=seconds)
    return jwt.encode(claims, PRODUCTION["JWT_SECRET"], "HS256", headers=header)


async def test_an_idle_socket_ends_with_its_token(production):
    server, _ = production
    owner = await register(server.web)
    async with (
        bystander(server, owner, await owner.chat()),
        line_to(server, Caller(server.web, expiring(owner.token, 2))) as line,
    ):
        assert await line.closing() == 4403


async def test_an_idle_socket_ends_with_its_session(running, owner, chat):
    other = await another_session(owner)
    async with bystander(running, owner, chat), line_to(running, other) as line:
        await line.subscribe("1", FOLLOW, conversationId=chat)
        await line.send(type="ping")
        assert (await line.read())["type"] == "pong"
        assert (await other.ask(LOGOUT))["revokedSessions"] == 1
        assert await line.closing() == 4403


async def test_a_member_has_so_many_sockets_and_no_more(tmp_path):
    limits = {"LIMITS": '{"admin": {"sockets": 2, "subscriptions": 1}}'}
    async with serve(f"sqlite:///{tmp_path / 'limits.db'}", **limits) as server:
        owner, stranger = await register(server.web), await register(server.web)
        chat = await owner.chat()
        async with line_to(server, owner) as line:
            async with line_to(server, owner):
                async with line_to(server) as third:
                    await third.send(
                        type="connection_init", payload={"authorization": f"Bearer {owner.token}"}
                    )
                    assert await third.closing() == 4429
                async with line_to(server, stranger):
                    pass
            await line.subscribe("1", FOLLOW, conversationId=chat, after=0)
            assert (await line.read())["type"] == "next"
            await line.subscribe("2", FOLLOW, conversationId=chat, after=0)
            refused = await line.read()
            assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")
            async with asyncio.timeout(END_SECONDS):
                while not await admitted(server, owner):
                    await asyncio.sleep(0.05)


async def admitted(server, owner):
    async with line_to(server) as line:
        await line.send(type="connection_init", payload={"authorization": f"Bearer {owner.token}"})
        try:
            return (await line.read())["type"] == "connection_ack"
        except Exception:
            return False


@pytest.fixture(scope="module")
async def impatient(tmp_path_factory):
    """A server that does not wait long for its clients."""
    url = f"sqlite:///{tmp_path_factory.mktemp('impatient') / 'impatient.db'}"
    async with serve(url, SOCKET_SEND_TIMEOUT="1.5", SOCKET_PING_INTERVAL="0.5") as server:
        yield server
    assert server.failures() == []


async def test_a_client_that_does_not_read_is_closed_and_no_other(impatient):
    owner = await register(impatient.web)
    chat, quiet = await owner.chat(), await owner.chat()
    for _ in range(MANY):
        await owner.ask(SEND, conversationId=chat, content=LARGE)
    # It answers pings, since the library does as long as it reads; it stops reading when nobody takes its messages.
    async with bystander(impatient, owner, quiet), line_to(impatient, owner, max_queue=1) as line:
        for number in range(MANY):
            await line.subscribe(str(number), FOLLOW, conversationId=chat, after=0)
        await impatient.log.find(lambda entry: "socket closed" in entry, END_SECONDS)
        assert await line.closing(after_messages=True) == 1013


async def test_a_peer_that_is_dead_is_noticed(impatient):
    host, _, port = impatient.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode()
    )
    async with asyncio.timeout(END_SECONDS):
        assert b"101 Switching Protocols" in await reader.readuntil(b"\r\n\r\n")
        # A ping that nobody answers, then the end; there was no connection_init either.
        said = await reader.read()
    assert said[0] == 0x89
    writer.close()


async def test_who_answers_pings_stays(impatient):
    owner = await register(impatient.web)
    async with line_to(impatient, owner) as line:
        for _ in range(3):
            await asyncio.wait_for(await line.socket.ping(secrets.token_bytes(4)), END_SECONDS)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(line.socket.recv(), 1)
        await line.send(type="ping")
        assert (await line.read())["type"] == "pong"


async def backends(url):
    """The connections of a server to its database, by the processes that serve them."""
    database = Database(url)
    try:
        rows = await database.fetch(text(BACKENDS))
    finally:
        await database.close()
    return {row.pid for row in rows}


async def test_operations_that_are_taken_back_cost_no_connection(own_database, dialect):
    if dialect == "sqlite":
        pytest.skip("SQLite has no connection that anybody could see")
    async with own_database() as url, serve(url, DB_POOL_MAX="2") as server:
        owner = await register(server.web)
        chat = await owner.chat()
        async with line_to(server, owner) as line:
            await line.subscribe("before", WINDOW, chat=chat)
            assert [(await line.read())["type"] for _ in range(2)] == ["next", "complete"]
            await owner.send(chat, "before")
            before = await backends(url)
            assert before
            for number in range(20):
                await line.subscribe(str(number), WINDOW, chat=chat)
                await line.send(id=str(number), type="complete")
                await line.subscribe(f"follow {number}", FOLLOW, conversationId=chat, after=0)
                await line.send(id=f"follow {number}", type="complete")
            # What was under way when it was taken back may have been told already; the rest is silence.
            await line.subscribe("after", WINDOW, chat=chat)
            while (message := await line.read())["type"] != "complete" or message["id"] != "after":
                pass
            await owner.send(chat, "after")
            assert await backends(url) <= before
