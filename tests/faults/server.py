"""The server of these tests: hints get lost and come twice, or the usual publish and subscribe stands in for the hub."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any
from uuid import UUID

from db.base import Viewer
from graph.__main__ import main
from schema import messages
from services import follow, shared_buckets
from services.hub import CONVERSATION, Hint, Hub, Subject
from services.server import Server
from services.sharing import Occurrence

DROPPED = float(os.environ.get("FAULTS_DROPPED", "0"))
REPEATED = float(os.environ.get("FAULTS_REPEATED", "0"))
announce = Hub.announce


def announce_badly(hub: Hub, hints: Iterable[Hint]) -> None:
    """Some hints are told to nobody, here or elsewhere, and some twice."""
    kept = [hint for hint in hints if random.random() >= DROPPED]
    announce(hub, kept)
    for hint in kept:
        if random.random() < REPEATED:
            asyncio.get_running_loop().call_later(random.random(), announce, hub, [hint])


async def publish_and_subscribe(
    server: Server, viewer: Callable[[], Viewer], conversation_id: UUID, after: int | None, seat: Any = None
) -> AsyncGenerator[Occurrence, None]:
    """The usual design: each message that is announced is passed on to whoever listens at that moment."""
    subject = Subject(CONVERSATION, conversation_id)

    async def listen() -> AsyncGenerator[Occurrence, None]:
        heard: asyncio.Queue[int] = asyncio.Queue()
        with server.hub.follow(subject, lambda row: row.sequence) as (feed, _):
            ears: list[Any] = feed.__dict__.setdefault("ears", [])
            ears.append(heard)
            feed.note = lambda number: [ear.put_nowait(number) for ear in ears]  # type: ignore[method-assign,return-value,assignment]
            try:
                while True:
                    rows = await follow._read(server, viewer(), conversation_id, await heard.get() - 1, 1)
                    for row in rows:
                        yield Occurrence(row)
            finally:
                ears.remove(heard)

    return listen()


if __name__ == "__main__":
    # On a machine that does other things as well.
    shared_buckets.ANSWER_SECONDS = 30.0  # type: ignore[misc]
    Hub.announce = announce_badly  # type: ignore[method-assign,assignment]
    if os.environ.get("FAULTS_CONTROL"):
        messages.follow_messages = publish_and_subscribe  # type: ignore[attr-defined]
    main(["serve"], prog_name="python -m graph")
