"""What nobody foresaw, over every transport, and what is never logged."""

import json
import re
import secrets
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from db.engine import Database
from tests.wire.caller import LOGIN, PASSWORD, REGISTER, Caller, register
from tests.wire.line import line_to

VIEWER = "{ viewer { permissions } }"
CHANNELS = "{ channels { nodes { id } } }"
INSIDE = re.compile(
    r"_away|sessions|sqlite|asyncpg|select|relation|table|\.py|traceback|exception", re.IGNORECASE
)
"""What would tell a stranger how the server is built."""


@asynccontextmanager
async def renamed(url, table):
    """Pulls a table away from under the server, and puts it back."""
    await run_sql(url, f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        await run_sql(url, f"ALTER TABLE {table}_away RENAME TO {table}")


async def run_sql(url, statement):
    database = Database(url)
    async with database.write() as connection:
        await connection.execute(text(statement))
    await database.close()


def assert_masked(answer, request_id):
    """INTERNAL with the request id that finds it in the log, and nothing of the inside."""
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": request_id}
    assert not INSIDE.search(json.dumps(answer))


async def assert_logged_once(server, request_id, table):
    """One line at error level, which says what was wrong, and the line of the request."""
    *_, request = records = await server.records(request_id)
    (failure,) = [record for record in records if record["level"] != "info"]
    assert (failure["level"], request["event"]) == ("error", "request")
    assert "Traceback" in failure["exception"]
    assert table in failure["exception"]


async def test_a_field_that_fails_is_masked_and_logged_once(production):
    server, url = production
    owner = await register(server.web)
    async with renamed(url, "channels"):
        answer = await owner.post(CHANNELS, **{"X-Request-ID": "in-a-field"})
        assert answer.json()["extensions"]["requestId"] == "in-a-field"
        assert_masked(answer.json(), "in-a-field")
        await assert_logged_once(server, "in-a-field", "channels")
    assert len((await owner.ask(CHANNELS))["nodes"]) == 1


async def test_a_field_that_fails_over_a_stream_is_masked_and_logged_once(production):
    server, url = production
    owner = await register(server.web)
    async with renamed(url, "channels"):
        answer = await owner.post(CHANNELS, accept="text/event-stream", **{"X-Request-ID": "in-an-event"})
        data = next(line for line in answer.text.splitlines() if line.startswith("data: "))
        assert_masked(json.loads(data.removeprefix("data: ")), "in-an-event")
        await assert_logged_once(server, "in-an-event", "channels")
        named = {"additional_headers": {"X-Request-ID": "over-a-socket"}}
        async with line_to(server, owner, **named) as line:
            await line.subscribe("1", CHANNELS)
            message = await line.read()
            assert_masked(message["payload"], "over-a-socket")
            assert await line.read() == {"id": "1", "type": "complete"}
        await assert_logged_once(server, "over-a-socket", "channels")


async def test_a_failure_before_any_field_is_masked_and_logged_once(production):
    server, url = production
    name = f"newcomer-{secrets.token_hex(4)}"
    person = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    newcomer = Caller(server.web, (await Caller(server.web).ask(REGISTER, **person))["accessToken"])
    async with renamed(url, "sessions"):
        answer = await newcomer.post(VIEWER, **{"X-Request-ID": "before-any-field"})
        assert answer.status_code == 500
        assert_masked(answer.json(), "before-any-field")
        await assert_logged_once(server, "before-any-field", "sessions")
        named = {"additional_headers": {"X-Request-ID": "before-the-socket"}}
        async with line_to(server, **named) as line:
            await line.send(type="connection_init", payload={"authorization": f"Bearer {newcomer.token}"})
            assert await line.closing() == 1011
        await assert_logged_once(server, "before-the-socket", "sessions")
    assert (await newcomer.ask(VIEWER))["permissions"]


@pytest.mark.usefixtures("calm")
async def test_no_secret_is_ever_logged(running, web):
    owner = await register(web)
    name, password = f"secretive-{secrets.token_hex(6)}", f"pass-{secrets.token_hex(12)}"
    create = """mutation ($input: UserCreateInput!) {
      userCreate(input: $input) { user { id } userErrors { code } } }"""
    person = {"username": name, "email": f"{name}@example.com", "password": password}
    await owner.ask(create, input=person)
    signed_in = await Caller(web).ask(LOGIN, username=name, password=password)
    platform_token = f"platform-{secrets.token_hex(12)}"
    connect_channel = """mutation ($token: String!) { channelConnect(
      input: {platformType: TELEGRAM, accessToken: $token}) { channel { id } userErrors { code } } }"""
    await owner.ask(connect_channel, token=platform_token)
    # Where it goes wrong, more is logged than where it goes well.
    wrong = f"wrong-{secrets.token_hex(12)}"
    await Caller(web).post(LOGIN, {"username": name, "password": wrong})
    await Caller(web).post(LOGIN, {"username": name, "password": [wrong]})
    await Caller(web).post(LOGIN.replace("$password)", f'$password, x: "{wrong}")'), {"username": name})
    await web.get(
        "/graphql", params={"query": f'mutation {{ login(input: {{username: "a", password: "{wrong}"}}) }}'}
    )
    await web.post("/graphql", content=f'{{"query": "{wrong}')
    await web.get("/", params={"token": wrong})
    async with line_to(running, owner) as line:
        await line.subscribe("1", LOGIN, username=name, password=password)
        over_the_socket = (await line.read())["payload"]["data"]["login"]
    async with line_to(running) as line:
        await line.send(
            type="connection_init", payload={"authorization": f"Bearer {signed_in['accessToken']}x"}
        )
        assert await line.closing() == 4403
    await running.settle()
    log = running.log.text
    told = [owner.token, password, wrong, platform_token, PASSWORD]
    told += [
        answer[field] for answer in (signed_in, over_the_socket) for field in ("accessToken", "refreshToken")
    ]
    assert [secret for secret in told if secret in log] == []
    assert not re.search(r"eyJ[\w-]+\.[\w-]+\.", log)
    assert "path=/graphql" in log
