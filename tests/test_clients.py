"""Service clients: made with no more than their maker has, given other secrets, deleted, and never shown a secret again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.base import Permission, Viewer, new_id, now
from db.clients import ClientNonce, ServiceClient
from schema.kit.ids import decode, encode
from services import clients
from services.clients import Signer, find_signer, is_allowed_host, prune_nonces, take_nonce
from services.server import Server
from tests.ask import Ask
from tests.auth import ERRORS, change_row, count_all, kept
from tests.make import Make

CREATE = f"""
mutation($input: ServiceClientCreateInput!) {{ serviceClientCreate(input: $input) {{
  keyId secret serviceClient {{ id name displayName avatarUrl permissions allowedHosts lastUsedAt version }} {ERRORS} }} }}
"""
ROTATE = f"""
mutation($id: ID!) {{ serviceClientRotateSecret(input: {{id: $id}}) {{
  keyId secret serviceClient {{ id version }} {ERRORS} }} }}
"""
DELETE = f"mutation($id: ID!) {{ serviceClientDelete(input: {{id: $id}}) {{ deletedId {ERRORS} }} }}"
CLIENTS = "{ serviceClients { id name permissions allowedHosts lastUsedAt } }"
NODE = """query($id: ID!) { node(id: $id) { ... on ServiceClient {
  name displayName permissions allowedHosts lastUsedAt deletedAt } } }"""


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


async def signer_of(server: Server, client_id: Any) -> Signer:
    found = await find_signer(server.database, server.vault, client_id)
    assert found is not None
    return found


async def test_a_client_is_made_and_its_secret_is_shown_once(ask: Ask, server: Server, owner: Viewer) -> None:
    input = {
        "name": "Shop adapter",
        "permissions": ["ORDERS_WRITE", "CHATS_READ", "CHATS_READ"],
        "allowedHosts": ["API.example.org", "*.example.net", "[::1]", "api.example.org"],
    }
    made = (await ask(owner, CREATE, input=input)).ok()
    seen = made["serviceClient"]
    assert made["keyId"] == seen["id"]
    assert len(made["secret"]) >= 43
    assert seen["displayName"] == seen["name"] == "Shop adapter"
    assert seen["permissions"] == ["CHATS_READ", "ORDERS_WRITE"]
    assert seen["allowedHosts"] == ["api.example.org", "*.example.net", "[::1]"]
    assert (seen["avatarUrl"], seen["lastUsedAt"], seen["version"]) == (None, None, 1)
    (listed,) = (await ask(owner, CLIENTS)).ok()
    assert listed["id"] == seen["id"]
    id = decode("client", seen["id"])
    row = await kept(server, ServiceClient, id)
    assert made["secret"] not in str(tuple(row))
    signer = await signer_of(server, id)
    assert signer.secrets == (made["secret"],)
    assert signer.viewer.permissions == {Permission.CHATS_READ, Permission.ORDERS_WRITE}
    assert (signer.viewer.is_service, signer.viewer.member_id) == (True, owner.id)


async def test_nobody_gives_a_client_more_than_it_has(ask: Ask, make: Make, owner: Viewer) -> None:
    member = await make.member(owner, Permission.CLIENTS_WRITE, Permission.CHATS_READ)
    wide = {"name": "Bot", "permissions": ["CHATS_READ", "ORDERS_READ"]}
    refused = await ask(member, CREATE, input=wide)
    assert refused.codes == ["ACCESS_DENIED"]
    assert await make.count(owner, ServiceClient) == 0
    assert (await ask(member, CREATE, input=wide | {"permissions": ["CHATS_READ"]})).ok()["secret"]


async def test_nobody_takes_over_a_client_that_may_do_more(
    ask: Ask, make: Make, server: Server, owner: Viewer
) -> None:
    member = await make.member(owner, Permission.CLIENTS_WRITE)
    client, secret = await make.client(owner, Permission.CHATS_READ)
    id = encode("client", client.id)
    for document in (ROTATE, DELETE):
        assert (await ask(member, document, id=id)).codes == ["ACCESS_DENIED"]
    assert (await signer_of(server, client.id)).secrets == (secret,)
    assert (await ask(owner, ROTATE, id=id)).ok()["secret"] != secret
    assert (await ask(owner, DELETE, id=id)).ok() == {"deletedId": id, "userErrors": []}


async def test_two_secrets_are_good_and_the_oldest_ends_with_the_next(
    ask: Ask, make: Make, server: Server, owner: Viewer
) -> None:
    client, first = await make.client(owner, Permission.CHATS_READ)
    id = encode("client", client.id)
    rotated = (await ask(owner, ROTATE, id=id)).ok()
    assert (rotated["keyId"], rotated["serviceClient"]["version"]) == (id, 2)
    second = rotated["secret"]
    assert (await signer_of(server, client.id)).secrets == (second, first)
    third = (await ask(owner, ROTATE, id=id)).ok()["secret"]
    assert (await signer_of(server, client.id)).secrets == (third, second)


async def test_a_deleted_client_keeps_its_name_and_nothing_else(
    ask: Ask, make: Make, server: Server, owner: Viewer
) -> None:
    client, _ = await make.client(owner, Permission.CHATS_READ, name="Bot", allowed_hosts=["a.example"])
    id = encode("client", client.id)
    await ask(owner, ROTATE, id=id)
    (await ask(owner, DELETE, id=id)).ok()
    assert await find_signer(server.database, server.vault, client.id) is None
    row = await kept(server, ServiceClient, client.id)
    assert (row.secret, row.previous_secret, row.permissions, row.allowed_hosts) == (None, None, [], [])
    assert (await ask(owner, CLIENTS)).ok() == []
    seen = (await ask(owner, NODE, id=id)).ok()
    assert seen["displayName"] == "Bot"
    assert seen["deletedAt"]
    for document in (ROTATE, DELETE):
        assert (await ask(owner, document, id=id)).codes == ["NOT_FOUND"]


async def test_what_a_client_may_do_is_private(ask: Ask, make: Make, owner: Viewer) -> None:
    client, _ = await make.client(owner, Permission.CHATS_READ, allowed_hosts=["a.example"])
    id = encode("client", client.id)
    member = await make.member(owner, Permission.CHATS_READ)
    stranger = (await ask(member, NODE, id=id)).ok()
    assert stranger["name"]
    assert [stranger[name] for name in ("permissions", "allowedHosts", "lastUsedAt")] == [None] * 3
    for allowed in (owner, client):
        seen = (await ask(allowed, NODE, id=id)).ok()
        assert (seen["permissions"], seen["allowedHosts"]) == (["CHATS_READ"], ["a.example"])
    assert (await ask(member, CLIENTS)).codes == ["ACCESS_DENIED"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": " "}, ["input", "name"]),
        ({"name": "x" * 101}, ["input", "name"]),
        ({"allowedHosts": ["fine.example", "https://a.example"]}, ["input", "allowedHosts", "1"]),
        ({"allowedHosts": ["a.example:80"]}, ["input", "allowedHosts", "0"]),
        ({"allowedHosts": ["*"]}, ["input", "allowedHosts", "0"]),
        ({"allowedHosts": ["a.*.example"]}, ["input", "allowedHosts", "0"]),
        ({"allowedHosts": ["a.example"] * 101}, ["input", "allowedHosts"]),
    ],
)
async def test_a_client_that_breaks_a_rule_is_not_made(
    ask: Ask, make: Make, owner: Viewer, change: dict[str, Any], path: list[str]
) -> None:
    fine = {"name": "Bot", "permissions": []}
    answer = await ask(owner, CREATE, input=fine | change)
    assert [(e["code"], e["path"]) for e in answer.user_errors] == [("VALIDATION_ERROR", path)]
    assert await make.count(owner, ServiceClient) == 0
    assert (await ask(owner, CREATE, input=fine)).ok()["secret"]


async def test_a_workspace_has_so_many_clients_and_no_more(
    ask: Ask, make: Make, owner: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "CLIENTS_MAX", 2)
    made = [await make.client(owner, name=f"Bot {n}") for n in range(2)]
    fine = {"name": "Bot", "permissions": []}
    assert (await ask(owner, CREATE, input=fine)).codes == ["VALIDATION_ERROR"]
    (await ask(owner, DELETE, id=encode("client", made[0][0].id))).ok()
    assert (await ask(owner, CREATE, input=fine)).ok()["secret"]


@pytest.mark.parametrize("name", ["serviceClientCreate", "serviceClientRotateSecret"])
async def test_what_gives_a_secret_has_no_key(ask: Ask, make: Make, owner: Viewer, name: str) -> None:
    client, _ = await make.client(owner)
    input = (
        '{name: "Bot", permissions: []}' if "Create" in name else f'{{id: "{encode("client", client.id)}"}}'
    )
    document = "mutation {{ {0}(input: {1}) {2} {{ secret }} }}"
    refused = await ask(owner, document.format(name, input, '@idempotent(key: "k")'))
    assert refused.codes == ["VALIDATION_ERROR"]
    assert (await ask(owner, document.format(name, input, ""))).ok()["secret"]


@pytest.mark.parametrize(
    ("allowed", "host", "expected"),
    [
        ((), "anything.example", True),
        (("api.example.org",), "api.example.org", True),
        (("api.example.org",), "API.Example.org", True),
        (("api.example.org",), "example.org", False),
        (("api.example.org",), "api.example.org.evil.example", False),
        (("*.example.org",), "a.example.org", True),
        (("*.example.org",), "a.b.example.org", True),
        (("*.example.org",), "example.org", False),
        (("*.example.org",), "evilexample.org", False),
        (("other.example", "[::1]"), "[::1]", True),
        (("api.example.org",), "", False),
    ],
)
def test_a_host_is_allowed_by_its_name_or_by_what_is_above(
    allowed: tuple[str, ...], host: str, expected: bool
) -> None:
    assert is_allowed_host(allowed, host) is expected


async def test_a_nonce_is_taken_once_by_each_client(make: Make, server: Server, owner: Viewer) -> None:
    signers = [await signer_of(server, (await make.client(owner))[0].id) for _ in range(2)]
    nonce = f"nonce-{new_id().hex}"
    assert await take_nonce(server.database, signers[0], nonce)
    assert not await take_nonce(server.database, signers[0], nonce)
    assert await take_nonce(server.database, signers[1], nonce)
    assert await take_nonce(server.database, signers[0], nonce + "x")


async def test_nonces_are_forgotten_when_no_signature_with_them_is_good(
    make: Make, server: Server, owner: Viewer
) -> None:
    signer = await signer_of(server, (await make.client(owner))[0].id)
    for nonce in ("an-old-nonce-of-many", "a-young-nonce-of-few"):
        assert await take_nonce(server.database, signer, nonce)
    await age_nonce(server, signer, "an-old-nonce-of-many", clients.NONCE_KEPT)
    await prune_nonces(server.database)
    assert await count_all(server, ClientNonce, ClientNonce.client_id == signer.viewer.id) == 1
    assert not await take_nonce(server.database, signer, "a-young-nonce-of-few")


async def age_nonce(server: Server, signer: Signer, nonce: str, age: timedelta) -> None:
    mine = (ClientNonce.client_id == signer.viewer.id, ClientNonce.nonce == nonce)
    async with server.database.write() as connection:
        await connection.execute(
            ClientNonce.__table__.update().where(*mine).values(created_at=now() - age - timedelta(seconds=1))  # type: ignore[attr-defined]
        )


async def test_that_a_client_was_here_is_noted_once_a_minute(
    make: Make, server: Server, owner: Viewer
) -> None:
    id = (await make.client(owner))[0].id

    async def noted() -> Any:
        await take_nonce(server.database, await signer_of(server, id), f"nonce-{new_id().hex}")
        return (await kept(server, ServiceClient, id)).last_used_at

    first = await noted()
    assert first is not None
    assert await noted() == first
    await change_row(server, ServiceClient, id, last_used_at=now() - clients.USE_NOTED)
    assert await noted() >= first
    rows = await server.database.fetch(select(ServiceClient.version).where(ServiceClient.id == id))
    assert rows[0].version == 1
