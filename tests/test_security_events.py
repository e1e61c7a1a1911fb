"""What an operator is told of who tried what: one line each, and nothing of what was typed."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from db.base import Permission
from schema.kit.ids import encode
from services import security
from tests.ask import Ask
from tests.make import Make

PASSWORD = "correct horse battery"
LOGIN = """mutation ($name: String!, $password: String!) { login(input: {username: $name, password: $password}) {
  refreshToken userErrors { code } } }"""
REFRESH = """mutation ($token: String!) { tokenRefresh(input: {refreshToken: $token}) {
  refreshToken userErrors { code } } }"""
REVOKE = "mutation ($id: ID!) { sessionRevoke(input: {id: $id}) { session { id } userErrors { code } } }"
CHANGE = """mutation ($old: String!, $new: String!) {
  passwordChange(input: {currentPassword: $old, newPassword: $new}) { accessToken userErrors { code } } }"""


def told(lines: Any) -> list[Any]:
    """The lines of security alone."""
    return [line for line in lines if line["event"] in security.EVENTS]


async def test_a_login_that_failed_is_noted_without_what_was_typed(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    name = f"noted-{owner.id.hex[-8:]}"
    member = await make.member(owner, Permission.CHATS_READ, username=name)
    with capture_logs() as lines:
        assert (await ask(None, LOGIN, name=name, password="wrong-hunter2")).codes == ["INVALID_CREDENTIALS"]
        assert (await ask(None, LOGIN, name="hunter2-as-a-name", password=PASSWORD)).codes
    first, second = told(lines)
    assert (first["event"], first["log_level"]) == (security.LOGIN_FAILED, "warning")
    assert (first["user_id"], second["user_id"]) == (str(member.id), None)
    assert "hunter2" not in json.dumps(lines, default=str)
    with capture_logs() as lines:
        (await ask(None, LOGIN, name=name, password=PASSWORD)).ok()
    assert told(lines) == []


async def test_a_refresh_token_that_comes_twice_is_noted(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    name = f"twice-{owner.id.hex[-8:]}"
    member = await make.member(owner, Permission.CHATS_READ, username=name)
    token = (await ask(None, LOGIN, name=name, password=PASSWORD)).ok()["refreshToken"]
    with capture_logs() as lines:
        successor = (await ask(None, REFRESH, token=token)).ok()["refreshToken"]
        (await ask(None, REFRESH, token=successor)).ok()
    assert told(lines) == []
    with capture_logs() as lines:
        assert (await ask(None, REFRESH, token=token)).codes == ["INVALID_CREDENTIALS"]
    (line,) = told(lines)
    assert (line["event"], line["user_id"]) == (security.REFRESH_REUSED, str(member.id))
    assert token not in json.dumps(lines, default=str)


async def test_a_session_that_is_ended_is_noted_and_by_whom(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    member = await make.member(owner, Permission.CHATS_READ)
    with capture_logs() as lines:
        refused = await ask(member, REVOKE, id=encode("session", owner.session_id))
        assert refused.codes
    assert security.SESSION_REVOKED not in [line["event"] for line in lines]
    with capture_logs() as lines:
        name = f"ended-{owner.id.hex[-8:]}"
        ended = await make.member(owner, Permission.CHATS_READ, username=name)
        (await ask(None, LOGIN, name=name, password=PASSWORD)).ok()
        sessions = await ask(
            owner,
            "query ($id: ID!) { user(by: {id: $id}) { sessions { id } } }",
            id=encode("user", ended.id),
        )
        session = sessions.ok()["sessions"][0]["id"]
        (await ask(owner, REVOKE, id=session)).ok()
    (line,) = told(lines)
    assert (line["event"], line["user_id"]) == (security.SESSION_REVOKED, str(ended.id))
    assert line["revoked_by"] == str(owner.id)
    with capture_logs() as lines:
        (await ask(ended, "mutation { logout(input: {}) { userErrors { code } } }")).ok()
    assert [line["event"] for line in told(lines)] == [security.SESSIONS_ENDED]


async def test_a_password_that_is_changed_is_noted(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    with capture_logs() as lines:
        answer = await ask(owner, CHANGE, old="not the password", new="another horse battery")
        assert answer.codes == ["INVALID_CREDENTIALS"]
    assert told(lines) == []
    assert "battery" not in json.dumps(lines, default=str)


@pytest.mark.parametrize("document", ["{ all: channels { totalCount } products { totalCount } }"])
async def test_a_missing_permission_is_noted_once_with_who_and_where(
    ask: Ask, make: Make, document: str
) -> None:
    owner = await make.owner()
    member = await make.member(owner, Permission.CHATS_READ)
    with capture_logs() as lines:
        assert (await ask(member, document)).codes == ["ACCESS_DENIED"]
    (line,) = told(lines)
    assert (line["event"], line["user_id"]) == (security.PERMISSION_REFUSED, str(member.id))
    assert line["path"] in ("all", "products")
    assert "_READ" in line["reason"]
    with capture_logs() as lines:
        (await ask(owner, document)).ok()
        assert (await ask(None, document)).codes == ["UNAUTHENTICATED"]
    assert told(lines) == []


def test_what_a_caller_wrote_is_cut_short() -> None:
    with capture_logs() as lines:
        security.note(security.HOST_REFUSED, host="x" * 10_000)
    assert len(lines[0]["host"]) == security.VALUE_LENGTH_MAX
