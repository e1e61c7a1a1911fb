"""Signing in and staying so: names in any case, one answer to every wrong one, tokens that are good once."""

import asyncio
from datetime import timedelta
from typing import Any

import bcrypt
import pytest

from db.accounts import User
from db.base import Viewer, now
from db.sessions import RefreshToken, Session
from services.errors import InvalidCredentials
from services.logins import Proof
from services.server import Server
from services.sessions import log_in
from tests import make as makers
from tests.ask import Ask
from tests.auth import LOGIN, REFRESH, SESSIONS, change_row, count_all, hurried, is_going_on, kept, viewer_of
from tests.make import Make
from tests.statements import StatementCounter

REFUSED_LOGIN = ("INVALID_CREDENTIALS", ["input"], "The name or the password is wrong.")


@pytest.fixture
def ask(server: Server) -> Ask:
    return Ask(hurried(server))


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


async def user_of(server: Server, viewer: Viewer) -> Any:
    return await kept(server, User, viewer.id)


async def log_in_as(ask: Ask, owner: Viewer) -> Any:
    name = (await user_of(ask.server, owner)).username
    return (await ask(None, LOGIN, username=name, password=makers.PASSWORD)).ok()


async def test_a_login_looks_its_member_up_once(
    ask: Ask, owner: Viewer, statements: StatementCounter
) -> None:
    assert (await log_in_as(ask, owner))["accessToken"]
    assert len([text for text in statements.texts if "users.email = " in text]) == 1


async def refused_login(ask: Ask, owner: Viewer, username: str, password: str) -> None:
    """The one answer to every login that is no good, and no session of it."""
    before = await count_all(ask.server, Session)
    answer = await ask(None, LOGIN, username=username, password=password)
    assert answer.errors == []
    assert [(e["code"], e["path"], e["message"]) for e in answer.user_errors] == [REFUSED_LOGIN]
    assert (answer.field["accessToken"], answer.field["refreshToken"], answer.field["user"]) == (
        None,
        None,
        None,
    )
    assert await count_all(ask.server, Session) == before
    assert await is_going_on(ask.server, owner)


@pytest.mark.parametrize("by", ["username", "email"])
@pytest.mark.parametrize("write", [str.lower, str.upper])
async def test_a_member_logs_in_by_either_name_in_any_case(
    ask: Ask, owner: Viewer, by: str, write: Any
) -> None:
    name = getattr(await user_of(ask.server, owner), by)
    answer = await ask(None, LOGIN, username=write(name), password=makers.PASSWORD, deviceInfo="a phone")
    viewer = await viewer_of(ask.server, answer.ok()["accessToken"])
    assert viewer is not None
    assert (viewer.id, viewer.permissions) == (owner.id, owner.permissions)
    assert viewer.session_id != owner.session_id
    assert (await kept(ask.server, Session, viewer.session_id)).device_info == "a phone"


async def test_a_wrong_password_and_an_unknown_name_have_the_same_answer(ask: Ask, owner: Viewer) -> None:
    name = (await user_of(ask.server, owner)).username
    await refused_login(ask, owner, name, makers.PASSWORD + "!")
    await refused_login(ask, owner, name + "x", makers.PASSWORD)
    assert (await log_in_as(ask, owner))["accessToken"]


@pytest.mark.parametrize("password", ["", "\x00", "x" * 100_000, makers.PASSWORD + "\x00", "\ud800" * 20])
async def test_a_strange_password_is_wrong_and_nothing_worse(ask: Ask, owner: Viewer, password: str) -> None:
    await refused_login(ask, owner, (await user_of(ask.server, owner)).username, password)


@pytest.mark.parametrize("name", ["", "\x00", "x" * 100_000, "{}\x00", "\ud800", "%", "{}' or 1=1 --"])
async def test_a_strange_name_is_unknown_and_nothing_worse(ask: Ask, owner: Viewer, name: str) -> None:
    username = (await user_of(ask.server, owner)).username
    await refused_login(ask, owner, name.replace("{}", username), makers.PASSWORD)


@pytest.mark.parametrize(
    "change",
    [{"is_active": False}, {"hashed_password": None}, {"deleted_at": now()}, {"hashed_password": "?"}],
)
async def test_who_may_not_sign_in_gets_the_same_answer(
    ask: Ask, make: Make, owner: Viewer, change: dict[str, Any]
) -> None:
    member = await make.member(owner)
    name = (await user_of(ask.server, member)).username
    assert (await ask(None, LOGIN, username=name, password=makers.PASSWORD)).ok()["accessToken"]
    await change_row(ask.server, User, member.id, **change)
    await refused_login(ask, owner, name, makers.PASSWORD)


async def test_a_bcrypt_hash_is_taken_and_renewed_as_argon2id(ask: Ask, owner: Viewer) -> None:
    user = await user_of(ask.server, owner)
    old = bcrypt.hashpw(makers.PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await change_row(ask.server, User, owner.id, hashed_password=old)
    await refused_login(ask, owner, user.username, "not this one, no")
    assert (await user_of(ask.server, owner)).hashed_password == old
    together = [ask(None, LOGIN, username=user.username, password=makers.PASSWORD) for _ in range(4)]
    assert all(a.ok()["accessToken"] for a in await asyncio.gather(*together))
    after = await user_of(ask.server, owner)
    assert after.hashed_password.startswith("$argon2id$")
    assert after.version == user.version
    assert (await log_in_as(ask, owner))["accessToken"]


async def test_a_password_that_changed_since_it_was_checked_lets_nobody_in(make: Make, owner: Viewer) -> None:
    hashed = (await user_of(make.server, owner)).hashed_password
    before = await count_all(make.server, Session)
    with pytest.raises(InvalidCredentials):
        await make.run(None, log_in, make.server.tokens, Proof(owner.id, hashed + "x"))
    assert await count_all(make.server, Session) == before
    signed_in = await make.run(None, log_in, make.server.tokens, Proof(owner.id, hashed))
    assert signed_in.viewer.id == owner.id


async def test_logging_in_clears_away_sessions_that_are_over(ask: Ask, make: Make, owner: Viewer) -> None:
    old = await make.sign_in(owner.id)
    await change_row(ask.server, Session, old.session_id, expires_at=now() - timedelta(seconds=1))
    await log_in_as(ask, owner)
    assert await kept(ask.server, Session, old.session_id) is None
    assert await is_going_on(ask.server, owner)


async def test_a_refresh_gives_new_tokens_of_the_same_session(ask: Ask, owner: Viewer) -> None:
    first = await log_in_as(ask, owner)
    second = (await ask(None, REFRESH, token=first["refreshToken"])).ok()
    assert second["refreshToken"] != first["refreshToken"]
    assert second["user"] == first["user"]
    one, two = [await viewer_of(ask.server, s["accessToken"]) for s in (first, second)]
    assert one is not None
    assert one == two
    third = (await ask(None, REFRESH, token=second["refreshToken"])).ok()
    assert third["accessToken"]


@pytest.mark.parametrize("token", ["", "garbage", "\x00", "\ud800", "x" * 100_000])
async def test_an_unknown_refresh_token_is_refused(ask: Ask, owner: Viewer, token: str) -> None:
    before = await count_all(ask.server, RefreshToken)
    answer = await ask(None, REFRESH, token=token)
    assert [(e["code"], e["path"]) for e in answer.user_errors] == [
        ("INVALID_CREDENTIALS", ["input", "refreshToken"])
    ]
    assert answer.errors == []
    assert await count_all(ask.server, RefreshToken) == before
    assert await is_going_on(ask.server, owner)


async def test_an_access_token_does_not_refresh(ask: Ask, owner: Viewer) -> None:
    signed_in = await log_in_as(ask, owner)
    assert (await ask(None, REFRESH, token=signed_in["accessToken"])).codes == ["INVALID_CREDENTIALS"]
    assert (await ask(None, REFRESH, token=signed_in["refreshToken"])).ok()["accessToken"]


@pytest.mark.parametrize("over", [{"expires_at": now() - timedelta(seconds=1)}, {"is_active": False}])
async def test_a_session_that_is_over_is_not_refreshed(ask: Ask, owner: Viewer, over: dict[str, Any]) -> None:
    signed_in = await log_in_as(ask, owner)
    viewer = await viewer_of(ask.server, signed_in["accessToken"])
    assert viewer is not None
    before = await kept(ask.server, Session, viewer.session_id)
    await change_row(ask.server, Session, viewer.session_id, **over)
    assert await viewer_of(ask.server, signed_in["accessToken"]) is None
    tokens = await count_all(ask.server, RefreshToken)
    assert (await ask(None, REFRESH, token=signed_in["refreshToken"])).codes == ["INVALID_CREDENTIALS"]
    assert await count_all(ask.server, RefreshToken) == tokens
    assert (await kept(ask.server, Session, viewer.session_id)).last_seen_at == before.last_seen_at


async def test_a_member_who_may_no_longer_sign_in_is_not_refreshed(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    member = await make.member(owner)
    signed_in = await log_in_as(ask, member)
    await change_row(ask.server, User, member.id, is_active=False)
    assert (await ask(None, REFRESH, token=signed_in["refreshToken"])).codes == ["INVALID_CREDENTIALS"]
    await change_row(ask.server, User, member.id, is_active=True)
    assert (await ask(None, REFRESH, token=signed_in["refreshToken"])).ok()["accessToken"]


async def test_sessions_are_listed_newest_first_without_the_expired_ones(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    expired, second, newest = [await make.sign_in(owner.id) for _ in range(3)]
    await change_row(ask.server, Session, expired.session_id, expires_at=now() - timedelta(seconds=2))
    await change_row(ask.server, Session, second.session_id, is_active=False)
    listed = (await ask(newest, SESSIONS)).ok()["user"]["sessions"]
    ids = [f"session_{v.session_id.hex}" for v in (newest, second, owner)]
    assert [s["id"] for s in listed] == ids
    assert [s["isCurrent"] for s in listed] == [True, False, False]
    assert [s["isActive"] for s in listed] == [True, False, True]
    again = (await ask(owner, SESSIONS)).ok()["user"]["sessions"]
    assert [s["isCurrent"] for s in again] == [False, False, True]
