"""A request that means harm leaves one short line in the log, however large it is."""

import asyncio
import json
import secrets
from urllib.parse import urlsplit

import pytest

from services import security
from tests.wire.caller import JSON, Caller, register
from tests.wire.line import PROTOCOL, line_to

LINE_BYTES_MAX = 2_048
LARGE, FRAME = 200 * 1024, 30 * 1024
NONSENSE = "Invalid HTTP request"
BODIES = {
    "a malformed document": json.dumps({"query": "{" + "a " * (LARGE // 2)}),
    "a query of 200 KB": json.dumps({"query": "{ __typename " + "#" * LARGE + "\n}"}),
    "no JSON": "{" * LARGE,
    "a name of 200 KB": json.dumps({"query": "query " + "A" * LARGE + " { __typename }"}),
    "a field of 200 KB": json.dumps({"query": "{ " + "a" * LARGE + " }"}),
    "a variable of 200 KB": json.dumps(
        {"query": "query ($a: Int) { __typename }", "variables": {"a": "b" * LARGE}}
    ),
    "an operationName of 200 KB": json.dumps({"query": "{ __typename }", "operationName": "A" * LARGE}),
    "4,000 aliases": json.dumps({"query": "{ " + " ".join(f"a{n}: __typename" for n in range(4_000)) + " }"}),
    "3,000 lists in each other": json.dumps(
        {"query": "{ chats(first: " + "[" * 3_000 + "]" * 3_000 + ") { totalCount } }"}
    ),
    "a bomb of fragments": json.dumps(
        {
            "query": "{ ...F0 } "
            + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
        }
    ),
    "10,000 fragments that nobody spreads": json.dumps(
        {"query": "{ __typename } " + " ".join(f"fragment F{n} on User {{ id }}" for n in range(10_000))}
    ),
    "400 times the same field": json.dumps({"query": "{ viewer { " + "user { id } " * 400 + "} }"}),
    "a fragment in itself": json.dumps({"query": "{ ...F } fragment F on Query { ...F }"}),
    "line breaks and colours": json.dumps({"query": "{ \n\r\n\x1b[31m level=error }"}),
}


async def lines_of(server, request_id):
    """Every line that a request has left, once it is over."""
    await server.records(request_id)
    return [line for line in server.log.lines if request_id in line]


def assert_one_short_line(lines):
    (line,) = lines
    assert len(line.encode()) <= LINE_BYTES_MAX
    assert "exception" not in json.loads(line)


@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_body_leaves_one_short_line(production, name):
    server, _ = production
    request_id = f"hostile-{secrets.token_hex(8)}"
    headers = {"Content-Type": JSON, "X-Request-ID": request_id}
    answer = await server.web.post("/graphql", content=BODIES[name], headers=headers)
    assert answer.status_code < 500
    assert_one_short_line(await lines_of(server, request_id))


async def test_a_hostile_frame_leaves_one_short_line(production):
    server, _ = production
    request_id = f"hostile-{secrets.token_hex(8)}"
    async with line_to(server, additional_headers={"X-Request-ID": request_id}) as line:
        await line.start()
        await line.subscribe("1", "{" + "a " * (FRAME // 2))
        assert (await line.read())["type"] == "error"
    assert_one_short_line(await lines_of(server, request_id))


@pytest.mark.parametrize(
    "header", ["X-Anything", "Authorization", "X-Client-Version", "User-Agent", "Accept"]
)
async def test_a_huge_header_leaves_one_short_line(production, header):
    server, _ = production
    request_id = f"hostile-{secrets.token_hex(8)}"
    headers = {"X-Request-ID": request_id, header: "x" * 30_000}
    answer = await server.web.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code in (200, 401, 431)
    assert_one_short_line(await lines_of(server, request_id))


async def test_a_huge_path_leaves_one_short_line(production):
    server, _ = production
    request_id = f"hostile-{secrets.token_hex(8)}"
    answer = await server.web.get("/" + "x" * 30_000, headers={"X-Request-ID": request_id})
    assert answer.status_code == 404
    assert_one_short_line(await lines_of(server, request_id))


async def test_what_is_no_http_at_all_leaves_one_short_line(production):
    server, _ = production
    before = len(server.log.lines)
    where = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(b"\x16\x03\x01" + b"x" * 30_000 + b"\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    request_id = f"after-{secrets.token_hex(8)}"
    await server.web.get("/", headers={"X-Request-ID": request_id})
    await server.records(request_id)
    new = [line for line in server.log.lines[before:] if NONSENSE in line]
    assert len(new) == 1
    assert all(len(line.encode()) <= LINE_BYTES_MAX for line in new)


async def test_a_host_that_is_not_ours_is_noted_with_the_request(production):
    server, _ = production
    request_id = f"host-{secrets.token_hex(8)}"
    headers = {"Host": "evil.example" + "x" * 5_000, "X-Request-ID": request_id}
    for method, path in (("GET", "/"), ("POST", "/graphql")):
        assert (await server.web.request(method, path, headers=headers)).status_code == 400
    await server.log.count(request_id, 4)
    noted = [r for r in await server.records(request_id) if r["event"] == security.HOST_REFUSED]
    assert [r["host"][:12] for r in noted] == ["evil.example"] * 2
    assert all(len(json.dumps(r)) <= LINE_BYTES_MAX for r in noted)
    fine = f"host-{secrets.token_hex(8)}"
    assert (await server.web.get("/", headers={"X-Request-ID": fine})).status_code == 200
    assert [r["event"] for r in await server.records(fine)] == ["request"]


@pytest.mark.parametrize(
    ("header", "event"), [("Host", security.HOST_REFUSED), ("Origin", security.ORIGIN_REFUSED)]
)
async def test_a_handshake_that_is_not_for_us_is_noted_once(production, header, event):
    server, _ = production
    before = len(server.log.lines)
    evil, fine = (f"{header.lower()}-{secrets.token_hex(8)}" for _ in range(2))
    assert await handshake(server, evil, **{header: "https://evil.example" + "x" * 5_000}) == 403
    assert await handshake(server, fine) == 101
    told = await server.records(evil)
    assert [r["event"] for r in told] == [event, "request"]
    assert all(len(json.dumps(r)) <= LINE_BYTES_MAX for r in told)
    await server.settle()
    assert server.failures(before) == []


async def handshake(server, request_id, **headers):
    """The status with which a socket is opened or refused."""
    where = urlsplit(server.url)
    given = {
        "Host": where.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "X-Request-ID": request_id,
    }
    given |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    given |= {"Sec-WebSocket-Protocol": PROTOCOL, **headers}
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    lines = ["GET /graphql HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(10):
        status = (await reader.readline()).split()[1]
    writer.close()
    return int(status)


async def test_a_refusal_is_noted_with_its_request_and_who_it_was(production):
    server, _ = production
    member = await (await register(server.web)).member("CHATS_READ")
    request_id = f"refused-{secrets.token_hex(8)}"
    await member.post("{ channels { totalCount } }", **{"X-Request-ID": request_id})
    noted, _ = await server.records(request_id)
    assert (noted["event"], noted["level"]) == (security.PERMISSION_REFUSED, "info")
    assert (noted["logger"], noted["path"]) == ("switchboard.security", "channels")
    wrong = f"wrong-{secrets.token_hex(8)}"
    login = 'mutation { login(input: {username: "nobody-at-all", password: "a wrong password"}) { userErrors { code } } }'
    await Caller(server.web).post(login, **{"X-Request-ID": wrong})
    noted, _ = await server.records(wrong)
    assert (noted["event"], noted["level"], noted["address"]) == (
        security.LOGIN_FAILED,
        "warning",
        "127.0.0.1",
    )
