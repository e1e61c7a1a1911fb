"""Service clients: programs of the workspace that sign their requests."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from db import clients as tables
from db.base import Permission
from schema.actors import Actor
from schema.kit import ids
from schema.kit.context import Info
from schema.kit.edges import computed, private, root_list
from schema.kit.errors import Payload, payload
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, given
from schema.kit.node import node, root
from schema.kit.roots import mutation
from schema.kit.scalars import URL
from schema.payloads import DeleteInput, DeletePayload, deleted
from schema.refs import ServiceClientRef
from services import clients as services

PREFIX = "client"
ClientId = Annotated[strawberry.ID, IdOf(PREFIX)]


def no_picture(_row: Any) -> None:
    """Programs have none."""


@node(tables.ServiceClient, PREFIX)
class ServiceClient(Actor):
    """A program of the workspace: adapter, bot, import. Signs its requests.

    Private fields are null but to itself and CLIENTS_WRITE.
    """

    version: int
    """Counts changes of the client itself, beginning at 1."""
    name: str
    """What it is called."""
    display_name: str = computed(lambda row: row.name, tables.ServiceClient.name)
    """Its name."""
    avatar_url: URL | None = computed(no_picture)
    """None, so far."""
    permissions: list[Permission] | None = private(tables.ServiceClient.permissions, Permission.CLIENTS_WRITE)
    """Private. What it may do."""
    allowed_hosts: list[str] | None = private(tables.ServiceClient.allowed_hosts, Permission.CLIENTS_WRITE)
    """Private. The hosts that it may ask; empty: any that the server answers for."""
    last_used_at: datetime | None = private(tables.ServiceClient.last_used_at, Permission.CLIENTS_WRITE)
    """Private. When it last asked something, to a minute."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it last changed."""
    deleted_at: datetime | None
    """When it was deleted."""


@root
class ClientQuery:
    service_clients: list[ServiceClientRef] = root_list(
        tables.ServiceClient,
        ("name", False),
        size=services.CLIENTS_MAX,
        needs=Permission.CLIENTS_WRITE,
    )
    """The service clients of the workspace, by name, at most 100."""


@described_input
class ServiceClientCreateInput:
    """A new service client."""

    name: str
    """What it is called."""
    permissions: list[Permission]
    """What it may do. Nobody gives more than it has."""
    allowed_hosts: list[str] | None
    """The hosts that it may ask, without port, *.example.org for all below; any, where absent or empty."""


@described_input
class ServiceClientRotateSecretInput:
    """A service client that gets another secret."""

    id: ClientId
    """Which client."""


@payload
class ServiceClientPayload(Payload):
    """A service client with its secret, or why not."""

    service_client: ServiceClientRef | None = None
    """The client as it is now."""
    key_id: str | None = None
    """What the client names in X-API-Key-Id: its id."""
    secret: str | None = None
    """What the client signs with. Shown this once."""


@strawberry.type
class ClientMutation:
    @mutation(Permission.CLIENTS_WRITE, repeatable=False)
    async def service_client_create(
        self, info: Info, input: ServiceClientCreateInput
    ) -> ServiceClientPayload | None:
        """Makes a service client, which may do no more than the viewer. What it makes is the viewer's."""
        vault = info.context.server.vault
        return _issued(await info.context.transact(services.create_client, vault, **given(input)))

    @mutation(Permission.CLIENTS_WRITE, repeatable=False)
    async def service_client_rotate_secret(
        self, info: Info, input: ServiceClientRotateSecretInput
    ) -> ServiceClientPayload | None:
        """Gives a client another secret. The one until now stays good until the next rotation; the one before ends within 5 s."""
        vault = info.context.server.vault
        return _issued(await info.context.transact(services.rotate_secret, vault, **given(input)))

    @mutation(Permission.CLIENTS_WRITE)
    async def service_client_delete(self, info: Info, input: DeleteInput) -> DeletePayload | None:
        """Deletes a client, whose requests are refused within 5 s; what it wrote keeps its name."""
        return await deleted(info, services.delete_client, PREFIX, input)


def _issued(issued: services.Issued) -> ServiceClientPayload:
    row: Any = issued.client
    return ServiceClientPayload(
        service_client=row,
        key_id=ids.encode(PREFIX, issued.client.id),
        secret=issued.secret,
    )
