"""Operations over WebSocket and server-sent events, by real clients, by broken ones, and by hostile ones."""

import asyncio
import json
import re
import secrets
from contextlib import asynccontextmanager

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.node import run_program, running_program
from tests.wire.caller import LOGIN, PASSWORD, SEND, Caller, register

PROTOCOL = "graphql-transport-ws"
FRAME_BYTES_MAX = 65_536
OPERATIONS_MAX = 100
WAIT_SECONDS = 10
VIEWER = "{ viewer { user { id } } }"
FOLLOW = """subscription ($conversationId: ID!, $after: Int) {
  messageAdded(conversationId: $conversationId, after: $after) { sequence content }
}"""
HISTORY = "query ($id: ID!) { chat(by: {id: $id}) { messages(first: 100) { nodes { sequence content } } } }"
PROGRAMS = ("follow_ws.mjs", "follow_sse.mjs")

pytestmark = pytest.mark.usefixtures("calm")


class Line:
    """A WebSocket without a client library: what goes in and out is what is on the wire."""

    def __init__(self, socket):
        self.socket = socket

    async def send(self, **message):
        await self.socket.send(json.dumps(message))

    async def read(self):
        async with asyncio.timeout(WAIT_SECONDS):
            return json.loads(await self.socket.recv())

    async def closing(self):
        """The code with which the server closes; nothing may come before."""
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(WAIT_SECONDS):
                await self.socket.recv()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    async def start(self, payload=None):
        await self.send(type="connection_init", payload=payload or {})
        assert await self.read() == {"type": "connection_ack"}

    async def subscribe(self, id, query, **variables):
        await self.send(id=id, type="subscribe", payload={"query": query, "variables": variables})


@asynccontextmanager
async def line_to(running, caller=None, *, query="", **options):
    """A socket, signed in as the caller where one is given."""
    async with connect(running.socket + query, subprotocols=[PROTOCOL], **options) as socket:
        line = Line(socket)
        if caller is not None:
            await line.start({"authorization": f"Bearer {caller.token}"})
        yield line


@asynccontextmanager
async def bystander(running, owner, chat):
    """Somebody else's socket, which has to go on: leaving the block proves that it still delivers."""
    async with line_to(running, owner) as line:
        await line.subscribe("followed", FOLLOW, conversationId=chat, after=0)
        assert (await line.read())["payload"]["data"]["messageAdded"]["sequence"] == 1
        yield
        content = secrets.token_hex(4)
        sequence = await owner.send(chat, content)
        message = await line.read()
        assert message["payload"]["data"]["messageAdded"] == {"sequence": sequence, "content": content}


async def history(owner, chat):
    """What is stored of a chat."""
    found = await owner.ask(HISTORY, id=chat)
    return found["messages"]["nodes"]


def messages_of(payloads):
    """The messages that a follower printed, none of them with errors."""
    assert [p for p in payloads if set(p) != {"data"}] == []
    return [p["data"]["messageAdded"] for p in payloads]


# --- the clients that people use ----------------------------------------------------------------------------


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_query_over_the_stream(running, owner, program):
    printed = await run_program(program, running.graphql, owner.token, VIEWER, "{}", "2")
    assert printed == [{"data": {"viewer": {"user": {"id": owner.user_id}}}}, {"complete": True}]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_mutation_over_the_stream(running, owner, chat, program):
    variables = json.dumps({"conversationId": chat, "content": program})
    printed = await run_program(program, running.graphql, owner.token, SEND, variables, "2")
    sent = {"message": {"sequence": 2, "content": program}, "userErrors": []}
    assert printed == [{"data": {"messageSend": sent}}, {"complete": True}]
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
        for number in range(2, total + 1):
            await owner.send(chat, f"message {number}")
        seen = await follower.read_all()
    assert [message["sequence"] for message in seen] == list(range(1, total + 1))
    assert [message["content"] for message in seen[1:]] == [f"message {n}" for n in range(2, total + 1)]
    assert seen[-1]["connections"] > total // 6  # now and then one more message arrives before the break


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
    async with connect(running.socket, subprotocols=["graphql-ws", PROTOCOL]) as socket:
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


# --- frames that nobody should send -------------------------------------------------------------------------

SUBSCRIBE = '{"type":"subscribe","id":"1","payload":'
MALFORMED = {
    "not JSON": "nonsense",
    "nothing": "",
    "half": '{"type":',
    "array": "[]",
    "array of messages": '[{"type":"ping"}]',
    "number": "1",
    "text": '"ping"',
    "null": "null",
    "binary": b'{"type":"ping"}',
    "deep array": "[" * 30_000,
    "deep object": '{"type":' * 8_000,
    "deep payload": '{"type":"ping","payload":{"a":' + "[" * 30_000 + "]" * 30_000 + "}}",
    "no type": "{}",
    "number for a type": '{"type":1}',
    "object for a type": '{"type":{}}',
    "unknown type": '{"type":"' + "x" * 1_000 + '"}',
    "server's type": '{"type":"connection_ack"}',
    "older type": '{"type":"start","id":"1","payload":{"query":"{ __typename }"}}',
    "list for a payload": '{"type":"ping","payload":[]}',
    "text for a payload": '{"type":"pong","payload":"x"}',
    "subscribe without an id": '{"type":"subscribe","payload":{"query":"{ __typename }"}}',
    "object for an id": '{"type":"subscribe","id":{},"payload":{"query":"{ __typename }"}}',
    "number for an id": '{"type":"subscribe","id":1,"payload":{"query":"{ __typename }"}}',
    "empty id": '{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}',
    "long id": '{"type":"subscribe","id":"' + "x" * 1_000 + '","payload":{"query":"{ __typename }"}}',
    "complete without an id": '{"type":"complete"}',
    "list for an id": '{"type":"complete","id":[]}',
    "subscribe without a payload": '{"type":"subscribe","id":"1"}',
    "subscribe with null": SUBSCRIBE + "null}",
    "subscribe with a list": SUBSCRIBE + "[]}",
    "no query": SUBSCRIBE + "{}}",
    "null for a query": SUBSCRIBE + '{"query":null}}',
    "number for a query": SUBSCRIBE + '{"query":1}}',
    "list for variables": SUBSCRIBE + '{"query":"{ __typename }","variables":[]}}',
    "text for variables": SUBSCRIBE + '{"query":"{ __typename }","variables":"{}"}}',
    "number for a name": SUBSCRIBE + '{"query":"{ __typename }","operationName":1}}',
    "list for extensions": SUBSCRIBE + '{"query":"{ __typename }","extensions":[]}}',
}


@pytest.mark.parametrize("frame", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_frame_closes_its_socket_and_no_other(running, owner, chat, frame):
    async with bystander(running, owner, chat):
        async with line_to(running, owner) as line:
            await line.socket.send(frame)
            assert await line.closing() == 4400
        async with line_to(running) as line:  # before the connection is made
            await line.socket.send(frame)
            assert await line.closing() in (4400, 4401)


@pytest.mark.parametrize("payload", ["[]", "1", '"x"', "true"])
async def test_a_malformed_start_closes_the_socket(running, payload):
    async with line_to(running) as line:
        await line.socket.send('{"type":"connection_init","payload":' + payload + "}")
        assert await line.closing() == 4400


@pytest.mark.parametrize("start", ['{"type":"connection_init"}', '{"type":"connection_init","payload":null}'])
async def test_a_start_without_a_payload_is_nobody(running, start):
    async with line_to(running) as line:
        await line.socket.send(start)
        assert await line.read() == {"type": "connection_ack"}
        await line.subscribe("1", VIEWER)
        assert (await line.read())["payload"] == {"data": {"viewer": None}}


async def test_a_frame_beyond_the_limit_closes_the_socket(running, owner, chat):
    async with bystander(running, owner, chat), line_to(running, owner) as line:
        await line.socket.send("[" * (FRAME_BYTES_MAX + 1))
        assert await line.closing() == 1009


async def test_frames_out_of_order_close_the_socket(running, owner, chat):
    async with line_to(running, owner) as line:
        await line.send(type="connection_init")
        assert await line.closing() == 4429
    async with line_to(running, owner) as line:
        for _ in range(2):
            await line.subscribe("x" * 128, FOLLOW, conversationId=chat)
        assert await line.closing() == 4409


async def test_a_ping_is_answered_at_any_time(running):
    async with line_to(running) as line:
        await line.send(type="ping", payload={"a": 1})
        assert (await line.read())["type"] == "pong"
        await line.send(type="pong")
        await line.start()


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "{ nothing }",
        "query A { __typename } query B { __typename }",
        "{ " * 10_000,
        'x"' + "é" * 200,
    ],
)
async def test_a_document_that_makes_no_sense_is_an_error_of_its_operation_only(running, owner, document):
    async with line_to(running, owner) as line:
        await line.subscribe("bad", document)
        message = await line.read()
        assert (message["id"], message["type"]) == ("bad", "error")
        assert {e["extensions"]["code"] for e in message["payload"]} == {"VALIDATION_ERROR"}
        await line.subscribe("bad", VIEWER)
        assert (await line.read())["payload"]["data"]["viewer"]["user"]["id"] == owner.user_id
        assert await line.read() == {"id": "bad", "type": "complete"}


async def test_a_socket_runs_a_bounded_number_of_operations(running, owner, chat):
    async with line_to(running, owner) as line:
        for number in range(OPERATIONS_MAX):
            await line.subscribe(str(number), FOLLOW, conversationId=chat)
        await line.subscribe("one more", FOLLOW, conversationId=chat)
        message = await line.read()
        assert (message["id"], message["type"]) == ("one more", "error")
        assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await line.send(id="0", type="complete")
        await line.subscribe("one more", VIEWER)
        assert (await line.read())["id"] == "one more"


async def test_a_completed_subscription_says_nothing_more(running, owner, chat):
    async with line_to(running, owner) as line:
        for name in ("left", "kept"):
            await line.subscribe(name, FOLLOW, conversationId=chat, after=0)
            assert (await line.read())["id"] == name
        await line.send(id="left", type="complete")
        await line.send(id="never begun", type="complete")
        await line.send(type="ping")
        assert (await line.read())["type"] == "pong"
        for number in (2, 3):
            assert await owner.send(chat, "more") == number
            message = await line.read()
            assert (message["id"], message["payload"]["data"]["messageAdded"]["sequence"]) == ("kept", number)


# --- secrets ------------------------------------------------------------------------------------------------


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
