"""Deletion: gone for who looks, there for who points at it, and nothing personal left."""

from typing import Any

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType, get_named_type, is_leaf_type
from sqlalchemy import select

from db.base import Deletable
from schema import schema
from schema.kit.edges import AnyNode, AnyOne, Many, One
from schema.kit.ids import split
from schema.kit.node import NODES
from schema.kit.resolvers import declaration_of
from services.server import Server
from tests import tenant as tenants
from tests.ask import Ask
from tests.make import Make
from tests.tenant import Tenant, mutation_document, snapshot, value_at

GRAPH = schema._schema
TYPES = {n.name: n for n in NODES.values() if issubclass(n.table, Deletable)}
KEPT = {"Channel": {"name"}, "Product": {"name", "description"}, "Message": {"platformMessageId"}}
"""What stays: the business's own names for things, and keys that are taken for ever."""
KEPT |= {"Order": {"platformOrderId"}, "ServiceClient": {"name", "displayName"}}
UNREACHABLE = {("Session", "user")}
"""A deleted member's sessions are really gone: nothing is left to point from."""
LETS_GO = {("Chat", "assignee")}
"""A chat without its agent waits for another."""


NOBODYS_CUSTOMER = ("Customer", "AuditEntry", "actor")
"""A customer signs in nowhere: it is no actor of the audit log."""
STARTS = {"Viewer", "ChangeEvent", "Presence"}
"""What leads to rows and is none: never a parent that could be deleted."""


def edges_to(name: str) -> list[tuple[str, str, bool]]:
    """Every edge that leads to one row of the type: the type and field it starts from, and whether it is never null."""
    described: Any = GRAPH.type_map[name]
    leading = {name, *(interface.name for interface in described.interfaces)} - {"Node"}
    return [
        (kind.name, field, isinstance(leads.type, GraphQLNonNull))
        for kind in GRAPH.type_map.values()
        if isinstance(kind, GraphQLObjectType) and kind.name not in STARTS
        for field, leads in kind.fields.items()
        if (name, kind.name, field) != NOBODYS_CUSTOMER
        and isinstance(declaration_of(leads), One | AnyOne | AnyNode)
        and get_named_type(leads.type).name in leading
    ]


def lists_of(name: str) -> list[tuple[str, str]]:
    """Every paged list of rows of the type: whose it is, and its field."""
    return [
        (kind.name, field)
        for kind in GRAPH.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for field, described in kind.fields.items()
        if isinstance(declared := declaration_of(described), Many)
        and declared.listing.table is TYPES[name].table
    ]


def values_of(name: str) -> str:
    """A selection of everything that a row of the type tells of itself."""
    fields = tenants.fields_of(name)
    plain = [f for f, field in fields.items() if is_leaf_type(get_named_type(field.type))]
    address = "{ name company line1 line2 city region postalCode countryCode phone }"
    embedded = [
        f"{f} {address}" for f, field in fields.items() if get_named_type(field.type).name == "Address"
    ]
    return " ".join([*plain, *embedded])


EDGES = [(name, *edge) for name in TYPES for edge in edges_to(name)]
LISTS = [(name, *listed) for name in TYPES for listed in lists_of(name)]
KEYED = {name for name, kind in TYPES.items() if kind.prefix in tenants.fields_of("Query")}
SAMPLE = tenants.sample().inputs()
DELETED = [
    (mutation, path, prefix)
    for mutation, path in tenants.mutation_leaves("ID")
    if (prefix := split(value_at(SAMPLE[mutation], path))[0]) in {kind.prefix for kind in TYPES.values()}
]


async def delete(ask: Ask, tenant: Tenant, prefix: str) -> None:
    name = "serviceClientDelete" if prefix == "client" else f"{prefix}Delete"
    told = "" if prefix == "message" else "deletedId"
    answer = await ask(tenant.owner, mutation_document(name, told), input={"id": tenant.ids[prefix]})
    assert answer.ok().get("deletedId", tenant.ids[prefix]) == tenant.ids[prefix]


async def look(ask: Ask, tenant: Tenant, prefix: str) -> Any:
    kind = NODES[prefix].name
    document = f"query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {values_of(kind)} }} }} }}"
    return (await ask(tenant.owner, document, id=tenant.ids[prefix])).ok()


@pytest.fixture
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


@pytest.mark.parametrize("name", sorted(TYPES))
async def test_nothing_personal_is_left(name: str, ask: Ask, make: Make, ours: Tenant) -> None:
    prefix, table = TYPES[name].prefix, TYPES[name].table
    before = await look(ask, ours, prefix)
    assert ours.mark in str(before) or name == "Product"
    assert before["deletedAt"] is None
    await delete(ask, ours, prefix)
    after = await look(ask, ours, prefix)
    assert after["deletedAt"] is not None
    assert after["id"] == before["id"]
    assert after["version"] == before["version"] + 1
    assert ours.mark not in str({f: v for f, v in after.items() if f not in KEPT.get(name, ())})
    stored = table.__table__.columns
    kept = ("name", "platform_message_id", "platform_order_id")
    columns = [c for c in stored if c.name not in kept]
    raw = await make.server.database.fetch(
        select(*columns).where(stored.id == tenants.uuid_of(ours.ids[prefix]))
    )
    assert ours.mark not in str(raw)
    assert "v1:" not in str(raw), "a sealed token is left"


@pytest.mark.parametrize(
    ("name", "start", "field", "never_null"), EDGES, ids=[f"{e[1]}.{e[2]}→{e[0]}" for e in EDGES]
)
async def test_an_edge_still_leads_to_what_was_deleted(
    name: str, start: str, field: str, never_null: bool, ask: Ask, ours: Tenant
) -> None:
    prefix = TYPES[name].prefix
    parents = {"Message": "sent", "OrderItem": "item", "AuditEntry": "audit"}
    parent = {"id": ours.ids[parents.get(start, start.lower())]}
    if (start, field) in {("Message", "sender"), ("Message", "replyTo")} and name == "Customer":
        parent = {"id": ours.ids["message"]}
    if (start, name) == ("AuditEntry", "ServiceClient"):
        parent = {"id": ours.ids["audit_by_client"]}
    if (start, field, name) == ("Message", "sender", "ServiceClient"):
        parent = {"id": ours.ids["by_client"]}
    document = f"""query($id: ID!) {{ node(id: $id) {{ ... on {start} {{
        edge: {field} {{ ... on {name} {{ id deletedAt {values_of(name)} }} }} }} }} }}"""
    if field == "lastMessage":
        prefix = "message"
        ours.ids["message"] = ours.ids["sent"]
    before = (await ask(ours.owner, document, **parent)).ok()["edge"]
    assert before["id"] == ours.ids[prefix]
    await delete(ask, ours, prefix)
    answer = await ask(ours.owner, document, **parent)
    if (start, field) in UNREACHABLE:
        assert answer.ok() is None
        return
    after = answer.ok()["edge"]
    if (start, field) in LETS_GO:
        assert after is None
        assert not never_null
        return
    assert after["id"] == before["id"]
    assert after["deletedAt"] is not None
    assert ours.mark not in str({f: v for f, v in after.items() if f not in KEPT.get(name, ())})


@pytest.mark.parametrize(("name", "start", "field"), LISTS, ids=[f"{s}.{f}" for _, s, f in LISTS])
async def test_a_list_and_its_count_leave_out_what_was_deleted(
    name: str, start: str, field: str, ask: Ask, ours: Tenant
) -> None:
    listing = f"{field}(first: 100) {{ nodes {{ id }} edges {{ node {{ id }} }} totalCount }}"
    parent = {} if start == "Query" else {"id": ours.ids[start.lower()]}
    document = f"query($id: ID!) {{ node(id: $id) {{ ... on {start} {{ {listing} }} }} }}"

    async def listed() -> tuple[set[str], int]:
        answer = (await ask(ours.owner, document if parent else f"{{ {listing} }}", **parent)).ok()
        page = answer[field] if parent else answer
        assert [e["node"] for e in page["edges"]] == page["nodes"]
        return {row["id"] for row in page["nodes"]}, page["totalCount"]

    before, count = await listed()
    gone = ours.ids[TYPES[name].prefix]
    assert gone in before
    await delete(ask, ours, TYPES[name].prefix)
    assert await listed() == (before - {gone}, count - 1)


@pytest.mark.parametrize("name", sorted(KEYED))
async def test_no_key_finds_what_was_deleted(name: str, ask: Ask, ours: Tenant) -> None:
    prefix = TYPES[name].prefix
    keys = ours.keys()[prefix]
    kind = tenants.key_type(prefix).name
    document = f"query($by: {kind}!) {{ {prefix}(by: $by) {{ id }} }}"
    for key, value in keys.items():
        assert (await ask(ours.owner, document, by={key: value})).ok() == {"id": ours.ids[prefix]}
    await delete(ask, ours, prefix)
    for key, value in keys.items():
        assert (await ask(ours.owner, document, by={key: value})).ok() is None


@pytest.mark.parametrize(("mutation", "path", "prefix"), DELETED, ids=[f"{m}.{p[0]}" for m, p, _ in DELETED])
async def test_an_input_does_not_find_what_was_deleted(
    mutation: str, path: tenants.Path, prefix: str, ask: Ask, make: Make, ours: Tenant
) -> None:
    input = ours.inputs()[mutation]
    ours.ids[prefix] = value_at(input, path)
    await delete(ask, ours, prefix)
    before = await snapshot(make, ours)
    answer = await ask(ours.owner, mutation_document(mutation), input=input)
    assert answer.codes == ["NOT_FOUND"]
    assert answer.user_errors[0]["path"] == tenants.spelled(path)
    assert await snapshot(make, ours) == before


def test_every_edge_and_list_was_walked() -> None:
    assert set(TYPES) == {"User", "Channel", "Customer", "Product", "Order", "Chat", "Message"} | {
        "ServiceClient"
    }
    assert set(TYPES) - KEYED == {"ServiceClient"}
    never_null = [(start, field) for _, start, field, always in EDGES if always]
    assert (len(EDGES), len(never_null), len(LISTS), len(DELETED)) == (22, 12, 18, 34)
