"""Roles: made, changed and deleted; nobody gives away more than it has, and the first ones stay."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert

from db.base import Permission, Viewer, new_id, now
from db.roles import Role, RoleKind, UserRole
from schema.kit.ids import decode, encode
from services.roles import ROLES_MAX
from services.sessions import viewer_of_session
from tests.ask import Ask
from tests.auth import ERRORS, count_all, fresh_name
from tests.make import Make

SET = f"""
mutation($input: RoleSetInput!) {{
  roleSet(input: $input) {{ role {{ id name description permissions }} {ERRORS} }} }}
"""
DELETE = f"""
mutation($id: ID!, $version: Int) {{
  roleDelete(input: {{id: $id, expectedVersion: $version}}) {{ deletedId {ERRORS} }} }}
"""
ROLES = "{ roles { id name permissions } }"
GIVE = f"""
mutation($input: UserUpdateInput!) {{ userUpdate(input: $input) {{ user {{ roles {{ name }} }} {ERRORS} }} }}
"""
ADD = f"""
mutation($input: UserCreateInput!) {{ userCreate(input: $input) {{ user {{ id }} {ERRORS} }} }}
"""


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


async def roles_of(ask: Ask, viewer: Viewer) -> dict[str, dict[str, Any]]:
    return {r["name"]: r for r in (await ask(viewer, ROLES)).ok()}


async def made(ask: Ask, viewer: Viewer, name: str, *permissions: str, **more: Any) -> str:
    input = {"name": name, "permissions": list(permissions), **more}
    return str((await ask(viewer, SET, input=input)).ok()["role"]["id"])


def problems(answer: Any) -> list[tuple[str, list[str]]]:
    assert answer.errors == []
    return [(e["code"], e["path"]) for e in answer.user_errors]


async def test_a_role_is_made_and_then_set_anew_as_a_whole(ask: Ask, owner: Viewer) -> None:
    input = {
        "name": "Packer",
        "description": "Packs.",
        "permissions": ["ORDERS_READ", "CHATS_READ", "CHATS_READ"],
    }
    role = (await ask(owner, SET, input=input)).ok()["role"]
    assert (role["description"], role["permissions"]) == ("Packs.", ["CHATS_READ", "ORDERS_READ"])
    changed = {"id": role["id"], "name": "Sender", "permissions": ["ORDERS_READ"]}
    assert (await ask(owner, SET, input=changed)).ok()["role"] == {**changed, "description": None}
    assert list(await roles_of(ask, owner)) == ["Administrator", "Agent", "Sender"]


async def test_a_name_is_taken_once_in_a_workspace(ask: Ask, make: Make, owner: Viewer) -> None:
    await made(ask, owner, "Packer", "ORDERS_READ")
    other = await made(ask, owner, "Sender")
    before = await roles_of(ask, owner)
    for more in ({}, {"id": other}):
        input = {"name": "Packer", "permissions": [], **more}
        assert problems(await ask(owner, SET, input=input)) == [("CONFLICT", ["input", "name"])]
    assert await roles_of(ask, owner) == before
    assert await made(ask, await make.owner(), "Packer")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"description": "x" * 256}, "description"),
    ],
)
async def test_a_role_refuses_what_makes_no_sense(
    ask: Ask, owner: Viewer, wrong: dict[str, str], field: str
) -> None:
    before = await roles_of(ask, owner)
    input = {"name": "Packer", "permissions": [], **wrong}
    assert problems(await ask(owner, SET, input=input)) == [("VALIDATION_ERROR", ["input", field])]
    assert await roles_of(ask, owner) == before


async def test_the_administrators_role_stays_as_it_is(ask: Ask, owner: Viewer) -> None:
    before = await roles_of(ask, owner)
    role = before["Administrator"]
    answer = await ask(owner, SET, input={"id": role["id"], "name": "Boss", "permissions": []})
    assert problems(answer) == [("INVALID_TRANSITION", ["input", "id"])]
    assert answer.field["role"]["name"] == "Administrator"
    assert await roles_of(ask, owner) == before
    agent = {"id": before["Agent"]["id"], "name": "Helper", "permissions": ["CHATS_READ"]}
    assert (await ask(owner, SET, input=agent)).ok()["role"]["name"] == "Helper"


async def test_the_first_roles_are_not_deleted(ask: Ask, owner: Viewer) -> None:
    before = await roles_of(ask, owner)
    for name in ("Administrator", "Agent"):
        answer = await ask(owner, DELETE, id=before[name]["id"])
        assert problems(answer) == [("INVALID_TRANSITION", ["input", "id"])]
        assert answer.field["deletedId"] is None
    assert await roles_of(ask, owner) == before


async def test_deleting_a_role_takes_it_from_its_members(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(owner, Permission.CHATS_READ, Permission.ORDERS_READ)
    (name,) = set(await roles_of(ask, owner)) - {"Administrator", "Agent"}
    role = (await roles_of(ask, owner))[name]["id"]
    answer = await ask(owner, DELETE, id=role, version=1)
    assert problems(answer) == [("VALIDATION_ERROR", ["input", "expectedVersion"])]
    assert await viewer_of_session(ask.server.database, member.session_id) == member
    assert (await ask(owner, DELETE, id=role)).ok()["deletedId"] == role
    bare = await viewer_of_session(ask.server.database, member.session_id)
    assert bare is not None
    assert bare.permissions == frozenset()
    assert await count_all(ask.server, UserRole, UserRole.user_id == member.id) == 0
    assert (await ask(owner, DELETE, id=role)).codes == ["NOT_FOUND"]


async def test_a_new_viewer_has_what_its_roles_permit_now(ask: Ask, make: Make, owner: Viewer) -> None:
    first = await made(ask, owner, "One", "CHATS_READ")
    second = await made(ask, owner, "Two", "ORDERS_READ", "CHATS_READ")
    member = await make.member(owner, role_ids=[decode("role", first), decode("role", second)])
    assert member.permissions == {Permission.CHATS_READ, Permission.ORDERS_READ}
    await ask(owner, SET, input={"id": second, "name": "Two", "permissions": ["PRODUCTS_READ"]})
    changed = await viewer_of_session(ask.server.database, member.session_id)
    assert changed is not None
    assert changed.permissions == {Permission.CHATS_READ, Permission.PRODUCTS_READ}
    assert (await ask(changed, "{ orders { totalCount } }")).codes == ["ACCESS_DENIED"]
    assert (await ask(changed, "{ products { totalCount } }")).ok() == {"totalCount": 0}


async def test_nobody_puts_more_into_a_role_than_it_has(ask: Ask, make: Make, owner: Viewer) -> None:
    keeper = await make.member(owner, Permission.ROLES_WRITE, Permission.CHATS_READ)
    mighty = await made(ask, owner, "Mighty", "ORDERS_WRITE")
    before = await roles_of(ask, owner)
    refused = [
        await ask(keeper, SET, input={"name": "Mine", "permissions": ["CHATS_READ", "USERS_WRITE"]}),
        await ask(keeper, SET, input={"id": mighty, "name": "Mighty", "permissions": ["CHATS_READ"]}),
        await ask(keeper, DELETE, id=mighty),
        await ask(owner, SET, input={"name": "System", "permissions": ["SYSTEM_READ"]}),
    ]
    assert [a.codes for a in refused] == [["ACCESS_DENIED"]] * 4
    assert await roles_of(ask, owner) == before
    mine = await made(ask, keeper, "Mine", "CHATS_READ")
    assert (await ask(keeper, DELETE, id=mine)).ok()["deletedId"] == mine


async def test_nobody_gives_or_takes_a_role_of_more_than_it_has(ask: Ask, make: Make, owner: Viewer) -> None:
    manager = await make.member(owner, Permission.USERS_WRITE, Permission.USERS_READ, Permission.CHATS_READ)
    administrator = (await roles_of(ask, owner))["Administrator"]["id"]
    small = await made(ask, owner, "Small", "CHATS_READ")
    name = fresh_name()
    new = {"username": name, "email": f"{name}@example.com"}
    held = await make.count(owner, UserRole)
    for refused in (
        await ask(manager, GIVE, input={"id": encode("user", manager.id), "roleIds": [administrator]}),
        await ask(manager, ADD, input={**new, "roleIds": [small, administrator]}),
        await ask(manager, ADD, input=new),
        await ask(manager, GIVE, input={"id": encode("user", owner.id), "roleIds": []}),
    ):
        assert refused.codes == ["ACCESS_DENIED"]
    assert await make.count(owner, UserRole) == held
    assert (await ask(manager, ADD, input={**new, "roleIds": [small]})).ok()["user"]
    assert await make.count(owner, UserRole) == held + 1


async def test_another_workspaces_role_is_not_found(ask: Ask, make: Make, owner: Viewer) -> None:
    stranger = await make.owner()
    theirs = await made(ask, stranger, "Theirs", "CHATS_READ")
    before = await roles_of(ask, stranger)
    at = ["input", "id"]
    assert problems(await ask(owner, SET, input={"id": theirs, "name": "x", "permissions": []})) == [
        ("NOT_FOUND", at)
    ]
    assert problems(await ask(owner, DELETE, id=theirs)) == [("NOT_FOUND", at)]
    given = await ask(owner, GIVE, input={"id": encode("user", owner.id), "roleIds": [theirs]})
    assert problems(given) == [("NOT_FOUND", ["input", "roleIds", "0"])]
    assert (await ask(owner, "query($id: ID!) { node(id: $id) { id } }", id=theirs)).ok() is None
    assert await roles_of(ask, stranger) == before
    assert "Theirs" not in await roles_of(ask, owner)


async def test_a_workspace_has_at_most_a_hundred_roles(ask: Ask, make: Make, owner: Viewer) -> None:
    moment = now()
    common = {"workspace_id": owner.workspace_id, "kind": RoleKind.CUSTOM, "permissions": []}
    rows = [
        {"id": new_id(), "name": f"r{i}", "created_at": moment, "updated_at": moment, **common}
        for i in range(ROLES_MAX - 3)
    ]
    async with ask.server.database.write() as connection:
        await connection.execute(insert(Role).values(rows))
    answers = await asyncio.gather(
        *[ask(owner, SET, input={"name": f"last{i}", "permissions": []}) for i in range(4)]
    )
    assert sorted(a.codes for a in answers) == [[], *[["VALIDATION_ERROR"]] * 3]
    assert await make.count(owner, Role) == len(await roles_of(ask, owner)) == ROLES_MAX


async def test_a_role_deleted_while_it_is_given_leaves_nothing_half_done(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    for turn in range(5):
        role = await made(ask, owner, f"Brief {turn}", "CHATS_READ")
        name = fresh_name()
        new = {"username": name, "email": f"{name}@example.com", "roleIds": [role]}
        added, gone = await asyncio.gather(ask(owner, ADD, input=new), ask(owner, DELETE, id=role))
        assert gone.ok()["deletedId"] == role
        assert added.codes in ([], ["NOT_FOUND"])
    assert set(await roles_of(ask, owner)) == {"Administrator", "Agent"}
    assert await count_all(ask.server, UserRole, UserRole.workspace_id == owner.workspace_id) == 1
