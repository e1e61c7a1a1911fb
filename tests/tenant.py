"""A workspace with a row of every kind, tied to each other, and for every mutation an input that it takes."""

import copy
import secrets
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull, get_named_type
from sqlalchemy import Table, select

from db.base import Permission, Row, Viewer
from schema import schema
from schema.kit.ids import encode, split
from schema.kit.node import NODES
from services.chats import assign_chat
from services.messages import edit_message
from services.products import update_product
from services.roles import set_role
from services.sessions import begin_session
from tests.make import PASSWORD, Make

GRAPH = schema._schema
Path = tuple[str | int, ...]
Snapshot = dict[str, list[Any]]


@dataclass
class Tenant:
    """Typed ids by kind, the rows themselves, and a mark that everything personal in them carries."""

    owner: Viewer
    mark: str
    ids: dict[str, str]
    rows: dict[str, Any]
    refresh_token: str

    def inputs(self) -> dict[str, dict[str, Any]]:
        """A valid input for every mutation, with every id that it can take."""
        return copy.deepcopy({**_of_accounts(self), **_of_commerce(self), **_of_conversations(self)})

    def keys(self) -> dict[str, dict[str, Any]]:
        """Every key that finds a row of this workspace, by root field."""
        on_channel = lambda id: {"channelId": self.ids["channel"], "platformId": id}  # noqa: E731
        mark, ids, rows = self.mark, self.ids, self.rows
        number = {name: rows[name].number for name in ("order", "chat")}
        return {
            "user": {"id": ids["user"], "username": f"member-{mark}", "email": f"member-{mark}@example.com"},
            "channel": {
                "id": ids["channel"],
                "platform": {"platformType": "WHATSAPP", "platformSpecificId": f"phone-{mark}"},
            },
            "customer": {"id": ids["customer"], "platform": on_channel(f"customer-{mark}")},
            "product": {"id": ids["product"], "sku": f"sku-{mark}", "shortId": f"short-{mark}"},
            "order": {"id": ids["order"], "number": number["order"], "platform": on_channel(f"order-{mark}")},
            "chat": {"id": ids["chat"], "number": number["chat"], "platform": on_channel(f"chat-{mark}")},
            "message": {"id": ids["message"], "platform": on_channel(f"received-{mark}")},
        }


def sample() -> Tenant:
    """The shape of a tenant, for what is worked out before there is a database: its ids lead nowhere."""
    nowhere = UUID(int=0)
    ids = {name: encode(name, nowhere) for name in NODES}
    ids |= {"sent": ids["message"], "newcomer": ids["customer"]}
    return Tenant(Viewer(nowhere, nowhere, nowhere), "", ids, {}, "")


async def build(make: Make) -> Tenant:
    """A new workspace. Its rows belong to a member, so that the owner is left when the member is deleted."""
    mark = secrets.token_hex(6)
    owner = await make.owner()
    role = await make.run(owner, set_role, f"role-{mark}", [p for p in Permission if owner.can(p)])
    member = await make.member(
        owner, role_ids=[role.id], username=f"member-{mark}", full_name=f"Name {mark}", bio=f"Bio {mark}"
    )
    person = {"full_name": f"Ana {mark}", "email": f"ana-{mark}@example.com", "phone": f"+49 {mark}"}
    channel = await make.channel(
        member,
        platform_specific_id=f"phone-{mark}",
        access_token=f"token-{mark}",
        refresh_token=f"refresh-{mark}",
        scopes=[f"scope-{mark}"],
        metadata={"note": mark},
    )
    customer = await make.customer(
        member, channel, platform_customer_id=f"customer-{mark}", metadata={"note": mark}, **person
    )
    other = await make.customer(member, channel)
    product = await make.product(member, sku=f"sku-{mark}", short_id=f"short-{mark}")
    # A first chat and order, so that the numbers of the second are not the other workspace's only ones.
    await make.order(member, other, [(product, 1)], chat_id=(await make.chat(member, other)).id)
    chat = await make.chat(member, customer, platform_chat_id=f"chat-{mark}")
    await make.run(member, assign_chat, chat.id, assignee_id=member.id)
    received = await make.inbound(
        member, customer, f"Words {mark}", platform_message_id=f"received-{mark}", metadata={"note": mark}
    )
    client, _ = await make.client(owner, Permission.CHATS_READ, name=f"client-{mark}")
    by_client = await make.outbound(client, chat, f"Automatic answer {mark}")
    sent = await make.outbound(member, chat, f"Answer {mark}", reply_to_id=received.id)
    address = {"name": f"Ana {mark}", "city": "Bonn"}
    order = await make.order(
        member,
        customer,
        [(product, 2)],
        chat_id=chat.id,
        platform_order_id=f"order-{mark}",
        shipping_address=address,
        billing_address=address,
    )
    rows = {"channel": channel, "customer": customer, "product": product, "chat": chat, "order": order}
    rows |= {"message": received, "sent": sent}
    ids = {name: encode("message" if name == "sent" else name, row.id) for name, row in rows.items()}
    ids |= {"user": encode("user", member.id), "session": encode("session", member.session_id)}
    ids |= {"role": encode("role", role.id), "workspace": encode("workspace", owner.workspace_id)}
    # A customer without a chat: chatOpen looks at its assignee only where it opens one.
    ids["newcomer"] = encode("customer", (await make.customer(member, channel)).id)
    ids |= {"client": encode("client", client.id), "by_client": encode("message", by_client.id)}
    ids["item"] = await _item_of(make, order)
    again = f"Automatic answer {mark}, once more"
    ids["audit_by_client"] = await make.entry(client, "messageEdit", edit_message, by_client.id, again)
    ids["audit"] = await make.entry(member, "productUpdate", update_product, product.id, is_available=False)
    signed_in = await make.run(None, begin_session, make.server.tokens, owner.id)
    return Tenant(owner, mark, ids, rows, signed_in.refresh_token)


async def _item_of(make: Make, order: Any) -> str:
    items: Table = Row.metadata.tables["order_items"]
    rows = await make.server.database.fetch(select(items.c.id).where(items.c.order_id == order.id))
    return encode("item", rows[0].id)


def _of_accounts(tenant: Tenant) -> dict[str, dict[str, Any]]:
    fresh, ids = secrets.token_hex(6), tenant.ids
    name = {"username": f"new-{fresh}", "email": f"new-{fresh}@example.com"}
    return {
        "register": {**name, "password": PASSWORD},
        "login": {"username": f"member-{tenant.mark}", "password": PASSWORD},
        "tokenRefresh": {"refreshToken": tenant.refresh_token},
        "logout": {"allSessions": False},
        "passwordChange": {"currentPassword": PASSWORD, "newPassword": "another long password"},
        "sessionRevoke": {"id": ids["session"]},
        "workspaceUpdate": {"name": "Corner shop", "timeZone": "Europe/Berlin"},
        "userCreate": {**name, "fullName": "Ben", "bio": "New here", "roleIds": [ids["role"]]},
        "userUpdate": {"id": ids["user"], "fullName": "Ben", "roleIds": [ids["role"]]},
        "userDelete": {"id": ids["user"]},
        "roleSet": {"id": ids["role"], "name": f"set-{fresh}", "permissions": ["CHATS_READ"]},
        "roleDelete": {"id": ids["role"]},
        "serviceClientCreate": {
            "name": f"new-{fresh}",
            "permissions": ["CHATS_READ"],
            "allowedHosts": ["api.example.org"],
        },
        "serviceClientRotateSecret": {"id": ids["client"]},
        "serviceClientDelete": {"id": ids["client"]},
    }


def _of_commerce(tenant: Tenant) -> dict[str, dict[str, Any]]:
    fresh, ids = secrets.token_hex(6), tenant.ids
    address = {"name": "Ana", "line1": "Main street 1"}
    price = {"amount": "5.00", "currency": "USD"}
    person = {"fullName": "Bea", "email": "bea@example.com", "phone": "+49", "metadata": {"a": 1}}
    return {
        "channelConnect": {
            "platformType": "SMS",
            "platformSpecificId": f"new-{fresh}",
            "name": "Shop",
            "accessToken": "a",
            "refreshToken": "r",
            "scopes": ["read"],
            "metadata": {"a": 1},
        },
        "channelUpdate": {"id": ids["channel"], "name": "Renamed", "scopes": ["read"], "metadata": {"a": 1}},
        "channelDelete": {"id": ids["channel"]},
        "customerUpsert": {"channelId": ids["channel"], "platformCustomerId": f"new-{fresh}", **person},
        "customerUpdate": {"id": ids["customer"], **person},
        "customerDelete": {"id": ids["customer"]},
        "productCreate": {"name": "Tea", "price": price, "sku": f"new-{fresh}", "description": "Green"},
        "productUpdate": {"id": ids["product"], "name": "Tea", "price": price, "description": "Green"},
        "productDelete": {"id": ids["product"]},
        "orderCreate": {
            "customerId": ids["customer"],
            "channelId": ids["channel"],
            "sellerId": ids["user"],
            "chatId": ids["chat"],
            "platformOrderId": f"new-{fresh}",
            "items": [{"productId": ids["product"], "quantity": 1, "priceAtPurchase": price}],
            "total": price,
            "shippingAddress": address,
        },
        "orderUpdate": {"id": ids["order"], "sellerId": ids["user"], "billingAddress": address},
        "orderTransition": {"id": ids["order"], "to": "PROCESSING"},
        "ordersTransition": {"ids": [ids["order"]], "to": "PROCESSING"},
        "orderDelete": {"id": ids["order"]},
    }


def _of_conversations(tenant: Tenant) -> dict[str, dict[str, Any]]:
    fresh, ids = secrets.token_hex(6), tenant.ids
    return {
        "chatOpen": {"customerId": ids["newcomer"], "assigneeId": ids["user"]},
        "chatUpdate": {"id": ids["chat"], "status": "PENDING", "platformChatId": f"new-{fresh}"},
        "chatAssign": {"id": ids["chat"], "assigneeId": ids["user"]},
        "chatDelete": {"id": ids["chat"]},
        "conversationMarkRead": {"id": ids["chat"]},
        "presenceSet": {"conversationId": ids["chat"]},
        "messageSend": {
            "conversationId": ids["chat"],
            "content": "Hi",
            "replyToId": ids["message"],
            "clientKey": fresh,
        },
        "messageReceive": {
            "channelId": ids["channel"],
            "platformCustomerId": f"new-{fresh}",
            "platformMessageId": f"new-{fresh}",
            "content": "Hello",
        },
        "messageEdit": {"id": ids["sent"], "content": "Edited"},
        "messageDelete": {"id": ids["sent"]},
    }


async def snapshot(make: Make, *tenants: Tenant) -> Snapshot:
    """Every stored row of the workspaces, tokens and all: two are equal when nothing happened between."""
    owners = [t.owner.workspace_id for t in tenants]
    kept: Snapshot = {}
    for name, table in Row.metadata.tables.items():
        mine = table.c.get("workspace_id", table.c.id if name == "workspaces" else None)
        if mine is not None:
            rows = await make.server.database.fetch(select(table).where(mine.in_(owners)))
            kept[name] = sorted([tuple(row) for row in rows], key=str)
    return kept


def mutation_document(name: str, selection: str = "") -> str:
    """The document of a mutation that takes `$input`."""
    assert GRAPH.mutation_type is not None
    kind = GRAPH.mutation_type.fields[name].args["input"].type
    errors = "userErrors { code message path }"
    return f"mutation($input: {kind}) {{ {name}(input: $input) {{ __typename {selection} {errors} }} }}"


def leaves(kind: Any, wanted: str, at: Path = ()) -> list[Path]:
    """Where an input type takes values of a scalar, in the first element of a list."""
    if isinstance(kind, GraphQLNonNull):
        return leaves(kind.of_type, wanted, at)
    if isinstance(kind, GraphQLList):
        return leaves(kind.of_type, wanted, (*at, 0))
    if isinstance(kind, GraphQLInputObjectType):
        return [p for name, field in kind.fields.items() for p in leaves(field.type, wanted, (*at, name))]
    return [at] if get_named_type(kind).name == wanted else []


def mutation_leaves(wanted: str) -> list[tuple[str, Path]]:
    """Every place of every mutation's input that takes a value of the scalar."""
    assert GRAPH.mutation_type is not None
    fields = GRAPH.mutation_type.fields
    return [(name, path) for name in fields for path in leaves(fields[name].args["input"].type, wanted)]


def value_at(input: Any, path: Path) -> Any:
    """What an input holds there; KeyError where it holds nothing."""
    for step in path:
        input = input[step]
    return input


def with_value(input: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The input with another value there; what lies on the way is made where it is absent."""
    changed = copy.deepcopy(input)
    place: Any = changed
    for step, following in pairwise(path):
        if isinstance(step, str) and step not in place:
            place[step] = [{}] if following == 0 else {}
        place = place[step]
    if path[-1] == 0:
        place[:] = [value]
    else:
        place[path[-1]] = value
    return changed


def fields_of(name: str) -> dict[str, Any]:
    """The fields of a type or input type of the schema, by name."""
    kind: Any = GRAPH.type_map[name]
    return dict(kind.fields)


def key_type(name: str) -> GraphQLInputObjectType:
    """What the `by` argument of a root field takes."""
    assert GRAPH.query_type is not None
    kind = get_named_type(GRAPH.query_type.fields[name].args["by"].type)
    assert isinstance(kind, GraphQLInputObjectType)
    return kind


def spelled(path: Path) -> list[str]:
    """A path as userErrors tell it."""
    return ["input", *map(str, path)]


def uuid_of(id: str) -> UUID:
    """The UUID of a typed id."""
    found = split(id)[1]
    assert found is not None, id
    return found
