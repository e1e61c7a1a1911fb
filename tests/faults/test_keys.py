"""Fifty at once under one key, again and again: one effect, fifty equal answers."""

import asyncio
from dataclasses import replace

import pytest

from db.conversations import Message
from db.engine import Database
from schema.kit.ids import encode
from tests.ask import Ask
from tests.test_idempotency import SEND, TWINS


@pytest.mark.parametrize("rounds", [8, pytest.param(1_000, marks=pytest.mark.long)])
@pytest.mark.timeout(3_600)
async def test_one_effect_and_equal_answers(database_url, server, make, rounds):
    owner = await make.owner()
    chat = encode("chat", (await make.chat(owner)).id)
    # Half of a pool is for reading; fifty of the other half wait for one lock.
    wide = Database(database_url, pool_max=2 * TWINS + 10)
    together = Ask(replace(server, database=wide))
    try:
        for number in range(1, rounds + 1):
            twins = [
                together(owner, SEND, id=chat, content=f"{number}", key=f"key {number}") for _ in range(TWINS)
            ]
            answers = await asyncio.gather(*twins)
            assert all(answer == answers[0] for answer in answers), answers
            assert answers[0].ok()["message"]["sequence"] == number
    finally:
        await wide.close()
    assert await make.count(owner, Message) == rounds
