"""How sessions end: by logging out, by a new password, by being revoked."""

import asyncio
from typing import Any

import pytest

from db.accounts import User
from db.base import Permission, Viewer
from db.sessions import Session
from schema.kit.ids import encode
from services.server import Server
from services.sessions import viewer_of_session
from tests import make as makers
from tests.ask import Ask
from tests.auth import ERRORS, LOGIN, REFRESH, TOKENS, count_all, hurried, is_going_on, kept, viewer_of
from tests.make import Make

LOGOUT = f"mutation($all: Boolean!) {{ logout(input: {{allSessions: $all}}) {{ revokedSessions {ERRORS} }} }}"
CHANGE = f"""
mutation($old: String!, $new: String!) {{
  passwordChange(input: {{currentPassword: $old, newPassword: $new}}) {{
    {TOKENS} user {{ id sessions {{ id isCurrent isActive }} }} {ERRORS} }} }}
"""
REVOKE = f"""
mutation($id: ID!) {{ sessionRevoke(input: {{id: $id}}) {{ session {{ id isActive isCurrent }} {ERRORS} }} }}
"""
NEW = "another password altogether"


@pytest.fixture
def ask(server: Server) -> Ask:
    return Ask(hurried(server))


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


def id_of(viewer: Viewer) -> str:
    return encode("session", viewer.session_id)


async def can_log_in(ask: Ask, viewer: Viewer, password: str) -> bool:
    name = (await kept(ask.server, User, viewer.id)).username
    answer = await ask(None, LOGIN, username=name, password=password)
    return answer.field["accessToken"] is not None


async def test_logging_out_ends_this_session_alone(ask: Ask, make: Make, owner: Viewer) -> None:
    other = await make.sign_in(owner.id)
    assert (await ask(owner, LOGOUT, all=False)).ok()["revokedSessions"] == 1
    assert await viewer_of_session(ask.server.database, owner.session_id) is None
    assert await is_going_on(ask.server, other)
    assert (await ask(owner, LOGOUT, all=False)).ok()["revokedSessions"] == 0


async def test_logging_out_everywhere_ends_every_session_of_the_member_alone(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    other, colleague = await make.sign_in(owner.id), await make.member(owner)
    assert (await ask(owner, LOGOUT, all=True)).ok()["revokedSessions"] == 2
    assert not await is_going_on(ask.server, owner)
    assert not await is_going_on(ask.server, other)
    assert await is_going_on(ask.server, colleague)


async def test_what_logged_out_is_not_refreshed(ask: Ask, owner: Viewer) -> None:
    name = (await kept(ask.server, User, owner.id)).username
    signed_in = (await ask(None, LOGIN, username=name, password=makers.PASSWORD)).ok()
    viewer = await viewer_of(ask.server, signed_in["accessToken"])
    await ask(viewer, LOGOUT, all=False)
    assert (await ask(None, REFRESH, token=signed_in["refreshToken"])).codes == ["INVALID_CREDENTIALS"]


async def test_a_new_password_ends_the_other_sessions_and_this_one_goes_on(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    other, colleague = await make.sign_in(owner.id), await make.member(owner)
    changed = (await ask(owner, CHANGE, old=makers.PASSWORD, new=NEW)).ok()
    assert await viewer_of(ask.server, changed["accessToken"]) == owner
    assert {s["id"]: (s["isCurrent"], s["isActive"]) for s in changed["user"]["sessions"]} == {
        id_of(owner): (True, True),
        id_of(other): (False, False),
    }
    assert await is_going_on(ask.server, colleague)
    assert not await can_log_in(ask, owner, makers.PASSWORD)
    assert await can_log_in(ask, owner, NEW)
    assert (await ask(None, REFRESH, token=changed["refreshToken"])).ok()["accessToken"]


async def test_a_new_password_spends_the_refresh_token_of_this_session(ask: Ask, owner: Viewer) -> None:
    name = (await kept(ask.server, User, owner.id)).username
    signed_in = (await ask(None, LOGIN, username=name, password=makers.PASSWORD)).ok()
    viewer = await viewer_of(ask.server, signed_in["accessToken"])
    changed = (await ask(viewer, CHANGE, old=makers.PASSWORD, new=NEW)).ok()
    assert (await ask(None, REFRESH, token=signed_in["refreshToken"])).codes == ["INVALID_CREDENTIALS"]
    assert await viewer_of(ask.server, changed["accessToken"]) is None


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("not my password", NEW, "INVALID_CREDENTIALS", "currentPassword"),
        ("", NEW, "INVALID_CREDENTIALS", "currentPassword"),
        (makers.PASSWORD + "\x00", NEW, "INVALID_CREDENTIALS", "currentPassword"),
        ("x" * 100_000, NEW, "INVALID_CREDENTIALS", "currentPassword"),
        (makers.PASSWORD, "x" * 9, "VALIDATION_ERROR", "newPassword"),
        (makers.PASSWORD, "x" * 257, "VALIDATION_ERROR", "newPassword"),
        (makers.PASSWORD, "half \ud800 a pair", "VALIDATION_ERROR", "newPassword"),
    ],
)
async def test_a_password_change_that_is_refused_changes_nothing(
    ask: Ask, make: Make, owner: Viewer, old: str, new: str, code: str, field: str
) -> None:
    other, before = await make.sign_in(owner.id), await kept(ask.server, User, owner.id)
    answer = await ask(owner, CHANGE, old=old, new=new)
    assert [(e["code"], e["path"]) for e in answer.user_errors] == [(code, ["input", field])]
    assert (answer.field["accessToken"], answer.field["user"]) == (None, None)
    assert await kept(ask.server, User, owner.id) == before
    assert await is_going_on(ask.server, other)
    assert await is_going_on(ask.server, owner)


async def test_a_member_without_a_password_cannot_change_it(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(owner)
    async with ask.server.database.write() as connection:
        await connection.execute(
            User.__table__.update().where(User.id == member.id).values(hashed_password=None)  # type: ignore[attr-defined]
        )
    answer = await ask(member, CHANGE, old=makers.PASSWORD, new=NEW)
    assert answer.codes == ["INVALID_CREDENTIALS"]
    assert (await kept(ask.server, User, member.id)).hashed_password is None


async def test_a_session_that_was_ended_changes_no_password(ask: Ask, owner: Viewer) -> None:
    await ask(owner, LOGOUT, all=False)
    answer = await ask(owner, CHANGE, old=makers.PASSWORD, new=NEW)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert await can_log_in(ask, owner, makers.PASSWORD)


async def test_of_parallel_password_changes_one_wins(ask: Ask, owner: Viewer) -> None:
    wanted = [f"{NEW} {i}" for i in range(6)]
    answers = await asyncio.gather(*[ask(owner, CHANGE, old=makers.PASSWORD, new=w) for w in wanted])
    won = [w for w, a in zip(wanted, answers, strict=True) if a.field["accessToken"] is not None]
    assert len(won) == 1
    assert [await can_log_in(ask, owner, w) for w in wanted] == [w == won[0] for w in wanted]


async def test_a_member_revokes_a_session_of_its_own(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(owner)
    other = await make.sign_in(member.id)
    revoked = (await ask(member, REVOKE, id=id_of(other))).ok()["session"]
    assert revoked == {"id": id_of(other), "isActive": False, "isCurrent": False}
    assert await viewer_of_session(ask.server.database, other.session_id) is None
    assert await is_going_on(ask.server, member)


async def test_a_colleagues_session_takes_users_write(ask: Ask, make: Make, owner: Viewer) -> None:
    victim = await make.member(owner, Permission.CHATS_READ)
    blind = await make.member(owner)
    reader = await make.member(owner, Permission.USERS_READ, Permission.CHATS_READ)
    writer = await make.member(owner, Permission.USERS_READ, Permission.USERS_WRITE, Permission.CHATS_READ)
    for viewer, code in ((blind, "NOT_FOUND"), (reader, "ACCESS_DENIED")):
        assert (await ask(viewer, REVOKE, id=id_of(victim))).codes == [code]
        assert await is_going_on(ask.server, victim)
    assert (await ask(writer, REVOKE, id=id_of(victim))).ok()["session"]["isActive"] is False
    assert not await is_going_on(ask.server, victim)


async def test_nobody_revokes_the_session_of_who_stands_above(ask: Ask, make: Make, owner: Viewer) -> None:
    manager = await make.member(owner, Permission.USERS_READ, Permission.USERS_WRITE)
    assert (await ask(manager, REVOKE, id=id_of(owner))).codes == ["ACCESS_DENIED"]
    assert await is_going_on(ask.server, owner)
    assert (await ask(owner, REVOKE, id=id_of(manager))).ok()["session"]["isActive"] is False


async def test_a_strangers_session_is_not_found(ask: Ask, make: Make, owner: Viewer) -> None:
    stranger = await make.owner()
    answer = await ask(stranger, REVOKE, id=id_of(owner))
    assert [(e["code"], e["path"]) for e in answer.user_errors] == [("NOT_FOUND", ["input", "id"])]
    assert answer.field["session"] is None
    assert await is_going_on(ask.server, owner)


@pytest.mark.parametrize("prefix", ["user", "chat", "", "session_"])
async def test_an_id_of_another_kind_is_not_found(ask: Ask, owner: Viewer, prefix: str) -> None:
    answer = await ask(owner, REVOKE, id=encode(prefix, owner.session_id))
    assert [(e["code"], e["path"]) for e in answer.user_errors] == [("NOT_FOUND", ["input", "id"])]
    assert await is_going_on(ask.server, owner)


async def test_signing_in_beside_another_mutation_does_not_lend_it_the_new_viewer(
    ask: Ask, owner: Viewer
) -> None:
    document: Any = f"""
    mutation($name: String!, $password: String!) {{
      login(input: {{username: $name, password: $password}}) {{ user {{ sessions {{ id }} }} {ERRORS} }}
      logout(input: {{}}) {{ revokedSessions }} }}
    """
    before = await count_all(ask.server, Session)
    name = (await kept(ask.server, User, owner.id)).username
    answer = await ask(None, document, name=name, password=makers.PASSWORD)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert await count_all(ask.server, Session) == before
