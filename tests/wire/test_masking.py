"""Whatever goes wrong inside, wherever, over every transport: no answer has a word of it, and the log has it once."""

import json
import re
from itertools import count

import pytest

from tests.running import serve
from tests.wire.caller import register
from tests.wire.conftest import PRODUCTION
from tests.wire.faulty import KINDS, PATH, SECRET
from tests.wire.line import line_to

READ = "{ customers { nodes { id displayName } } }"
CHANGE = 'mutation { productCreate(input: {name: "Tea", price: {amount: "1.00", currency: "EUR"}}) { product { name owner { displayName } } userErrors { code } } }'
FOLLOW = """subscription ($chat: ID!) {
  messageAdded(conversationId: $chat, after: 0) { sequence sender { displayName } } }"""
PLACES: dict[str, tuple[str, ...]] = {
    READ: ("identity", "read", "field"),
    FOLLOW: ("identity", "read", "field"),
}
PLACES |= {CHANGE: ("identity", "write", "finish", "field")}
FAULTS_MIN = 200
"""How many each database has to have had."""
INSIDE = re.compile(
    rf"{SECRET}|{PATH}|\.py|srv|internal:|select|password|token|users\b|relation|traceback|sqlite|asyncpg"
    r"|nonetype|tasks failed|exception|keyerror",
    re.IGNORECASE,
)
"""What would tell a stranger how the server is built."""
numbers = count()
seen: dict[str, int] = {}


@pytest.fixture(scope="module")
async def faulty(own_database):
    async with own_database() as url, serve(url, 1, "tests.wire.faulty", **PRODUCTION) as server:
        yield server


@pytest.fixture(scope="module")
async def owner(faulty):
    """Somebody with a chat and a customer, whom nothing that is not asked for fails."""
    owner = await register(faulty.web)
    owner.chat_id = await owner.chat()
    return owner


def variables_of(document, owner):
    return {"chat": owner.chat_id} if document is FOLLOW else {}


async def assert_masked(server, dialect, request_id, told):
    """The answer has the id and nothing else; the log one failure of that id, without the secret."""
    assert not INSIDE.search(told.replace(request_id, "")), told
    assert told.count('"INTERNAL"') == 1
    assert request_id in told
    await assert_logged_once(server, request_id)
    seen[dialect] = seen.get(dialect, 0) + 1


async def assert_logged_once(server, request_id):
    await server.records(request_id)
    lines = [line for line in server.log.lines if request_id in line]
    (failure,) = [line for line in lines if json.loads(line)["level"] != "info"]
    assert json.loads(failure)["level"] == "error"
    assert "Traceback" in failure
    assert SECRET not in failure


async def answered(owner, document, accept, request_id):
    """What the server says before it ends, or the first thing where it goes on."""
    body = {"query": document, "variables": variables_of(document, owner)}
    headers = {**owner.headers, "Accept": accept, "X-Request-ID": request_id}
    async with owner.web.stream("POST", "/graphql", json=body, headers=headers) as answer:
        told = ""
        async for part in answer.aiter_text():
            told += part
            if document is FOLLOW and "data: {" in told and told.endswith("\r\n\r\n"):
                break
    return told


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_failure_over_http_is_masked_and_logged_once(faulty, owner, dialect, kind, accept):
    documents = (READ, CHANGE) if accept == "application/json" else (READ, CHANGE, FOLLOW)
    for document in documents:
        for place in PLACES[document]:
            request_id = f"fault.{place}.{kind}.{next(numbers)}"
            told = await answered(owner, document, accept, request_id)
            await assert_masked(faulty, dialect, request_id, told)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failure_over_a_socket_is_masked_and_logged_once(faulty, owner, dialect, kind):
    for document, places in PLACES.items():
        for place in places:
            request_id = f"fault.{place}.{kind}.{next(numbers)}"
            headers = {"X-Request-ID": request_id}
            if place == "identity":
                async with line_to(faulty, additional_headers=headers) as line:
                    await line.send(
                        type="connection_init", payload={"authorization": f"Bearer {owner.token}"}
                    )
                    assert await line.closing() == 1011
                await assert_logged_once(faulty, request_id)
                seen[dialect] = seen.get(dialect, 0) + 1
                continue
            async with line_to(faulty, owner, additional_headers=headers) as line:
                await line.subscribe("1", document, **variables_of(document, owner))
                told = json.dumps(await line.read(), separators=(",", ":"))
            await assert_masked(faulty, dialect, request_id, told)


async def test_all_of_it_was_asked_and_the_server_goes_on(faulty, owner, dialect):
    """What was to fail did; of the products those are kept, once each, whose answer alone failed."""
    assert seen.get(dialect, 0) >= FAULTS_MIN
    answers_failed = len(KINDS) * len(("HTTP", "SSE", "WebSocket"))
    assert (await owner.ask("{ products { totalCount } }"))["totalCount"] == answers_failed
    assert len((await owner.ask(READ))["nodes"]) == 1
