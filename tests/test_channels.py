"""Channels: connected, read by every key, changed, disconnected; their tokens sealed and never shown."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from db.base import Permission, Viewer
from db.channels import Channel
from schema.kit.ids import encode
from services.secrets import Unsealable
from tests.ask import Answer, Ask
from tests.make import Make
from tests.tenant import uuid_of

FIELDS = """id version platformType platformSpecificId name isActive hasAccessToken hasRefreshToken
  tokenExpiresAt scopes metadata deletedAt owner { id }"""
CONNECT = f"""mutation($i: ChannelConnectInput!) {{ channelConnect(input: $i) {{
  channel {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
UPDATE = f"""mutation($i: ChannelUpdateInput!) {{ channelUpdate(input: $i) {{
  channel {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
DELETE = """mutation($i: DeleteInput!) { channelDelete(input: $i) {
  deletedId userErrors { code message path } } }"""
READ = f"query($by: ChannelKey!) {{ channel(by: $by) {{ {FIELDS} }} }}"
LIST = "query($w: ChannelFilter, $s: [ChannelSort!]) { channels(where: $w, sort: $s) { nodes { name } totalCount } }"
WHOLE = {
    "platformType": "WHATSAPP",
    "platformSpecificId": "+49 170",
    "name": "Shop",
    "accessToken": "plain access",
    "refreshToken": "plain refresh",
    "tokenExpiresAt": "2027-01-01T00:00:00+01:00",
    "scopes": ["read", "write"],
    "metadata": {"region": "eu"},
}


async def connect(ask: Ask, viewer: Viewer, **values: Any) -> Any:
    return (await ask(viewer, CONNECT, i={**WHOLE, **values})).ok()["channel"]


async def read(ask: Ask, viewer: Viewer, id: str) -> Any:
    return (await ask(viewer, READ, by={"id": id})).ok()


async def tokens(make: Make, id: str) -> Any:
    asked = select(Channel.access_token, Channel.refresh_token).where(Channel.id == uuid_of(id))
    return (await make.server.database.fetch(asked))[0]


async def test_a_connected_channel_is_found_by_every_key(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await connect(ask, owner)
    assert made["owner"] == {"id": encode("user", owner.id)}
    assert (made["version"], made["isActive"], made["deletedAt"]) == (1, True, None)
    assert (made["hasAccessToken"], made["hasRefreshToken"]) == (True, True)
    assert made["tokenExpiresAt"] == "2026-12-31T23:00:00.000000Z"
    assert (made["scopes"], made["metadata"]) == (["read", "write"], {"region": "eu"})
    platform = {"platformType": "WHATSAPP", "platformSpecificId": "+49 170"}
    for by in ({"id": made["id"]}, {"platform": platform}):
        assert (await ask(owner, READ, by=by)).ok() == made
    assert (await ask(owner, READ, by={"platform": {**platform, "platformType": "SMS"}})).ok() is None


async def test_what_is_not_given_is_empty(ask: Ask, make: Make) -> None:
    made = (await ask(await make.owner(), CONNECT, i={"platformType": "API"})).ok()["channel"]
    empty = ("platformSpecificId", "name", "tokenExpiresAt", "metadata")
    assert [made[name] for name in empty] == [None] * 4
    assert (made["scopes"], made["hasAccessToken"], made["hasRefreshToken"]) == ([], False, False)


async def test_channels_are_filtered_and_sorted(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    for name, kind in (("Beta", "SMS"), ("alpha", "EMAIL"), ("Alto", "SMS")):
        await connect(ask, owner, name=name, platformType=kind, platformSpecificId=name)

    async def names(where: Any = None, *sort: Any) -> list[str]:
        answer = (await ask(owner, LIST, w=where, s=list(sort))).ok()
        assert answer["totalCount"] == len(answer["nodes"])
        return [row["name"] for row in answer["nodes"]]

    assert await names() == ["Alto", "alpha", "Beta"]
    assert await names(None, {"field": "NAME"}) == ["Alto", "Beta", "alpha"]
    assert await names({"platformType": ["SMS"]}) == ["Alto", "Beta"]
    assert await names({"name": {"startsWith": "al"}}) == ["Alto", "alpha"]
    assert await names({"isActive": False}) == []


async def test_an_update_changes_what_is_given_alone(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await connect(ask, owner)
    changes = {"name": "New", "scopes": ["all"], "metadata": [1], "isActive": False}
    changed = (await ask(owner, UPDATE, i={"id": made["id"], **changes})).ok()["channel"]
    assert changed == {**made, **changes, "version": 2}
    cleared = {"name": None, "tokenExpiresAt": None, "metadata": None}
    emptied = (await ask(owner, UPDATE, i={"id": made["id"], **cleared})).ok()["channel"]
    assert emptied == {**changed, **cleared, "version": 3}
    assert await read(ask, owner, made["id"]) == emptied


@pytest.mark.parametrize("name", ["isActive", "scopes"])
async def test_what_cannot_be_empty_is_not_cleared(name: str, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await connect(ask, owner)
    refused = await ask(owner, UPDATE, i={"id": made["id"], name: None})
    assert (refused.codes, refused.field["channel"]) == (["VALIDATION_ERROR"], None)
    assert refused.user_errors[0]["path"] == ["input", name]
    assert await read(ask, owner, made["id"]) == made


async def test_a_lost_update_is_refused_with_the_channel_as_it_is(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await connect(ask, owner)
    first = await ask(owner, UPDATE, i={"id": made["id"], "name": "First", "expectedVersion": 1})
    current = first.ok()["channel"]
    second = await ask(owner, UPDATE, i={"id": made["id"], "name": "Second", "expectedVersion": 1})
    assert second.codes == ["STALE_VERSION"]
    assert second.user_errors[0]["path"] == ["input", "expectedVersion"]
    assert second.field["channel"] == current
    assert await read(ask, owner, made["id"]) == current
    again = await ask(owner, UPDATE, i={"id": made["id"], "name": "Second", "expectedVersion": 2})
    assert again.ok()["channel"]["name"] == "Second"


async def test_a_platform_id_is_taken_once_in_a_workspace(ask: Ask, make: Make) -> None:
    owner, stranger = await make.owner(), await make.owner()
    made = await connect(ask, owner)
    taken = await ask(owner, CONNECT, i=WHOLE)
    assert (taken.codes, taken.field["channel"]) == (["CONFLICT"], None)
    assert taken.user_errors[0]["path"] == ["input", "platformSpecificId"]
    assert await make.count(owner, Channel) == 1
    await connect(ask, owner, platformType="SMS")
    await connect(ask, stranger)
    (await ask(owner, DELETE, i={"id": made["id"]})).ok()
    assert (await connect(ask, owner))["id"] != made["id"]


@pytest.mark.parametrize("name", ["platformSpecificId", "accessToken", "refreshToken"])
async def test_an_id_and_a_token_are_not_blank(name: str, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    refused = await ask(owner, CONNECT, i={**WHOLE, name: " "})
    assert (refused.codes, refused.user_errors[0]["path"]) == (["VALIDATION_ERROR"], ["input", name])
    assert await make.count(owner, Channel) == 0
    assert (await connect(ask, owner))["version"] == 1


async def test_tokens_are_sealed_for_their_row_and_column(ask: Ask, make: Make) -> None:
    owner, vault = await make.owner(), make.server.vault
    made = await connect(ask, owner)
    other = await connect(ask, owner, platformSpecificId="another")
    kept, id = await tokens(make, made["id"]), uuid_of(made["id"])
    assert "plain" not in str(kept)
    assert kept.access_token != (await tokens(make, other["id"])).access_token
    assert vault.open(kept.access_token, "channels", "access_token", id) == "plain access"
    assert vault.open(kept.refresh_token, "channels", "refresh_token", id) == "plain refresh"
    moved: list[tuple[str, str, UUID]] = [
        ("channels", "access_token", uuid_of(other["id"])),
        ("channels", "refresh_token", id),
        ("users", "access_token", id),
    ]
    for place in moved:
        with pytest.raises(Unsealable):
            vault.open(kept.access_token, *place)


async def test_a_token_is_kept_replaced_and_destroyed(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = (await connect(ask, owner))["id"]
    first = await tokens(make, id)
    (await ask(owner, UPDATE, i={"id": id, "name": "New"})).ok()
    assert await tokens(make, id) == first
    replaced = (await ask(owner, UPDATE, i={"id": id, "accessToken": "another"})).ok()["channel"]
    assert replaced["hasAccessToken"] is True
    sealed = (await tokens(make, id)).access_token
    assert make.server.vault.open(sealed, "channels", "access_token", uuid_of(id)) == "another"
    destroyed = (await ask(owner, UPDATE, i={"id": id, "accessToken": None})).ok()["channel"]
    assert (destroyed["hasAccessToken"], destroyed["hasRefreshToken"]) == (False, True)
    assert tuple(await tokens(make, id)) == (None, first.refresh_token)
    (await ask(owner, DELETE, i={"id": id})).ok()
    assert tuple(await tokens(make, id)) == (None, None)


async def test_no_refusal_tells_a_token(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await connect(ask, owner)
    secret = "plain and secret"
    stale = {"id": made["id"], "accessToken": secret, "expectedVersion": 9}
    refusals: list[Answer] = [
        await ask(owner, CONNECT, i={**WHOLE, "accessToken": secret}),
        await ask(owner, CONNECT, i={**WHOLE, "accessToken": secret * 1000, "platformSpecificId": "x"}),
        await ask(owner, CONNECT, i={**WHOLE, "accessToken": f"{secret}\x00", "platformSpecificId": "x"}),
        await ask(owner, UPDATE, i=stale),
    ]
    assert [a.codes for a in refusals] == [
        ["CONFLICT"],
        ["VALIDATION_ERROR"],
        ["VALIDATION_ERROR"],
        ["STALE_VERSION"],
    ]
    assert not [a for a in refusals if secret in str(a) or "v1:" in str(a)]
    assert await make.count(owner, Channel) == 1


async def test_channels_take_their_permissions(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await connect(ask, owner)
    reader = await make.member(owner, Permission.CHANNELS_READ)
    writer = await make.member(owner, Permission.CHANNELS_WRITE)
    assert await read(ask, reader, made["id"]) == made
    assert (await ask(writer, READ, by={"id": made["id"]})).codes == ["ACCESS_DENIED"]
    assert (await ask(None, READ, by={"id": made["id"]})).codes == ["UNAUTHENTICATED"]
    assert (await ask(reader, "query($id: ID!) { node(id: $id) { id } }", id=made["id"])).ok() == {
        "id": made["id"]
    }
    assert (await ask(writer, "query($id: ID!) { node(id: $id) { id } }", id=made["id"])).ok() is None
    for document, input in (
        (CONNECT, WHOLE),
        (UPDATE, {"id": made["id"], "name": "x"}),
        (DELETE, {"id": made["id"]}),
    ):
        assert (await ask(reader, document, i=input)).codes == ["ACCESS_DENIED"]
    assert await read(ask, owner, made["id"]) == made
    deleted = "mutation($i: DeleteInput!) { channelDelete(input: $i) { deletedId userErrors { code } } }"
    assert (await ask(writer, deleted, i={"id": made["id"]})).ok()["deletedId"] == made["id"]
