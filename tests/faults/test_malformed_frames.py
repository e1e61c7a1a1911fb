"""Thousands of frames that nobody should send: each ends its own socket or its own operation, and nothing else."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from websockets.exceptions import ConnectionClosed

from graph.sockets import TYPES
from tests.running import serve
from tests.wire.caller import register
from tests.wire.line import bystander, line_to

MARK = '{"id":"mark","type":"subscribe","payload":{"query":"{ __typename }"}}'
CODES = {4400, 4401, 4409, 4429, 1003, 1007, 1009}
ANSWERS = {"next", "error", "complete", "pong"}
WAIT_SECONDS = 30
MEMBERS = ("id", "type", "payload", "query", "variables", "operationName", "extensions")

words = some.sampled_from(
    [*MEMBERS, *sorted(TYPES), "connection_ack", "next", "error", "{ __typename }", "{ viewer", ""]
)
leaves = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20) | words
values = some.recursive(
    leaves,
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(words | some.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
near = some.fixed_dictionaries(
    {},
    optional={
        "id": some.text(max_size=3) | values,
        "type": words | values,
        "payload": some.fixed_dictionaries(
            {}, optional={"query": words | values, "variables": values, "operationName": values}
        )
        | values,
        "more": values,
    },
)
frames = some.one_of(
    near.map(json.dumps),
    values.map(json.dumps),
    some.builds(lambda value, end: json.dumps(value)[:-end], near, some.integers(1, 10)),
    some.text(max_size=60),
    some.binary(max_size=60),
    some.builds(
        lambda start, times: start * times,
        some.sampled_from(["[", '{"a":', '"', "[{"]),
        some.integers(1, 9_000),
    ),
)


def many(count):
    """So many frames, the same each time."""
    made = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(frames)
    def collect(frame):
        made.append(frame)

    collect()
    return made


async def answered(line, frame):
    """Sends a frame, then one that is well; whether the socket bore the first."""
    try:
        await line.socket.send(frame)
        await line.socket.send(MARK)
        while True:
            message = json.loads(await asyncio.wait_for(line.socket.recv(), WAIT_SECONDS))
            assert message["type"] in ANSWERS, message
            if (message.get("id"), message["type"]) == ("mark", "complete"):
                return True
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else None
    assert code in CODES, (frame, code)
    return False


@pytest.mark.parametrize("count", [250, pytest.param(10_000, marks=pytest.mark.long)])
@pytest.mark.timeout(3_600)
async def test_no_frame_harms_more_than_its_own_socket(tmp_path, count):
    left = many(count)  # before anybody has a ping to answer
    async with serve(f"sqlite:///{tmp_path / 'frames.db'}") as running:
        owner = await register(running.web)
        chat = await owner.chat()
        closed = 0
        async with bystander(running, owner, chat):
            while left:
                async with line_to(running, owner) as line:
                    while left and await answered(line, left.pop()):
                        pass
                    closed += 1
        assert closed > count // 10
        await running.settle()
        assert running.failures() == []
