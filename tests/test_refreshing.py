"""Refresh tokens: good once; again for ten seconds while nobody has used what came of it; then the session ends."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from db.base import Viewer, now
from db.sessions import RefreshToken
from services.refreshing import GRACE
from services.server import Server
from services.sessions import begin_session
from services.tokens import Tokens, hash_refresh_token
from tests.ask import Ask
from tests.auth import REFRESH, count_all, is_going_on, viewer_of
from tests.make import Make

REFUSED = [("INVALID_CREDENTIALS", ["input", "refreshToken"])]


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


async def first_token(make: Make, owner: Viewer) -> str:
    signed_in = await make.run(None, begin_session, make.server.tokens, owner.id)
    return str(signed_in.refresh_token)


async def refresh(ask: Ask, token: str) -> Any:
    return (await ask(None, REFRESH, token=token)).ok()


async def is_refused(ask: Ask, token: str) -> bool:
    answer = await ask(None, REFRESH, token=token)
    assert answer.errors == []
    assert (answer.field["accessToken"], answer.field["refreshToken"]) == (None, None)
    return [(e["code"], e["path"]) for e in answer.user_errors] == REFUSED


async def let_grace_pass(server: Server, token: str) -> None:
    """The token was used longer ago than grace lasts."""
    used = RefreshToken.__table__.update().where(RefreshToken.token_hash == hash_refresh_token(token))  # type: ignore[attr-defined]
    async with server.database.write() as connection:
        await connection.execute(used.values(used_at=now() - GRACE - timedelta(seconds=1)))


async def test_an_answer_that_was_lost_is_given_again(ask: Ask, make: Make, owner: Viewer) -> None:
    token = await first_token(make, owner)
    lost, told = await refresh(ask, token), await refresh(ask, token)
    assert told["refreshToken"] == lost["refreshToken"] != token
    viewer = await viewer_of(ask.server, told["accessToken"])
    assert viewer is not None
    assert await is_going_on(ask.server, viewer)
    assert (await refresh(ask, told["refreshToken"]))["accessToken"]


async def test_a_token_whose_successor_was_used_ends_the_session(ask: Ask, make: Make, owner: Viewer) -> None:
    token = await first_token(make, owner)
    second = await refresh(ask, token)
    third = await refresh(ask, second["refreshToken"])
    assert await is_refused(ask, token)
    assert await viewer_of(ask.server, third["accessToken"]) is None
    assert await is_refused(ask, third["refreshToken"])
    assert await is_going_on(ask.server, owner)


async def test_a_token_that_comes_again_after_ten_seconds_ends_the_session(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    token = await first_token(make, owner)
    second = await refresh(ask, token)
    await let_grace_pass(ask.server, token)
    assert await is_refused(ask, token)
    assert await viewer_of(ask.server, second["accessToken"]) is None
    assert await is_refused(ask, second["refreshToken"])
    assert await is_going_on(ask.server, owner)


async def test_of_twenty_parallel_uses_all_are_given_the_one_token_that_is_good(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    token = await first_token(make, owner)
    before = await count_all(ask.server, RefreshToken)
    answers = await asyncio.gather(*[refresh(ask, token) for _ in range(20)])
    (successor,) = {answer["refreshToken"] for answer in answers}
    assert await count_all(ask.server, RefreshToken) == before + 1
    assert await viewer_of(ask.server, answers[0]["accessToken"]) is not None
    assert (await refresh(ask, successor))["accessToken"]


async def test_twenty_parallel_uses_of_a_stolen_token_get_nothing(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    token = await first_token(make, owner)
    second = await refresh(ask, token)
    await refresh(ask, second["refreshToken"])
    assert all(await asyncio.gather(*[is_refused(ask, token) for _ in range(20)]))
    assert await viewer_of(ask.server, second["accessToken"]) is None


def test_what_follows_a_token_is_known_to_nobody_without_the_key() -> None:
    ours, theirs = Tokens({"a": "x" * 32}), Tokens({"a": "y" * 32})
    assert ours.refresh_token_after("t") == ours.refresh_token_after("t")
    assert len({t.refresh_token_after(text) for t in (ours, theirs) for text in ("t", "u")}) == 4
    assert len(ours.refresh_token_after("t")) == 43
