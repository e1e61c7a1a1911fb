"""A workspace with many rows of every type, each with children of its own: what edges are walked over."""

from dataclasses import dataclass, field
from typing import Any

from db.base import Permission, Viewer
from db.conversations import ChatStatus
from schema.kit.ids import encode
from services.chats import assign_chat, update_chat
from services.customers import update_customer
from services.products import update_product
from tests.make import Make

SIZE = 50
SUBJECT_KINDS = 3
"""How many types of rows the entries of the audit log are about."""


@dataclass
class World:
    """The viewer who sees it all, and the ids of the rows of each node type by its name."""

    viewer: Viewer
    ids: dict[str, list[str]] = field(default_factory=dict)

    def add(self, type_name: str, prefix: str, row_id: Any) -> None:
        """Notes a row."""
        self.ids.setdefault(type_name, []).append(encode(prefix, row_id))


async def build(make: Make, size: int = SIZE) -> World:
    """`size` rows of each type, no two with the same neighbours."""
    owner = await make.owner()
    world = World(owner)
    world.add("Workspace", "workspace", owner.workspace_id)
    for _ in range(size):
        await _add_one_of_each(make, world)
    return world


async def _add_one_of_each(make: Make, world: World) -> None:
    everything = [p for p in Permission if world.viewer.can(p)]
    member = await make.member(world.viewer, *everything)
    channel = await make.channel(member)
    customer = await make.customer(member, channel)
    products = [await make.product(member), await make.product(member)]
    chat = await make.chat(member, customer)
    await make.run(member, assign_chat, chat.id, assignee_id=member.id)
    received = await make.inbound(member, customer)
    sent = await make.outbound(member, chat, reply_to_id=received.id)
    client, _ = await make.client(member, Permission.MESSAGES_SEND)
    if len(world.ids.get("Message", ())) % 3 == 0:
        sent = await make.outbound(client, chat, reply_to_id=received.id)
    order = await make.order(member, customer, [(p, 2) for p in products], chat_id=chat.id)
    changed: list[tuple[Any, Any, dict[str, Any]]] = [
        (update_product, products[0], {"is_available": False}),
        (update_customer, customer, {"full_name": "Bea"}),
        (update_chat, chat, {"status": ChatStatus.PENDING}),
    ]
    service, row, values = changed[len(world.ids.get("Chat", ())) % SUBJECT_KINDS]
    world.ids.setdefault("AuditEntry", []).append(
        await make.entry(member, "change", service, row.id, **values)
    )
    for name, prefix, id in (
        ("User", "user", member.id),
        ("ServiceClient", "client", client.id),
        ("Session", "session", member.session_id),
        ("Channel", "channel", channel.id),
        ("Customer", "customer", customer.id),
        ("Product", "product", products[0].id),
        ("Chat", "chat", chat.id),
        ("Message", "message", received.id if len(world.ids.get("Message", ())) % 2 else sent.id),
        ("Order", "order", order.id),
    ):
        world.add(name, prefix, id)
