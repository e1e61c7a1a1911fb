"""Operations over WebSocket and server-sent events, by the clients that people use."""

import json
from contextlib import asynccontextmanager

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.node import run_program, running_program
from tests.wire.caller import SEND, register
from tests.wire.line import FOLLOW, PROTOCOL, history, line_to

VIEWER = "{ viewer { user { id } } }"
PROGRAMS = ("follow_ws.mjs", "follow_sse.mjs")

pytestmark = pytest.mark.usefixtures("calm")


def messages_of(payloads):
    """The messages that a follower printed, none of them with errors."""
    assert [p for p in payloads if set(p) != {"data"}] == []
    return [p["data"]["messageAdded"] for p in payloads]


def answered(printed):
    """The data of the answers, each with what it cost, before the end."""
    *answers, end = printed
    assert end == {"complete": True}
    assert [set(answer) for answer in answers] == [{"data", "extensions"}] * len(answers)
    return [answer["data"] for answer in answers]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_query_over_the_stream(running, owner, program):
    printed = await run_program(program, running.graphql, owner.token, VIEWER, "{}", "2")
    assert answered(printed) == [{"viewer": {"user": {"id": owner.user_id}}}]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_mutation_over_the_stream(running, owner, chat, program):
    variables = json.dumps({"conversationId": chat, "content": program})
    printed = await run_program(program, running.graphql, owner.token, SEND, variables, "2")
    sent = {"message": {"sequence": 2, "content": program}, "userErrors": []}
    assert answered(printed) == [{"messageSend": sent}]
    assert await history(owner, chat) == [{"sequence": 1, "content": "Hello?"}, sent["message"]]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_what_one_sends_the_other_sees(running, owner, chat, program):
    variables = json.dumps({"conversationId": chat, "after": 0})
    arguments = (running.graphql, owner.token, FOLLOW, variables, "4")
    async with running_program(program, *arguments) as follower:
        first = await follower.read()
        assert messages_of([first]) == [{"sequence": 1, "content": "Hello?"}]
        # It follows now: what comes next is live.
        for content in ("a", "b", "ü\u2028\n"):
            await owner.send(chat, content)
        live = messages_of(await follower.read_all())
    assert live == [
        {"sequence": 2, "content": "a"},
        {"sequence": 3, "content": "b"},
        {"sequence": 4, "content": "ü\u2028\n"},
    ]


async def test_a_line_that_breaks_again_and_again_loses_and_repeats_nothing(running, owner, chat):
    total = 40
    arguments = (running.graphql, owner.token, chat, str(total), "3")
    async with running_program("resume_ws.mjs", *arguments) as follower:
        seen = [await follower.read()]  # it is there: what comes now is not all there before it begins
        for number in range(2, total + 1):
            await owner.send(chat, f"message {number}")
        seen += await follower.read_all()
    assert [message["sequence"] for message in seen] == list(range(1, total + 1))
    assert [message["content"] for message in seen[1:]] == [f"message {n}" for n in range(2, total + 1)]
    assert seen[-1]["connections"] > 1  # how many more messages arrive before each break is a matter of load


@asynccontextmanager
async def gql_session(running, parameters):
    transport = WebsocketsTransport(url=running.socket, init_payload=parameters)
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:
        yield session


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_the_python_client_over_a_websocket(running, owner, chat, name):
    async with gql_session(running, {name: f"Bearer {owner.token}"}) as session:
        answer = await session.execute(gql(VIEWER))
        assert answer == {"viewer": {"user": {"id": owner.user_id}}}
        followed = gql(FOLLOW)
        followed.variable_values = {"conversationId": chat, "after": 0}
        seen = []
        async for payload in session.subscribe(followed):
            seen.append(payload["messageAdded"]["sequence"])
            if len(seen) == 3:
                break
            sent = gql(SEND)
            sent.variable_values = {"conversationId": chat, "content": "from Python"}
            await session.execute(sent)
    assert seen == [1, 2, 3]


async def test_a_viewer_reads_what_just_changed_on_the_same_socket(running, owner):
    """A socket has one context for all its operations; none may show the next what it has loaded."""
    rename = "mutation ($name: String!) { workspaceUpdate(input: {name: $name}) { workspace { name } } }"
    async with gql_session(running, {"authorization": f"Bearer {owner.token}"}) as session:
        for name in ("First name", "Second name"):
            change = gql(rename)
            change.variable_values = {"name": name}
            await session.execute(change)
            answer = await session.execute(gql("{ viewer { workspace { name } } }"))
            assert answer["viewer"]["workspace"]["name"] == name


async def test_server_sent_events_as_they_are_on_the_wire(owner, chat):
    body = {"query": FOLLOW, "variables": {"conversationId": chat, "after": 0}}
    headers = {**owner.headers, "Accept": "text/event-stream"}
    async with owner.web.stream("POST", "/graphql", json=body, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "no-cache" in answer.headers["cache-control"]
        assert answer.headers["x-request-id"]
        lines = answer.aiter_lines()
        event, data = await anext(lines), await anext(lines)
        assert event == "event: next"
        assert json.loads(data.removeprefix("data: ")) == {
            "data": {"messageAdded": {"sequence": 1, "content": "Hello?"}}
        }
        assert await anext(lines) == ""
        await owner.send(chat, "live")
        assert await anext(lines) == "event: next"
        assert '"sequence":2' in await anext(lines)


async def test_a_client_that_takes_json_as_well_gets_events_for_subscriptions_only(owner, chat):
    """What urql sends with everything."""
    accept = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
    answer = await owner.post(VIEWER, accept=accept)
    assert answer.headers["content-type"].startswith("application/graphql-response+json")
    body = {"query": FOLLOW, "variables": {"conversationId": chat, "after": 0}}
    headers = {**owner.headers, "Accept": accept}
    async with owner.web.stream("POST", "/graphql", json=body, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert await anext(answer.aiter_lines()) == "event: next"


async def test_a_stream_that_its_client_leaves_is_over(running, owner, chat):
    """Nothing of it is left behind: the log stays calm, and the next one begins where it is told to."""
    for _ in range(5):
        variables = {"conversationId": chat, "after": 0}
        headers = {**owner.headers, "Accept": "text/event-stream"}
        async with owner.web.stream(
            "POST", "/graphql", json={"query": FOLLOW, "variables": variables}, headers=headers
        ) as answer:
            await anext(answer.aiter_lines())
        async with line_to(running, owner) as line:
            await line.subscribe("1", FOLLOW, **variables)
            await line.read()
    await owner.send(chat, "after all have left")
    assert [m["sequence"] for m in await history(owner, chat)] == [1, 2]


# --- who is asking ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        {"authorization": "Bearer nonsense"},
        {"Authorization": "Bearer nonsense"},
        {"authorization": "nonsense"},
        {"authorization": ""},
        {"authorization": 1},
        {"authorization": ["Bearer", "x"]},
        {"authorization": {}},
    ],
)
async def test_an_invalid_token_closes_the_socket(running, payload):
    async with line_to(running) as line:
        await line.send(type="connection_init", payload=payload)
        assert await line.closing() == 4403


async def test_the_javascript_client_is_told_that_its_token_is_no_good(running, chat):
    variables = json.dumps({"conversationId": chat})
    printed = await run_program("follow_ws.mjs", running.graphql, "nonsense", FOLLOW, variables, "1")
    assert printed == [{"closed": {"code": 4403, "reason": "Forbidden"}}]
    printed = await run_program("follow_sse.mjs", running.graphql, "nonsense", FOLLOW, variables, "1")
    assert printed[0]["refused"]["status"] == 401


async def test_nobody_may_ask_who_is_asking_but_follow_nothing(running, chat):
    variables = json.dumps({"conversationId": chat, "after": 0})
    (refused,) = await run_program("follow_ws.mjs", running.graphql, "", FOLLOW, variables, "1")
    assert [e["extensions"]["code"] for e in refused["error"]] == ["UNAUTHENTICATED"]
    (refused,) = await run_program("follow_sse.mjs", running.graphql, "", FOLLOW, variables, "1")
    assert [e["extensions"]["code"] for e in refused["errors"]] == ["UNAUTHENTICATED"]
    async with gql_session(running, {}) as session:
        assert await session.execute(gql(VIEWER)) == {"viewer": None}
        followed = gql(FOLLOW)
        followed.variable_values = {"conversationId": chat, "after": 0}
        with pytest.raises(TransportQueryError, match="Sign in first"):
            async for _ in session.subscribe(followed):
                pass


async def test_nothing_runs_before_the_connection_is_made(running, owner, chat):
    async with line_to(running) as line:
        await line.subscribe("1", SEND, conversationId=chat, content="too early")
        assert await line.closing() == 4401
    assert [m["sequence"] for m in await history(owner, chat)] == [1]


@pytest.mark.parametrize(
    ("whose", "code"),
    [("another workspace's", "NOT_FOUND"), ("a member's without CHATS_READ", "ACCESS_DENIED")],
)
async def test_following_takes_sight_of_the_chat(running, owner, chat, web, whose, code):
    caller = await register(web) if "another" in whose else await owner.member("ORDERS_READ")
    async with line_to(running, caller) as line:
        await line.subscribe("1", FOLLOW, conversationId=chat, after=0)
        message = await line.read()
    assert (message["id"], message["type"]) == ("1", "error")
    assert [e["extensions"]["code"] for e in message["payload"]] == [code]


# --- handshakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocols", [["graphql-ws"], [], ["chat"], ["GRAPHQL-TRANSPORT-WS"]])
async def test_other_subprotocols_are_not_accepted(running, protocols):
    with pytest.raises(InvalidStatus) as refused:
        async with connect(running.socket, subprotocols=protocols or None):
            pass
    assert refused.value.response.status_code == 403


async def test_the_right_subprotocol_is_chosen_of_several(running):
    async with connect(running.socket, subprotocols=[Subprotocol("graphql-ws"), PROTOCOL]) as socket:
        assert socket.subprotocol == PROTOCOL


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://[", "file://"]
)
async def test_a_foreign_page_opens_no_socket(running, origin):
    with pytest.raises(InvalidStatus) as refused:
        async with connect(running.socket, subprotocols=[PROTOCOL], origin=origin):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:3000"])
async def test_a_page_of_this_machine_may_in_development(running, origin):
    async with line_to(running, origin=origin) as line:
        await line.start()
