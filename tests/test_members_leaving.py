"""Members leave: nothing personal stays, what points at them still answers, and one administrator remains."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from db.accounts import User
from db.base import Permission, Viewer
from db.conversations import Conversation
from db.roles import Role, RoleKind, UserRole
from db.sessions import Session
from schema.kit.ids import encode
from services.accounts import create_user
from services.chats import assign_chat
from tests.ask import Ask
from tests.auth import ERRORS, change_row, count_all, is_going_on, kept
from tests.make import Make

DELETE = f"""
mutation($id: ID!, $version: Int) {{
  userDelete(input: {{id: $id, expectedVersion: $version}}) {{ deletedId {ERRORS} }} }}
"""
UPDATE = f"""
mutation($input: UserUpdateInput!) {{
  userUpdate(input: $input) {{ user {{ id version isActive roles {{ name }} }} {ERRORS} }} }}
"""
POINTING = """
query($message: ID!, $order: ID!, $channel: ID!, $chat: ID!, $user: ID!, $username: String!) {
  message: node(id: $message) { ... on Message { sender { id displayName } } }
  order: node(id: $order) { ... on Order { seller { id deletedAt fullName email } } }
  channel: node(id: $channel) { ... on Channel { owner { id } } }
  chat: node(id: $chat) { ... on Chat { version assignee { id } } }
  node(id: $user) { id ... on User { deletedAt username bio avatarUrl isActive roles { id } sessions { id } } }
  byId: user(by: {id: $user}) { id }
  byName: user(by: {username: $username}) { id }
  users { nodes { id } totalCount }
}
"""


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


def id_of(viewer: Viewer) -> str:
    return encode("user", viewer.id)


async def second_administrator(make: Make, owner: Viewer) -> Viewer:
    mine = (Role.workspace_id == owner.workspace_id, Role.kind == RoleKind.ADMINISTRATOR)
    rows = await make.server.database.fetch(select(Role.id).where(*mine))
    return await make.member(owner, role_ids=[rows[0].id])


async def unchanged(make: Make, viewer: Viewer, before: Any) -> None:
    """The member is as it was, signed in and with its roles."""
    assert await kept(make.server, User, viewer.id) == before
    assert await is_going_on(make.server, viewer)
    assert await count_all(make.server, UserRole, UserRole.user_id == viewer.id) > 0


async def test_a_deleted_member_is_gone_for_who_looks_and_stays_for_who_points_at_it(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    member = await make.member(
        owner, *[p for p in Permission if owner.can(p)], full_name="Mia", bio="I am Mia"
    )
    was = await kept(make.server, User, member.id)
    channel = await make.channel(member)
    chat = await make.chat(member, await make.customer(member, channel))
    await make.run(owner, assign_chat, chat.id, assignee_id=member.id)
    message, order = await make.outbound(member, chat), await make.order(member)
    chat_version = (await kept(make.server, Conversation, chat.id)).version
    assert (await ask(owner, DELETE, id=id_of(member))).ok()["deletedId"] == id_of(member)
    rows = {"message": message, "order": order, "channel": channel, "chat": chat}
    ids = {name: encode(name, row.id) for name, row in rows.items()}
    seen = (await ask(owner, POINTING, user=id_of(member), username=was.username, **ids)).data
    assert seen is not None
    assert seen["message"]["sender"]["id"] == id_of(member)
    assert "Mia" not in seen["message"]["sender"]["displayName"]
    assert seen["order"]["seller"]["id"] == id_of(member)
    assert seen["order"]["seller"]["deletedAt"] is not None
    assert seen["order"]["seller"]["fullName"] is None
    assert seen["channel"]["owner"]["id"] == id_of(member)
    assert seen["chat"] == {"version": chat_version + 1, "assignee": None}
    node = seen["node"]
    assert (node["bio"], node["avatarUrl"], node["isActive"], node["roles"], node["sessions"]) == (
        None, None, False, [], [],
    )  # fmt: skip
    assert (seen["byId"], seen["byName"]) == (None, None)
    assert ([u["id"] for u in seen["users"]["nodes"]], seen["users"]["totalCount"]) == ([id_of(owner)], 1)


async def test_nothing_personal_of_a_deleted_member_is_kept(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(
        owner, full_name="Mia", bio="I", business_name="B", avatar_url="https://a.example"
    )
    await change_row(make.server, User, member.id, provider_account_id="g-1")
    was = await kept(make.server, User, member.id)
    assert (await ask(owner, DELETE, id=id_of(member))).ok()
    now = (await kept(make.server, User, member.id))._mapping
    personal = ("full_name", "bio", "business_name", "avatar_url", "provider_account_id", "hashed_password")
    assert [now[name] for name in personal] == [None] * 6
    assert was.username not in str(dict(now))
    assert was.email not in str(dict(now))
    assert await count_all(make.server, Session, Session.user_id == member.id) == 0
    assert await count_all(make.server, UserRole, UserRole.user_id == member.id) == 0


async def test_username_and_email_of_a_deleted_member_are_free_again(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    first = await make.member(owner)
    was = await kept(make.server, User, first.id)
    await ask(owner, DELETE, id=id_of(first))
    second = await make.member(await make.owner(), username=was.username, email=was.email)
    assert (await kept(make.server, User, second.id)).username == was.username


async def test_a_deleted_member_can_be_neither_changed_nor_deleted_nor_given_a_chat(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    member, chat = await make.member(owner), await make.chat(owner)
    await ask(owner, DELETE, id=id_of(member))
    before = await kept(make.server, User, member.id)
    assert (await ask(owner, DELETE, id=id_of(member))).codes == ["NOT_FOUND"]
    assert (await ask(owner, UPDATE, input={"id": id_of(member), "isActive": True})).codes == ["NOT_FOUND"]
    assign = "mutation($i: ChatAssignInput!) { chatAssign(input: $i) { userErrors { code message path } } }"
    answer = await ask(owner, assign, i={"id": encode("chat", chat.id), "assigneeId": id_of(member)})
    assert answer.codes == ["NOT_FOUND"]
    assert await kept(make.server, User, member.id) == before


async def test_a_deletion_at_another_version_is_refused(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(owner)
    before = await kept(make.server, User, member.id)
    answer = await ask(owner, DELETE, id=id_of(member), version=7)
    assert (answer.codes, answer.field["deletedId"]) == (["STALE_VERSION"], None)
    await unchanged(make, member, before)
    assert (await ask(owner, DELETE, id=id_of(member), version=1)).ok()["deletedId"]


@pytest.mark.parametrize("change", [None, {"isActive": False}, {"roleIds": []}])
async def test_the_last_administrator_stays(
    ask: Ask, make: Make, owner: Viewer, change: dict[str, Any] | None
) -> None:
    async def remove(viewer: Viewer) -> Any:
        if change is None:
            return await ask(owner, DELETE, id=id_of(viewer))
        return await ask(owner, UPDATE, input={"id": id_of(viewer), **change})

    manager = await make.member(owner)
    before = await kept(make.server, User, owner.id)
    refused = await remove(owner)
    assert refused.errors == []
    assert [(e["code"], e["path"]) for e in refused.user_errors] == [("INVALID_TRANSITION", ["input", "id"])]
    if change is not None:
        assert refused.field["user"] == {
            "id": id_of(owner), "version": 1, "isActive": True, "roles": [{"name": "Administrator"}],
        }  # fmt: skip
    await unchanged(make, owner, before)
    assert (await remove(manager)).ok()
    other = await second_administrator(make, owner)
    assert (await remove(owner)).ok()
    assert await is_going_on(make.server, other)


async def test_an_administrator_that_is_not_active_does_not_count(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    other = await second_administrator(make, owner)
    assert (await ask(owner, UPDATE, input={"id": id_of(other), "isActive": False})).ok()
    assert (await ask(owner, DELETE, id=id_of(owner))).codes == ["INVALID_TRANSITION"]
    assert (await ask(owner, UPDATE, input={"id": id_of(other), "isActive": True})).ok()
    assert (await ask(owner, DELETE, id=id_of(owner))).ok()


@pytest.mark.parametrize("how", ["delete", "deactivate", "take"])
async def test_of_two_administrators_that_remove_each_other_one_stays(
    ask: Ask, make: Make, owner: Viewer, how: str
) -> None:
    other = await second_administrator(make, owner)

    async def remove(viewer: Viewer, whom: Viewer) -> Any:
        if how == "delete":
            return await ask(viewer, DELETE, id=id_of(whom))
        change: dict[str, Any] = {"isActive": False} if how == "deactivate" else {"roleIds": []}
        return await ask(viewer, UPDATE, input={"id": id_of(whom), **change})

    answers = await asyncio.gather(remove(owner, other), remove(other, owner))
    assert sorted(a.codes for a in answers) == [[], ["INVALID_TRANSITION"]]
    left = (
        select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, Role.id == UserRole.role_id)
        .where(User.workspace_id == owner.workspace_id, User.is_active, User.deleted_at.is_(None))
        .where(Role.kind == RoleKind.ADMINISTRATOR)
    )
    assert len(await make.server.database.fetch(left)) == 1


async def test_nobody_changes_or_deletes_who_stands_above(ask: Ask, make: Make, owner: Viewer) -> None:
    manager = await make.member(owner, Permission.USERS_READ, Permission.USERS_WRITE)
    low = await make.member(owner, Permission.USERS_READ)
    before = await kept(make.server, User, owner.id)
    assert (await ask(manager, DELETE, id=id_of(owner))).codes == ["ACCESS_DENIED"]
    changes: tuple[dict[str, Any], ...] = (
        {"isActive": False}, {"email": "mine@example.com"}, {"roleIds": []}, {"bio": "low"},
    )  # fmt: skip
    for change in changes:
        answer = await ask(manager, UPDATE, input={"id": id_of(owner), **change})
        assert answer.codes == ["ACCESS_DENIED"]
    await unchanged(make, owner, before)
    assert (await ask(manager, UPDATE, input={"id": id_of(low), "isActive": False})).ok()
    assert (await ask(manager, DELETE, id=id_of(low))).ok()


async def test_only_a_superuser_changes_a_superuser(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(owner)
    await change_row(make.server, User, member.id, is_superuser=True)
    superuser = await make.sign_in(member.id)
    before = await kept(make.server, User, member.id)
    assert superuser.is_superuser
    assert (await ask(owner, DELETE, id=id_of(member))).codes == ["ACCESS_DENIED"]
    assert (await ask(owner, UPDATE, input={"id": id_of(member), "bio": "x"})).codes == ["ACCESS_DENIED"]
    await unchanged(make, superuser, before)
    assert (await ask(superuser, UPDATE, input={"id": id_of(owner), "bio": "x"})).ok()
    assert (await ask(superuser, UPDATE, input={"id": id_of(member), "bio": "x"})).ok()


async def test_another_workspaces_member_is_not_found(ask: Ask, make: Make, owner: Viewer) -> None:
    stranger = await make.owner()
    before = await kept(make.server, User, stranger.id)
    for answer in (
        await ask(owner, DELETE, id=id_of(stranger)),
        await ask(owner, UPDATE, input={"id": id_of(stranger), "isActive": False}),
        await ask(owner, UPDATE, input={"id": encode("role", owner.id), "isActive": False}),
    ):
        assert [(e["code"], e["path"]) for e in answer.user_errors] == [("NOT_FOUND", ["input", "id"])]
    await unchanged(make, stranger, before)


async def test_nobody_can_take_the_name_that_a_deleted_member_is_kept_under(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    member = await make.member(owner)
    await make.run(
        owner, create_user, f"deleted-{member.id.hex}", "squatter@example.com", None, is_active=True
    )
    assert (await ask(owner, DELETE, id=id_of(member))).ok()["deletedId"] == id_of(member)
    name = (await kept(make.server, User, member.id)).username
    input = {"id": id_of(owner), "username": name}
    assert (await ask(owner, UPDATE, input=input)).codes == ["VALIDATION_ERROR"]
