"""Makes what tests need, the way the product does: through the services, in a workspace of its own."""

import secrets
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, select

from db.audit import AuditEntry
from db.base import Permission, Row, Viewer
from db.channels import PlatformType
from db.sessions import Session
from schema.kit.ids import encode
from services import (
    accounts,
    channels,
    chats,
    clients,
    customers,
    messages,
    orders,
    products,
    roles,
    sessions,
)
from services.audit import Origin, run_audited
from services.money import Money
from services.server import Server
from services.transactions import transact
from services.work import Work

PASSWORD = "correct horse battery"


@cache
def password_hash() -> str:
    """One cheap hash for every member: Argon2id costs a tenth of a second at its real strength."""
    return PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(PASSWORD)


class Make:
    """Rows with defaults; what matters to a test is given by name."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def run(
        self, viewer: Viewer | None, service: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """Runs any service as the viewer, in a transaction; as nobody in one that sees every workspace."""

        async def run(work: Work) -> Any:
            if viewer is None:
                await work.see_everywhere()
            return await service(work, *args, **kwargs)

        return await transact(self.server.database, self.server.hub, viewer, run)

    async def entry(self, viewer: Viewer, action: str, service: Any, *args: Any, **kwargs: Any) -> str:
        """Runs a service as a field of the mutation does; the typed id of what the audit log says of it."""
        await self.run(viewer, run_audited, Origin("request", action), service, *args, **kwargs)
        mine = select(AuditEntry.id).where(AuditEntry.workspace_id == viewer.workspace_id)
        rows = await self.server.database.fetch(mine.order_by(AuditEntry.id.desc()).limit(1))
        return encode("audit", rows[0].id)

    async def owner(self, **values: Any) -> Viewer:
        """The administrator of a new workspace."""
        name = values.pop("username", None) or f"owner-{secrets.token_hex(6)}"
        email = values.pop("email", None) or f"{name}@example.com"
        signed_in = await self.run(
            None,
            sessions.sign_up,
            self.server.tokens,
            username=name,
            email=email,
            hashed_password=password_hash(),
            **values,
        )
        viewer: Viewer = signed_in.viewer
        return viewer

    async def member(
        self, owner: Viewer, *permissions: Permission, role_ids: list[UUID] | None = None, **values: Any
    ) -> Viewer:
        """A colleague with just these permissions; an Agent where none are given."""
        if permissions:
            role = await self.run(owner, roles.set_role, f"role-{secrets.token_hex(6)}", list(permissions))
            role_ids = [role.id]
        name = values.pop("username", None) or f"member-{secrets.token_hex(6)}"
        email = values.pop("email", None) or f"{name}@example.com"
        values.setdefault("is_active", True)
        user = await self.run(
            owner, accounts.create_user, name, email, password_hash(), role_ids=role_ids, **values
        )
        return await self.sign_in(user.id)

    async def deactivate(self, owner: Viewer, member: Viewer) -> None:
        """The member may no longer sign in."""
        await self.run(owner, accounts.update_user, member.id, is_active=False)

    async def sign_in(self, user_id: UUID) -> Viewer:
        """A session of the member."""
        signed_in = await self.run(None, sessions.begin_session, self.server.tokens, user_id)
        viewer: Viewer = signed_in.viewer
        return viewer

    async def client(self, owner: Viewer, *permissions: Permission, **values: Any) -> tuple[Viewer, str]:
        """A service client with just these permissions, and its secret."""
        name = values.pop("name", None) or f"client-{secrets.token_hex(6)}"
        vault = self.server.vault
        issued = await self.run(owner, clients.create_client, vault, name, list(permissions), **values)
        signer = await clients.find_signer(self.server.database, vault, issued.client.id)
        assert signer is not None
        return signer.viewer, issued.secret

    async def channel(self, viewer: Viewer, **values: Any) -> Any:
        """A channel of the viewer's."""
        values.setdefault("platform_type", PlatformType.WHATSAPP)
        values.setdefault("name", "Shop")
        return await self.run(viewer, channels.connect_channel, self.server.vault, **values)

    async def customer(self, viewer: Viewer, channel: Any = None, **values: Any) -> Any:
        """A customer, on a channel of its own unless one is given."""
        channel = channel or await self.channel(viewer)
        values.setdefault("full_name", "Ana")
        platform_id = values.pop("platform_customer_id", None) or secrets.token_hex(6)
        return await self.run(viewer, customers.upsert_customer, channel.id, platform_id, **values)

    async def product(
        self, viewer: Viewer, price: str = "10.00", currency: str = "USD", **values: Any
    ) -> Any:
        """A product of the viewer's."""
        values.setdefault("is_available", True)
        name = values.pop("name", None) or f"Product {secrets.token_hex(4)}"
        return await self.run(
            viewer, products.create_product, name, Money(Decimal(price), currency), **values
        )

    async def order(
        self, viewer: Viewer, customer: Any = None, items: list[tuple[Any, int]] | None = None, **values: Any
    ) -> Any:
        """An order of one product, unless customer and items are given."""
        customer = customer or await self.customer(viewer)
        items = items or [(await self.product(viewer), 1)]
        lines = [{"product_id": product.id, "quantity": quantity} for product, quantity in items]
        return await self.run(viewer, orders.create_order, customer.id, lines, **values)

    async def chat(self, viewer: Viewer, customer: Any = None, **values: Any) -> Any:
        """An open chat."""
        customer = customer or await self.customer(viewer)
        return await self.run(viewer, chats.open_chat, customer.id, **values)

    async def inbound(self, viewer: Viewer, customer: Any, content: str = "Hello?", **values: Any) -> Any:
        """A message from the customer."""
        values.setdefault("platform_message_id", secrets.token_hex(8))
        return await self.run(
            viewer,
            messages.receive_message,
            customer.channel_id,
            customer.platform_customer_id,
            content=content,
            **values,
        )

    async def outbound(self, viewer: Viewer, chat: Any, content: str = "Hi!", **values: Any) -> Any:
        """A message from the viewer."""
        return await self.run(viewer, messages.send_message, chat.id, content, **values)

    async def count(self, viewer: Viewer, table: type[Row], *conditions: Any) -> int:
        """How many rows of the table the workspace has, deleted ones included."""
        owned = getattr(table, "workspace_id") == viewer.workspace_id  # noqa: B009
        rows = await self.server.database.fetch(
            select(func.count()).select_from(table).where(owned, *conditions)
        )
        return int(rows[0][0])

    async def session_of(self, viewer: Viewer) -> Any:
        """The viewer's session as it is kept."""
        rows = await self.server.database.fetch(
            select(*Session.__table__.columns).where(Session.id == viewer.session_id)
        )
        return rows[0]
