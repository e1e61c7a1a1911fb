"""Members and their workspace: added, found, changed, and how much of them a colleague sees."""

from typing import Any

import pytest

from db.accounts import User, Workspace
from db.base import Permission, Viewer
from schema.kit.ids import encode
from services.server import Server
from services.sessions import viewer_of_session
from tests.ask import Ask
from tests.auth import ERRORS, LOGIN, PASSWORD, change_row, count_all, fresh_name, hurried, kept
from tests.make import Make

CREATE = f"""
mutation($input: UserCreateInput!) {{ userCreate(input: $input) {{
  user {{ id version username email fullName isActive isSuperuser roles {{ id name }} }} {ERRORS} }} }}
"""
UPDATE = f"""
mutation($input: UserUpdateInput!) {{ userUpdate(input: $input) {{
  user {{ id version username email fullName bio avatarUrl isActive displayName roles {{ name }} }} {ERRORS} }} }}
"""
WORKSPACE = f"""
mutation($input: WorkspaceUpdateInput!) {{ workspaceUpdate(input: $input) {{
  workspace {{ version name defaultCurrency timeZone }} {ERRORS} }} }}
"""
FIND = """
query($by: UserKey!) { user(by: $by) {
  id username displayName email providerAccountId roles { name } sessions { id } } }
"""
LIST = "query($where: UserFilter) { users(where: $where) { nodes { username } totalCount } }"


@pytest.fixture
def ask(server: Server) -> Ask:
    return Ask(hurried(server))


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


def id_of(viewer: Viewer) -> str:
    return encode("user", viewer.id)


def problems(answer: Any) -> list[tuple[str, list[str]]]:
    """Code and path of every user error."""
    assert answer.errors == []
    return [(e["code"], e["path"]) for e in answer.user_errors]


async def test_a_new_member_is_an_agent_unless_roles_are_given(ask: Ask, make: Make, owner: Viewer) -> None:
    name = fresh_name()
    input: dict[str, Any] = {"username": name.upper(), "email": f"{name}@Example.com", "password": PASSWORD}
    user = (await ask(owner, CREATE, input=input)).ok()["user"]
    assert (user["username"], user["email"], user["version"]) == (name, f"{name}@example.com", 1)
    assert [r["name"] for r in user["roles"]] == ["Agent"]
    assert (user["isActive"], user["isSuperuser"]) == (True, False)
    assert (await ask(None, LOGIN, username=name, password=PASSWORD)).ok()["user"]["id"] == user["id"]
    roles = (await ask(owner, "{ roles { id name } }")).field
    administrator = next(r for r in roles if r["name"] == "Administrator")
    for role_ids, names in (([administrator["id"]] * 2, ["Administrator"]), ([], [])):
        other = fresh_name()
        user = (
            await ask(
                owner,
                CREATE,
                input=input
                | {"username": other, "roleIds": role_ids, "email": f"{other}@example.com", "password": None},
            )
        ).ok()["user"]
        assert [r["name"] for r in user["roles"]] == names
        assert (await ask(None, LOGIN, username=other, password="")).codes == ["INVALID_CREDENTIALS"]


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"username": "a b"}, "VALIDATION_ERROR", ["username"]),
        ({"email": "nobody"}, "VALIDATION_ERROR", ["email"]),
        ({"password": "short"}, "VALIDATION_ERROR", ["password"]),
        ({"fullName": "x" * 256}, "VALIDATION_ERROR", ["fullName"]),
        ({"bio": "x" * 2001}, "VALIDATION_ERROR", ["bio"]),
        ({"roleIds": ["role_" + "0" * 32]}, "NOT_FOUND", ["roleIds", "0"]),
        ({"roleIds": ["user_" + "0" * 32]}, "NOT_FOUND", ["roleIds", "0"]),
        ({"roleIds": ["role_" + "0" * 32] * 101}, "VALIDATION_ERROR", ["roleIds"]),
    ],
)
async def test_a_member_that_is_not_right_is_not_added(
    ask: Ask, owner: Viewer, wrong: dict[str, Any], code: str, path: list[str]
) -> None:
    right = {"username": fresh_name(), "email": f"{fresh_name()}@example.com", "password": PASSWORD}
    before = await count_all(ask.server, User)
    assert problems(await ask(owner, CREATE, input=right | wrong)) == [(code, ["input", *path])]
    assert await count_all(ask.server, User) == before
    assert (await ask(owner, CREATE, input=right)).ok()["user"]


@pytest.mark.parametrize("field", ["username", "email"])
async def test_a_name_of_another_workspace_is_taken_here_too(
    ask: Ask, make: Make, owner: Viewer, field: str
) -> None:
    taken = getattr(await kept(ask.server, User, (await make.owner()).id), field)
    right = {"username": fresh_name(), "email": f"{fresh_name()}@example.com"}
    before = await kept(ask.server, User, owner.id)
    created = await ask(owner, CREATE, input=right | {field: taken.upper()})
    updated = await ask(owner, UPDATE, input={"id": id_of(owner), field: taken.upper()})
    assert problems(created) == problems(updated) == [("CONFLICT", ["input", field])]
    assert await kept(ask.server, User, owner.id) == before
    assert (await ask(owner, UPDATE, input={"id": id_of(owner), field: right[field]})).ok()["user"]


async def test_a_member_changes_its_own_profile_without_a_permission(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    member = await make.member(owner)
    url = "https://example.com/me.png"
    input = {"id": id_of(member), "fullName": "Mia", "bio": "Hi", "avatarUrl": url, "businessName": None}
    user = (await ask(member, UPDATE, input=input)).ok()["user"]
    assert (user["fullName"], user["displayName"], user["bio"], user["avatarUrl"]) == (
        "Mia",
        "Mia",
        "Hi",
        url,
    )
    assert user["version"] == 2
    cleared = (await ask(member, UPDATE, input={"id": id_of(member), "fullName": None})).ok()["user"]
    assert (cleared["fullName"], cleared["displayName"], cleared["bio"]) == (None, cleared["username"], "Hi")


@pytest.mark.parametrize(
    "more", [{"username": "another"}, {"email": "a@example.com"}, {"isActive": True}, {"roleIds": []}]
)
async def test_everything_else_takes_users_write(
    ask: Ask, make: Make, owner: Viewer, more: dict[str, Any]
) -> None:
    member = await make.member(owner)
    before = await kept(ask.server, User, member.id)
    answer = await ask(member, UPDATE, input={"id": id_of(member), "fullName": "Mia", **more})
    assert answer.codes == ["ACCESS_DENIED"]
    assert await kept(ask.server, User, member.id) == before
    changed = {
        n: fresh_name() + ("@example.com" if n == "email" else "") for n in more if n in ("username", "email")
    }
    answer = await ask(owner, UPDATE, input={"id": id_of(member), "fullName": "Mia", **more, **changed})
    assert answer.ok()["user"]["fullName"] == "Mia"


async def test_a_colleagues_profile_takes_users_write(ask: Ask, make: Make, owner: Viewer) -> None:
    member, colleague = await make.member(owner), await make.member(owner)
    before = await kept(ask.server, User, colleague.id)
    input = {"id": id_of(colleague), "fullName": "Mia"}
    assert (await ask(member, UPDATE, input=input)).codes == ["ACCESS_DENIED"]
    assert await kept(ask.server, User, colleague.id) == before
    assert (await ask(owner, UPDATE, input=input)).ok()["user"]["fullName"] == "Mia"


@pytest.mark.parametrize("field", ["username", "email", "isActive", "roleIds"])
async def test_null_clears_nothing_that_has_to_be_there(
    ask: Ask, make: Make, owner: Viewer, field: str
) -> None:
    member = await make.member(owner)
    before = await kept(ask.server, User, member.id)
    answer = await ask(owner, UPDATE, input={"id": id_of(member), "bio": "x", field: None})
    assert problems(answer) == [("VALIDATION_ERROR", ["input", field])]
    assert answer.field["user"] is None
    assert await kept(ask.server, User, member.id) == before


async def test_a_change_of_an_older_version_is_refused_with_the_member_as_it_is(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    member = await make.member(owner)
    first = (await ask(owner, UPDATE, input={"id": id_of(member), "bio": "one", "expectedVersion": 1})).ok()
    assert first["user"]["version"] == 2
    stale = await ask(owner, UPDATE, input={"id": id_of(member), "bio": "two", "expectedVersion": 1})
    assert problems(stale) == [("STALE_VERSION", ["input", "expectedVersion"])]
    assert (stale.field["user"]["version"], stale.field["user"]["bio"]) == (2, "one")


async def test_a_member_is_found_by_each_of_its_keys(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await kept(ask.server, User, (await make.member(owner)).id)
    keys = {
        "id": encode("user", member.id),
        "username": member.username.upper(),
        "email": member.email.upper(),
    }
    for name, value in keys.items():
        assert (await ask(owner, FIND, by={name: value})).ok()["id"] == keys["id"]
        assert (await ask(await make.owner(), FIND, by={name: value})).ok() is None
    for unknown in (
        {"id": "user_x"},
        {"id": "chat_" + member.id.hex},
        {"username": "\x00"},
        {"username": "?"},
    ):
        assert (await ask(owner, FIND, by=unknown)).ok() is None


async def test_what_is_private_shows_to_the_member_itself_and_with_users_read(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    member, colleague = await make.member(owner), await make.member(owner)
    reader = await make.member(owner, Permission.USERS_READ)
    await change_row(ask.server, User, member.id, provider_account_id="g-1")
    for viewer in (member, reader):
        seen = (await ask(viewer, FIND, by={"id": id_of(member)})).ok()
        assert "@" in seen["email"]
        assert (seen["providerAccountId"], [r["name"] for r in seen["roles"]]) == ("g-1", ["Agent"])
        assert [s["id"] for s in seen["sessions"]] == [encode("session", member.session_id)]
    seen = (await ask(colleague, FIND, by={"id": id_of(member)})).ok()
    private = ("email", "providerAccountId", "roles", "sessions")
    assert [seen[name] for name in private] == [None] * 4
    assert seen["displayName"] == seen["username"]


async def test_to_look_or_filter_by_email_takes_users_read(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(owner)
    email = (await kept(ask.server, User, owner.id)).email
    where = {"or": [{"email": {"eq": email}}]}
    assert (await ask(member, FIND, by={"email": email})).codes == ["ACCESS_DENIED"]
    assert (await ask(member, LIST, where=where)).codes == ["ACCESS_DENIED"]
    assert (await ask(member, LIST, where={"username": {"startsWith": "owner"}})).ok()["totalCount"] == 1
    assert (await ask(owner, LIST, where=where)).ok()["totalCount"] == 1
    assert (await ask(owner, FIND, by={"email": email})).ok()["id"] == id_of(owner)


async def test_a_member_that_is_no_longer_active_is_signed_out(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(owner)
    off = (await ask(owner, UPDATE, input={"id": id_of(member), "isActive": False})).ok()["user"]
    assert off["isActive"] is False
    assert await viewer_of_session(ask.server.database, member.session_id) is None
    assert (await ask(owner, UPDATE, input={"id": id_of(member), "isActive": True})).ok()["user"]["isActive"]
    assert await viewer_of_session(ask.server.database, member.session_id) is None
    assert await viewer_of_session(ask.server.database, owner.session_id) == owner


async def test_a_workspace_changes_what_is_given(ask: Ask, make: Make, owner: Viewer) -> None:
    input = {"name": "Übermut", "defaultCurrency": "EUR", "timeZone": "Europe/Berlin", "expectedVersion": 1}
    assert (await ask(owner, WORKSPACE, input=input)).ok()["workspace"] == {
        "version": 2, "name": "Übermut", "defaultCurrency": "EUR", "timeZone": "Europe/Berlin",
    }  # fmt: skip
    kept_back = (await ask(owner, WORKSPACE, input={"name": "Mut"})).ok()["workspace"]
    assert (kept_back["name"], kept_back["defaultCurrency"], kept_back["version"]) == ("Mut", "EUR", 3)
    stale = await ask(owner, WORKSPACE, input={"name": "Unmut", "expectedVersion": 2})
    assert problems(stale) == [("STALE_VERSION", ["input", "expectedVersion"])]
    assert stale.field["workspace"]["name"] == "Mut"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "  "), ("name", None), ("name", "x" * 256), ("name", "\x00"),
        ("timeZone", "Mars/Olympus"), ("timeZone", ""), ("timeZone", "europe/berlin"), ("timeZone", None),
        ("timeZone", "../../etc/passwd"), ("defaultCurrency", None),
    ],
)  # fmt: skip
async def test_a_workspace_refuses_what_makes_no_sense(
    ask: Ask, owner: Viewer, field: str, value: str | None
) -> None:
    before = await kept(ask.server, Workspace, owner.workspace_id)
    assert problems(await ask(owner, WORKSPACE, input={field: value})) == [
        ("VALIDATION_ERROR", ["input", field])
    ]
    assert await kept(ask.server, Workspace, owner.workspace_id) == before


async def test_an_unknown_currency_is_no_value_at_all(ask: Ask, make: Make, owner: Viewer) -> None:
    before = await kept(ask.server, Workspace, owner.workspace_id)
    answer = await ask(owner, WORKSPACE, input={"defaultCurrency": "QQQ", "name": "Mut"})
    assert (answer.codes, answer.data) == (["VALIDATION_ERROR"], None)
    assert await kept(ask.server, Workspace, owner.workspace_id) == before
    assert (await ask(await make.member(owner), WORKSPACE, input={"name": "Mut"})).codes == ["ACCESS_DENIED"]
    assert await kept(ask.server, Workspace, owner.workspace_id) == before
