"""Frames that nobody should send: each ends its own socket or operation, and nothing else."""

import pytest

from tests.wire.line import FOLLOW, bystander, line_to

FRAME_BYTES_MAX = 262_144
OPERATIONS_MAX = 100
VIEWER = "{ viewer { user { id } } }"

pytestmark = pytest.mark.usefixtures("calm")

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
        assert (await line.read())["payload"]["data"] == {"viewer": None}


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


@pytest.mark.long
async def test_a_socket_that_never_starts_is_closed(running):
    async with line_to(running) as line:
        assert await line.closing() == 4408


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


async def fill(owner, chat, messages):
    """Many messages by few requests."""
    for _ in range(messages // 40):
        fields = " ".join(
            f'm{n}: messageSend(input: {{conversationId: "{chat}", content: "{n}"}}) {{ message {{ id }} }}'
            for n in range(40)
        )
        await owner.ask(f"mutation {{ {fields} }}")


async def test_a_client_that_leaves_while_much_is_sent_to_it_is_no_failure(running, owner, chat):
    await fill(owner, chat, 120)
    async with bystander(running, owner, await owner.chat()):
        async with line_to(running, owner) as line:
            for number in range(20):
                await line.subscribe(str(number), FOLLOW, conversationId=chat, after=0)
            await line.read()
            line.socket.transport.abort()
        async with line_to(running, owner) as line:
            for number in range(20):
                await line.subscribe(str(number), FOLLOW, conversationId=chat, after=0)
            await line.socket.send("nonsense")
            assert await line.closing(after_messages=True) == 4400
