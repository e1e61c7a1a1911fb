"""Between loading a screen and following it nothing falls, however much is written at that moment."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.faults.cluster import cluster
from tests.faults.crowd import FOLLOW, Stage, stage
from tests.wire.line import PROTOCOL

LAST = "query ($id: ID!) { chat(by: {id: $id}) { lastSequence } }"
SCREEN = """query ($id: ID!) {
  chat(by: {id: $id}) { lastSequence lastMessage { id } }
  eventCursor
}"""
EVENTS = """subscription ($after: EventCursor, $where: EventFilter) { events(after: $after, where: $where) {
  __typename ... on ChangeEvent { message { sequence } } } }"""
ENOUGH = 3
"""Messages that each follower waits for: the seam is before the first of them."""


async def answer(line: ClientConnection) -> Any:
    frame = json.loads(await asyncio.wait_for(line.recv(), 60))
    while frame["type"] == "ping":
        frame = json.loads(await asyncio.wait_for(line.recv(), 60))
    assert frame["type"] == "next", frame
    assert "errors" not in frame["payload"], frame
    return frame["payload"]["data"]


async def load_and_follow(here: Stage, line: ClientConnection, number: int) -> list[int]:
    """The sequence that a screen shows, and the first that come after it by a subscription of its own."""
    chat, id = random.choice(here.chats), str(number)
    by_events = number % 2 == 1
    body = {"query": SCREEN if by_events else LAST, "variables": {"id": chat}}
    loaded = (await here.owner.web.post("/graphql", json=body, headers=here.owner.headers)).json()["data"]
    shown = loaded["chat"]["lastSequence"]
    if by_events:
        where = {"conversations": [chat], "kinds": ["MESSAGE"]}
        payload = {"query": EVENTS, "variables": {"after": loaded["eventCursor"], "where": where}}
    else:
        payload = {"query": FOLLOW, "variables": {"chat": chat, "after": shown}}
    await line.send(json.dumps({"id": id, "type": "subscribe", "payload": payload}))
    seen = [shown]
    while len(seen) <= ENOUGH:
        data = await answer(line)
        told = data["events"].get("message") if by_events else data["messageAdded"]
        # The cursor is older than the screen: what the screen shows already may come again.
        if told is not None and not (by_events and told["sequence"] <= shown):
            seen.append(told["sequence"])
    await line.send(json.dumps({"id": id, "type": "complete"}))
    return seen


async def follow_again_and_again(here: Stage, rounds: int, at_once: int, per_second: float) -> int:
    """How many of so many screens missed something."""
    writer = here.writers(1)[0]
    # More than enough: it is stopped when the screens have been seen.
    writing = asyncio.ensure_future(writer.send(1_000_000, 8, 1 / per_second))
    gaps, left = 0, iter(range(rounds))

    async def screen() -> None:
        nonlocal gaps
        for number in left:
            async with connect(here.cluster.any().socket, subprotocols=[PROTOCOL]) as line:
                token = {"authorization": f"Bearer {here.owner.token}"}
                await line.send(json.dumps({"type": "connection_init", "payload": token}))
                assert json.loads(await line.recv())["type"] == "connection_ack"
                seen = await load_and_follow(here, line, number)
                gaps += seen != list(range(seen[0], seen[0] + ENOUGH + 1))

    try:
        await asyncio.gather(*[screen() for _ in range(at_once)])
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    return gaps


async def test_nothing_falls_between_loading_and_following(tmp_path: Path, fault_url: str) -> None:
    async with cluster(tmp_path, fault_url) as workers, stage(workers, 2) as here:
        assert await follow_again_and_again(here, rounds=60, at_once=6, per_second=60) == 0
        assert workers.complaints() == []


@pytest.mark.long
@pytest.mark.timeout(1_200)
async def test_nothing_falls_between_a_thousand_times(tmp_path: Path, fault_url: str) -> None:
    async with cluster(tmp_path, fault_url) as workers, stage(workers, 4) as here:
        assert await follow_again_and_again(here, rounds=2_000, at_once=8, per_second=200) == 0
        assert workers.complaints() == []
