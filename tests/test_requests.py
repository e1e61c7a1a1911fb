"""The outermost layer: request ids, times, log lines, failures, and whose address a request has."""

import asyncio
import re
from ipaddress import ip_network

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Route
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from graph.requests import BODY_BYTES_MAX, RequestIdMiddleware, client_address, read_body
from services.errors import TooLarge

MADE = re.compile(r"[0-9a-f]{32}")


async def seen(request):
    return JSONResponse({"state": request.state.request_id, "bound": get_contextvars().get("request_id")})


async def fail(request):
    raise RuntimeError("nobody expected this")


async def receive_nothing():
    return await asyncio.Event().wait()


async def send_nowhere(message):
    pass


def make_client(app=None):
    app = app or Starlette(
        routes=[Route(path, seen) for path in ("/graphql", "/livez")] + [Route("/fail", fail)]
    )
    transport = httpx.ASGITransport(app=RequestIdMiddleware(app))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture
async def client():
    async with make_client() as client:
        yield client


@pytest.mark.parametrize("given", ["a", "Web_1.2-3", "x" * 128])
async def test_an_id_that_looks_like_one_is_taken(client, given):
    answer = await client.get("/graphql", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert answer.json() == {"state": given, "bound": given}


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "ü".encode(), '{"a":1}', "a/b"])
async def test_any_other_is_replaced(client, given):
    answer = await client.get("/graphql", headers={"X-Request-ID": given})
    assert MADE.fullmatch(answer.headers["x-request-id"])
    assert answer.json()["state"] == answer.headers["x-request-id"]


async def test_every_request_has_an_id_of_its_own(client):
    answers = [await client.get("/graphql") for _ in range(3)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    assert "request_id" not in get_contextvars()


async def test_requests_at_once_do_not_mix_their_ids(client):
    ids = [f"r{number}" for number in range(20)]
    answers = await asyncio.gather(*(client.get("/graphql", headers={"X-Request-ID": each}) for each in ids))
    assert [answer.json() for answer in answers] == [{"state": each, "bound": each} for each in ids]


@pytest.mark.parametrize(("path", "status"), [("/graphql", 200), ("/nowhere", 404), ("/fail", 500)])
async def test_every_answer_has_its_id_and_its_time(client, path, status):
    answer = await client.get(path)
    assert answer.status_code == status
    assert MADE.fullmatch(answer.headers["x-request-id"])
    assert re.fullmatch(r"total;dur=\d+\.\d", answer.headers["server-timing"])


async def test_one_line_a_request_without_its_query_string(client):
    with capture_logs() as lines:
        await client.post("/graphql?token=hunter2", headers={"X-Client-Version": "ios/1.2"})
    (line,) = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "POST",
        "path": "/graphql",
        "status": 405,
        "client_version": "ios/1.2",
    }


@pytest.mark.parametrize("version", ["x" * 65, "ü".encode(), ""])
async def test_a_client_version_of_another_kind_is_not_logged(client, version):
    with capture_logs() as lines:
        await client.get("/graphql", headers={"X-Client-Version": version})
    assert "client_version" not in lines[0]


async def test_probes_are_logged_for_debugging_only(client):
    with capture_logs() as lines:
        await client.get("/livez")
    assert [line["log_level"] for line in lines] == ["debug"]


async def test_a_failure_is_logged_once_and_tells_the_client_nothing(client):
    with capture_logs() as lines:
        answer = await client.get("/fail", headers={"X-Request-ID": "r1"})
    assert [line["event"] for line in lines] == ["request failed", "request"]
    assert lines[1]["status"] == 500
    assert "nobody expected" not in answer.text


async def test_an_application_that_fails_before_its_answer_is_a_500():
    async def broken(scope, receive, send):
        raise RuntimeError("nobody expected this")

    async with make_client(broken) as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert MADE.fullmatch(answer.headers["x-request-id"])


async def test_a_client_that_leaves_is_no_failure():
    began = asyncio.Event()

    async def endless(scope, receive, send):
        began.set()
        await asyncio.Event().wait()

    with capture_logs() as lines:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        running = asyncio.create_task(RequestIdMiddleware(endless)(scope, receive_nothing, send_nowhere))
        await began.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert [(line["event"], line["status"]) for line in lines] == [("request", 499)]


async def run_socket(app):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/graphql",
        "headers": [(b"x-request-id", b"s1")],
        "state": {"a": 1},
    }
    with capture_logs() as lines:
        await RequestIdMiddleware(app)(scope, receive_nothing, send)
    assert scope["state"] == {"a": 1}  # what other requests may share is left alone
    return sent, lines


async def test_a_socket_has_an_id_and_a_line_too():
    async def accept(scope, receive, send):
        assert scope["state"] == {"a": 1, "request_id": "s1"}
        await send({"type": "websocket.accept"})

    sent, lines = await run_socket(accept)
    assert sent == [{"type": "websocket.accept"}]
    assert [(line["method"], line["status"]) for line in lines] == [("WEBSOCKET", 101)]


async def test_a_socket_that_fails_is_closed():
    async def accept(scope, receive, send):
        await send({"type": "websocket.accept"})
        raise RuntimeError("nobody expected this")

    sent, lines = await run_socket(accept)
    assert sent[-1] == {"type": "websocket.close", "code": 1011}
    assert [line["event"] for line in lines] == ["request failed", "request"]


async def test_a_refused_handshake_is_a_403():
    async def refuse(scope, receive, send):
        await send({"type": "websocket.close", "code": 4403})

    _, lines = await run_socket(refuse)
    assert lines[0]["status"] == 403


async def test_the_lifespan_passes_through():
    passed = []

    async def app(scope, receive, send):
        passed.append(scope)

    scope = {"type": "lifespan"}
    await RequestIdMiddleware(app)(scope, receive_nothing, send_nowhere)
    assert passed == [scope]


TRUSTED = tuple(map(ip_network, ("10.0.0.0/8", "::1/128")))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),  # a stranger's word counts for nothing
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        (
            "10.0.0.1",
            ["192.0.2.1, 198.51.100.7"],
            "198.51.100.7",
        ),  # what the client itself put first is no proof
        ("10.0.0.1", ["192.0.2.1", "198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
    ],
)
def test_forwarded_addresses_count_as_far_as_trusted_proxies_wrote_them(peer, forwarded, address):
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    assert client_address({"client": (peer, 4711), "headers": headers}, TRUSTED) == address


def test_the_many_hops_of_a_forged_header_are_not_all_read():
    headers = [(b"x-forwarded-for", b"198.51.100.7, " + b", ".join([b"10.0.0.9"] * 10_000))]
    assert client_address({"client": ("10.0.0.1", 1), "headers": headers}, TRUSTED) == "10.0.0.9"


def test_a_unix_socket_has_no_address():
    headers = [(b"x-forwarded-for", b"198.51.100.7")]
    assert client_address({"client": None, "headers": headers}, TRUSTED) == "unknown"


def arriving(*parts, last=True):
    """What is received of a body that comes in parts; the client leaves where the last is not `last`."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = not last
    messages.append({"type": "http.disconnect"})
    told = iter(messages)

    async def receive():
        return next(told)

    return receive


async def test_a_body_is_read_in_however_many_parts_it_comes():
    assert await read_body(arriving(b"whole")) == b"whole"
    assert await read_body(arriving(b"in ", b"", b"parts")) == b"in parts"
    assert len(await read_body(arriving(b"x" * (BODY_BYTES_MAX - 1), b"x"))) == BODY_BYTES_MAX


async def test_a_body_that_is_too_large_is_refused_before_it_is_there():
    with pytest.raises(TooLarge):
        await read_body(arriving(b"x" * BODY_BYTES_MAX, b"x", last=False))


async def test_a_client_that_leaves_before_its_body_is_there_has_left():
    with pytest.raises(ClientDisconnect):
        await read_body(arriving(b"{", last=False))
