"""The limits on the wire: what is told of them over HTTP, over a socket and as events, and what a refusal leaves undone."""

import asyncio
import json

import httpx
import pytest

from tests.running import serve
from tests.wire.caller import GRAPHQL_JSON, JSON, register
from tests.wire.line import WAIT_SECONDS, line_to

LEVELS = {"admin": {"cost": 60, "bucket": 100, "restore": 1, "sockets": 2}, "anonymous": {"bucket": 1_000}}
NAME = "mutation($name: String!) { workspaceUpdate(input: {name: $name}) { workspace { name } userErrors { code } } }"
READ = "{ viewer { workspace { name } rateLimit { maximum available restorePerSecond } } }"
FOLLOW = "subscription($id: ID!) { messageAdded(conversationId: $id, after: 0) { id } }"
DEAR = "{ chats(first: 60) { nodes { id } } }"


@pytest.fixture(scope="module")
async def counting(tmp_path_factory):
    """A server that counts, with small buckets."""
    url = f"sqlite:///{tmp_path_factory.mktemp('counting') / 'counting.db'}"
    async with serve(url, RATE_LIMITS="on", LIMITS=json.dumps(LEVELS)) as server:
        yield server
    assert server.failures() == []


async def test_every_answer_tells_what_it_cost(counting):
    owner = await register(counting.web)
    answer = await owner.post("{ chats(first: 20) { nodes { id } } }")
    cost = answer.json()["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (22, 2)
    throttle = cost["throttle"]
    assert (throttle["maximum"], throttle["restorePerSecond"]) == (100, 1)
    assert 80 <= throttle["available"] <= 98


async def test_what_costs_too_much_is_a_bad_request_and_no_wait_helps(counting):
    owner = await register(counting.web)
    answer = await owner.post(DEAR)
    assert answer.status_code == 400
    assert "retry-after" not in answer.headers
    assert answer.json()["errors"][0]["extensions"]["code"] == "QUERY_TOO_EXPENSIVE"
    assert answer.json()["extensions"]["cost"]["requested"] == 62
    assert (await owner.post(DEAR.replace("60", "50"))).json()["data"] == {"chats": {"nodes": []}}


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_who_has_spent_all_waits_and_nothing_was_done(counting, accept):
    owner = await register(counting.web)
    names: list[str] = []
    while True:
        names.append(f"name {len(names)}")
        answer = await owner.post(NAME, {"name": names[-1]}, Accept=accept)
        if answer.status_code != 200:
            break
    assert answer.status_code == 429
    error = answer.json()["errors"][0]["extensions"]
    assert (error["code"], answer.headers["retry-after"]) == ("RATE_LIMITED", str(error["retryAfter"]))
    assert 1 <= error["retryAfter"] <= 11
    assert len(names) >= 9
    async with line_to(counting, owner) as line:
        await line.subscribe("1", NAME, name="by socket")
        refused = await line.read()
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")
    seen = (await owner.post(READ)).json()["data"]["viewer"]
    assert seen["workspace"] == {"name": names[-2]}
    assert seen["rateLimit"]["available"] < 11
    # Somebody else is not kept waiting.
    other = await register(counting.web)
    assert (await other.post(NAME, {"name": "free"})).status_code == 200


async def test_event_streams_count_like_sockets(counting):
    owner = await register(counting.web)
    chat = await owner.chat()
    await owner.send(chat, "Hello!")
    headers = {"Authorization": f"Bearer {owner.token}", "Accept": "text/event-stream"}
    body = {"query": FOLLOW, "variables": {"id": chat}}
    async with counting.web.stream("POST", "/graphql", json=body, headers=headers) as first:
        assert first.status_code == 200
        lines = first.aiter_lines()
        assert await anext(lines)
        async with line_to(counting, owner):
            refused = await counting.web.post("/graphql", json=body, headers=headers)
            assert refused.status_code == 429
            assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert (await owner.post(READ)).status_code == 200


async def test_streams_that_begin_at_once_are_counted_as_well(counting):
    owner = await register(counting.web)
    chat = await owner.chat()
    headers = {"Authorization": f"Bearer {owner.token}", "Accept": "text/event-stream"}
    body = {"query": FOLLOW, "variables": {"id": chat}}

    async def begin(web):
        return await web.send(web.build_request("POST", "/graphql", json=body, headers=headers), stream=True)

    async with httpx.AsyncClient(base_url=counting.url) as web:
        answers = await asyncio.gather(*[begin(web) for _ in range(8)])
        assert sorted(answer.status_code for answer in answers) == [200] * 2 + [429] * 6
        for answer in answers:
            await answer.aclose()
    # Those whose clients have left count no more.
    async with asyncio.timeout(WAIT_SECONDS):
        again = await begin(counting.web)
        while again.status_code == 429:
            await again.aclose()
            again = await begin(counting.web)
    assert again.status_code == 200
    await again.aclose()


async def test_a_body_beyond_the_limit_is_not_read(counting):
    owner = await register(counting.web)
    body = json.dumps({"query": READ, "variables": {"a": "x" * 256 * 1024}})
    headers = {"Content-Type": JSON, "Authorization": f"Bearer {owner.token}"}
    answer = await counting.web.post("/graphql", content=body, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"
    smaller = body.replace("x" * 256 * 1024, "x" * 100 * 1024)
    assert (await counting.web.post("/graphql", content=smaller, headers=headers)).status_code == 200
