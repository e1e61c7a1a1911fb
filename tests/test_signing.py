"""From a signature to a viewer: by the clock of the server, with the secrets that a client has now, while it is there."""

import secrets
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from structlog.testing import capture_logs

from db.base import Permission, Viewer
from db.clients import ServiceClient
from examples.sign import Signature
from graph.identity import TRUSTED_SECONDS, Identity
from schema.kit.ids import encode
from services import security
from services.clients import delete_client, rotate_secret
from services.errors import Unauthenticated
from services.server import Server
from tests.auth import change_row
from tests.make import Make
from tests.test_identity import Clock

NOW = 1_800_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(server: Server, clock: Clock) -> Identity:
    return Identity(server, clock=clock)


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


def sent(client: Viewer, secret: str, *, body: bytes = b"{}") -> Request:
    """A request signed by the example, as the server gets it."""
    url = "http://api.example.org:8443/graphql?a=%20b"
    request = httpx.Request("POST", url, content=body, headers={"Content-Type": "application/json"})
    signed = next(Signature(encode("client", client.id), secret).auth_flow(request))
    path, _, query = signed.url.raw_path.partition(b"?")
    scope = {"type": "http", "method": "POST", "raw_path": path, "query_string": query}
    scope["headers"] = [(name.lower(), value) for name, value in signed.headers.raw]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    return Request(scope, receive)


async def who(identity: Identity, request: Request) -> Viewer:
    """The viewer of a request."""
    bearer = await identity.of_request(request)
    assert bearer is not None
    return bearer.viewer


async def test_a_signed_request_becomes_the_viewer_of_its_client(
    make: Make, identity: Identity, owner: Viewer
) -> None:
    client, secret = await make.client(owner, Permission.CHATS_READ)
    assert await who(identity, sent(client, secret)) == client
    with pytest.raises(Unauthenticated):
        await who(identity, sent(client, secrets.token_urlsafe(32)))


@pytest.mark.parametrize(("seconds", "good"), [(-301, False), (-300, True), (300, True), (301, False)])
async def test_a_signature_is_good_for_five_minutes_either_way(
    make: Make,
    identity: Identity,
    owner: Viewer,
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
    good: bool,
) -> None:
    client, secret = await make.client(owner)
    monkeypatch.setattr("examples.sign.time.time", lambda: NOW)
    request = sent(client, secret)
    monkeypatch.setattr("graph.signing.time.time", lambda: NOW + seconds)
    if good:
        assert await who(identity, request) == client
    else:
        with pytest.raises(Unauthenticated):
            await who(identity, request)


async def test_a_new_secret_is_good_at_once_and_the_oldest_ends_within_the_trusted_seconds(
    make: Make, server: Server, identity: Identity, owner: Viewer, clock: Clock
) -> None:
    client, first = await make.client(owner)
    assert await who(identity, sent(client, first)) == client
    second = (await make.run(owner, rotate_secret, server.vault, client.id)).secret
    assert await who(identity, sent(client, second)) == client
    assert await who(identity, sent(client, first)) == client
    third = (await make.run(owner, rotate_secret, server.vault, client.id)).secret
    clock.seconds += TRUSTED_SECONDS
    for secret in (third, second):
        assert await who(identity, sent(client, secret)) == client
    with pytest.raises(Unauthenticated):
        await who(identity, sent(client, first))


async def test_a_deleted_client_stops_within_the_trusted_seconds(
    make: Make, identity: Identity, owner: Viewer, clock: Clock
) -> None:
    client, secret = await make.client(owner)
    other, other_secret = await make.client(owner)
    seen = [await who(identity, sent(c, s)) for c, s in ((client, secret), (other, other_secret))]
    await make.run(owner, delete_client, client.id)
    clock.seconds += TRUSTED_SECONDS
    for ended in (who(identity, sent(client, secret)), identity.again(seen[0])):
        with pytest.raises(Unauthenticated):
            await ended
    assert await who(identity, sent(other, other_secret)) == other
    assert await identity.again(seen[1]) == other


async def test_what_a_client_may_do_follows_its_row(
    make: Make, server: Server, identity: Identity, owner: Viewer, clock: Clock
) -> None:
    client, secret = await make.client(owner, Permission.CHATS_READ)
    assert await who(identity, sent(client, secret)) == client
    await change_row(server, ServiceClient, client.id, permissions=["ORDERS_READ", "NO_LONGER_KNOWN"])
    clock.seconds += TRUSTED_SECONDS
    seen = await who(identity, sent(client, secret))
    assert seen is not None
    assert seen.permissions == {Permission.ORDERS_READ}
    assert await identity.again(client) == seen


async def test_a_signature_that_is_refused_is_noted_with_its_client(
    make: Make, identity: Identity, owner: Viewer
) -> None:
    client, secret = await make.client(owner, Permission.CHATS_READ)
    with capture_logs() as lines:
        assert await who(identity, sent(client, secret)) == client
    assert lines == []
    with capture_logs() as lines, pytest.raises(Unauthenticated):
        await who(identity, sent(client, secrets.token_urlsafe(32)))
    (line,) = lines
    assert (line["event"], line["client_id"]) == (security.SIGNATURE_REFUSED, str(client.id))
    assert line["reason"] == "The signature is not valid."
