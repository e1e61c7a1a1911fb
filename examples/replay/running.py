"""One run: writes the data, follows a part of the chats meanwhile, reads everything back and compares."""

import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from examples.replay.api import Api, Refused, Unreachable, leaves
from examples.replay.checking import Report, check_dialogues, check_followed, check_shop, count
from examples.replay.data import Data, Dialogue
from examples.replay.following import Followers
from examples.replay.writing import CHAT, SHOP, Advance, connect_channel, write_dialogue, write_shop

FOLLOW_EVERY: Final = 10


@dataclass(slots=True)
class Run:
    """What a run found out."""

    report: Report = field(default_factory=Report)
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    socket_count: int = 0
    reconnection_count: int = 0
    wait_count: int = 0
    wait_seconds: float = 0.0

    @contextmanager
    def clock(self, what: str) -> Iterator[None]:
        """Notes how long the block takes."""
        began = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - began


def is_followed(place: int, dialogue: Dialogue) -> bool:
    """Every tenth, and those in which somebody says nothing at all."""
    return place % FOLLOW_EVERY == 0 or any(not turn.text for turn in dialogue.turns)


async def replay(api: Api, data: Data, advance: Advance) -> Run:
    """Everything from the first write to the last comparison."""
    run = Run()
    shop_id, chat_id = await connect_channel(api, *SHOP), await connect_channel(api, *CHAT)
    run.before = await count(api, shop_id, chat_id)
    with run.clock("writing the shop"):
        await write_shop(api, data.shop, shop_id, advance)
    followers = Followers(api)
    try:
        with run.clock("writing the messages"):
            run.report.faults += await _write_dialogues(api, data, chat_id, followers, advance)
        with run.clock("waiting for the last"):
            run.report.faults += await followers.finish()
    finally:
        await followers.close()
    run.socket_count, run.reconnection_count = followers.socket_count, followers.reconnection_count
    run.after = await count(api, shop_id, chat_id)
    with run.clock("reading back"):
        await _read_back(run.report, check_shop(run.report, api, data.shop, shop_id))
        await _read_back(run.report, check_dialogues(run.report, api, data, chat_id))
    followed = sum(is_followed(place, dialogue) for place, dialogue in enumerate(data.dialogues))
    check_followed(run.report, followed, followers.chats)
    run.wait_count, run.wait_seconds = api.wait_count, api.wait_seconds
    return run


async def _write_dialogues(
    api: Api, data: Data, channel_id: str, followers: Followers, advance: Advance
) -> list[str]:
    """Says which dialogues the server refused to go on with."""
    refusals: list[str] = []

    async def write(item: tuple[int, Dialogue]) -> None:
        place, dialogue = item

        def began(conversation_id: str) -> None:
            if is_followed(place, dialogue):
                followers.follow(dialogue, conversation_id)

        try:
            await write_dialogue(api, dialogue, channel_id, began=began, advance=advance)
        except Refused as refused:
            refusals.append(f"dialogue {dialogue.id}: {refused}")

    await api.for_each(enumerate(data.dialogues), write)
    return refusals


async def _read_back(report: Report, check: Awaitable[None]) -> None:
    """One check; what cannot be read is noted, and the other checks still have their say."""
    try:
        await check
    except* (Refused, Unreachable) as problems:
        report.faults += [f"cannot be read back: {leaf}" for leaf in leaves(problems)]
