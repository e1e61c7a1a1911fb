"""Registering: a workspace with its first roles and its administrator, or nothing at all."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from db.accounts import User, Workspace
from db.base import Permission
from services.server import Server
from tests.ask import Ask
from tests.auth import PASSWORD, REGISTER, count_all, fresh_name, hurried, registration, viewer_of

ME = """
{ viewer { permissions user { username } session { isCurrent isActive }
  workspace { slug name defaultCurrency timeZone plan version } }
  roles { name permissions } }
"""
AGENT = {
    "CHANNELS_READ", "CUSTOMERS_READ", "CUSTOMERS_WRITE", "CHATS_READ", "CHATS_WRITE", "CHATS_ASSIGN",
    "MESSAGES_SEND", "PRODUCTS_READ", "ORDERS_READ", "ORDERS_WRITE",
}  # fmt: skip


@pytest.fixture
def ask(server: Server) -> Ask:
    return Ask(hurried(server))


async def refused(ask: Ask, input: dict[str, Any], code: str, *path: str) -> None:
    """The registration is refused with that one error, and nothing is left of it."""
    before = await count_all(ask.server, User), await count_all(ask.server, Workspace)
    answer = await ask(None, REGISTER, input=input)
    assert answer.errors == []
    assert [(e["code"], e["path"]) for e in answer.user_errors] == [(code, ["input", *path])]
    assert answer.field["accessToken"] is None
    assert answer.field["user"] is None
    assert (await count_all(ask.server, User), await count_all(ask.server, Workspace)) == before


async def test_registering_makes_a_workspace_its_roles_and_its_signed_in_administrator(
    ask: Ask, server: Server
) -> None:
    name = fresh_name()
    made = (
        await ask(None, REGISTER, input=registration(username=name, businessName="Café Übermut & Co"))
    ).ok()
    assert (made["tokenType"], made["expiresIn"]) == ("Bearer", 600)
    assert made["user"]["roles"][0]["name"] == "Administrator"
    assert len(made["user"]["roles"]) == 1
    viewer = await viewer_of(server, made["accessToken"])
    assert viewer is not None
    assert viewer.is_administrator
    assert not viewer.is_superuser
    seen = (await ask(viewer, ME)).data
    assert seen is not None
    everything = {p.value for p in Permission} - {"METRICS_READ", "SYSTEM_READ", "SYSTEM_WRITE"}
    assert set(seen["viewer"]["permissions"]) == everything
    assert {r["name"]: set(r["permissions"]) for r in seen["roles"]} == {
        "Administrator": everything,
        "Agent": AGENT,
    }
    workspace = seen["viewer"]["workspace"]
    assert workspace.pop("slug").startswith("cafe-ubermut-co")
    assert workspace == {
        "name": "Café Übermut & Co",
        "defaultCurrency": "USD",
        "timeZone": "UTC",
        "plan": "FREE",
        "version": 1,
    }
    assert seen["viewer"]["session"] == {"isCurrent": True, "isActive": True}
    assert seen["viewer"]["user"] == {"username": name}


@pytest.mark.parametrize("business", [None, "", "   "])
async def test_a_business_without_a_name_is_called_by_the_username(ask: Ask, business: str | None) -> None:
    input = registration(businessName=business)
    made = (await ask(None, REGISTER, input=input)).ok()
    viewer = await viewer_of(ask.server, made["accessToken"])
    workspace = (await ask(viewer, ME)).ok()["workspace"]
    assert (workspace["name"], workspace["slug"]) == (input["username"], input["username"])


async def test_a_name_of_no_latin_letters_still_gets_a_slug(ask: Ask) -> None:
    made = (await ask(None, REGISTER, input=registration(businessName="東京商店"))).ok()
    viewer = await viewer_of(ask.server, made["accessToken"])
    workspace = (await ask(viewer, ME)).ok()["workspace"]
    assert workspace["slug"].startswith("workspace")


async def test_a_slug_that_is_taken_does_not_keep_anybody_out(ask: Ask, server: Server) -> None:
    business = f"Twins {fresh_name()}"
    answers = await asyncio.gather(
        *[ask(None, REGISTER, input=registration(businessName=business)) for _ in range(6)]
    )
    slugs = set()
    for answer in answers:
        viewer = await viewer_of(server, answer.ok()["accessToken"])
        slugs.add((await ask(viewer, ME)).ok()["workspace"]["slug"])
    assert len(slugs) == 6
    assert all(s.startswith("twins-name-") for s in slugs)


async def test_username_and_email_are_kept_in_lower_case(ask: Ask) -> None:
    name = fresh_name()
    input = registration(username=name.upper(), email=f"{name.upper()}@EXAMPLE.com")
    user = (await ask(None, REGISTER, input=input)).ok()["user"]
    assert (user["username"], user["email"]) == (name, f"{name}@example.com")


async def test_a_username_is_taken_on_the_whole_server_in_any_case(ask: Ask) -> None:
    first = (await ask(None, REGISTER, input=registration())).ok()["user"]["username"]
    await refused(ask, registration(username=first.upper()), "CONFLICT", "username")
    assert (await ask(None, REGISTER, input=registration(username=first + "2"))).ok()["user"]


async def test_an_email_is_taken_on_the_whole_server_in_any_case(ask: Ask) -> None:
    first = (await ask(None, REGISTER, input=registration())).ok()["user"]["email"]
    await refused(ask, registration(email=first.upper()), "CONFLICT", "email")
    assert (await ask(None, REGISTER, input=registration(email="x" + first))).ok()["user"]


@pytest.mark.parametrize(
    "username", ["ab", "a" * 101, "a b c", "anna\x00", "änna", "anna@example.com", "", "deleted:" + "0" * 32]
)
async def test_a_bad_username_is_refused(ask: Ask, username: str) -> None:
    await refused(ask, {**registration(), "username": username}, "VALIDATION_ERROR", "username")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nobody",
        "a@b",
        "a@deleted.invalid",
        "a\x00@example.com",
        "\ud800@example.com",
        "x" * 250 + "@example.com",
    ],
)
async def test_a_bad_email_is_refused(ask: Ask, email: str) -> None:
    await refused(ask, {**registration(), "email": email}, "VALIDATION_ERROR", "email")


@pytest.mark.parametrize(
    "password", ["", "x" * 9, "x" * 257, "x" * 100_000, "ten chars\x00", "ten chars\ud800"]
)
async def test_a_bad_password_is_refused(ask: Ask, password: str) -> None:
    await refused(ask, {**registration(), "password": password}, "VALIDATION_ERROR", "password")


@pytest.mark.parametrize("field", ["fullName", "businessName"])
@pytest.mark.parametrize("value", ["x" * 256, "a\x00b", "\udfff"])
async def test_a_name_that_cannot_be_kept_is_refused_where_it_was_written(
    ask: Ask, field: str, value: str
) -> None:
    await refused(ask, registration(**{field: value}), "VALIDATION_ERROR", field)


@pytest.mark.parametrize(
    "values",
    [
        {"password": "x" * 10},
        {"password": "x" * 256},
        {"password": "pässwörd 🔑"},
        {"fullName": "x" * 255, "businessName": "y" * 255},
    ],
)
async def test_the_longest_and_the_shortest_that_is_allowed_is_taken(
    ask: Ask, values: dict[str, str]
) -> None:
    assert (await ask(None, REGISTER, input=registration(**values))).ok()["accessToken"]


async def test_the_shortest_and_the_longest_username_is_taken(ask: Ask) -> None:
    longest = fresh_name().ljust(100, "z")
    assert (await ask(None, REGISTER, input=registration(username=longest))).ok()["user"][
        "username"
    ] == longest
    shortest = longest[-3:]
    assert (await ask(None, REGISTER, input=registration(username=shortest))).ok()["user"][
        "username"
    ] == shortest


async def test_a_server_without_registration_refuses_it(ask: Ask, server: Server) -> None:
    closed = Ask(replace(ask.server, allow_registration=False))
    input = registration()
    before = await count_all(server, User)
    answer = await closed(None, REGISTER, input=input)
    assert answer.codes == ["ACCESS_DENIED"]
    assert answer.data == {"register": None}
    assert await count_all(server, User) == before
    assert (await ask(None, REGISTER, input=input)).ok()["accessToken"]


async def test_of_twenty_parallel_registrations_of_one_username_one_wins(ask: Ask, server: Server) -> None:
    name = fresh_name()
    before = await count_all(server, Workspace)
    answers = await asyncio.gather(
        *[ask(None, REGISTER, input=registration(username=name, password=PASSWORD)) for _ in range(20)]
    )
    assert sum(a.field["accessToken"] is not None for a in answers) == 1
    lost = [e for a in answers for e in a.user_errors]
    assert len(lost) == 19
    assert {(e["code"], tuple(e["path"])) for e in lost} == {("CONFLICT", ("input", "username"))}
    assert await count_all(server, Workspace) == before + 1
    assert await count_all(server, User, User.username == name) == 1
