"""Every root field against every permission, subscriptions as well: who is refused, and that nobody else is."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from db.base import Permission, Viewer
from schema import schema
from schema.kit import access
from schema.kit.resolvers import BACKREF
from schema.kit.walk import type_needs
from services.roles import ADMINISTRATOR, AGENT
from tests.ask import Ask
from tests.make import Make

PUBLIC = {"viewer", "explain", "register", "login", "tokenRefresh"}
SIGNED_IN = {
    "eventCursor",
    "node",
    "nodes",
    "user",
    "users",
    "roles",
    "logout",
    "passwordChange",
    "sessionRevoke",
    "userUpdate",
}
READ = {"channel": "CHANNELS", "customer": "CUSTOMERS", "product": "PRODUCTS", "order": "ORDERS"}
READ |= {"chat": "CHATS", "message": "CHATS", "conversation": "CHATS"}
OF_THEIR_OWN = {
    "auditLog": Permission.AUDIT_READ,
    "workspaceUpdate": Permission.WORKSPACE_WRITE,
    "userCreate": Permission.USERS_WRITE,
    "userDelete": Permission.USERS_WRITE,
    "roleSet": Permission.ROLES_WRITE,
    "roleDelete": Permission.ROLES_WRITE,
    "serviceClients": Permission.CLIENTS_WRITE,
    "serviceClientCreate": Permission.CLIENTS_WRITE,
    "serviceClientRotateSecret": Permission.CLIENTS_WRITE,
    "serviceClientDelete": Permission.CLIENTS_WRITE,
    "chatAssign": Permission.CHATS_ASSIGN,
    "conversationMarkRead": Permission.CHATS_READ,
    "presenceSet": Permission.CHATS_READ,
    "messageSend": Permission.MESSAGES_SEND,
    "messageEdit": Permission.MESSAGES_SEND,
    "messageDelete": Permission.MESSAGES_SEND,
    "messageReceive": Permission.MESSAGES_RECEIVE,
}
GRAPH = schema._schema
LITERALS = {
    "Int": "1",
    "Float": "1.5",
    "Boolean": "true",
    "Decimal": '"1.00"',
    "CurrencyCode": '"USD"',
    "JSON": "{}",
}
LITERALS |= {"DateTime": '"2026-01-31T09:30:00Z"', "URL": '"https://example.com/"'}


def root_fields() -> dict[str, tuple[str, GraphQLField]]:
    """Every field of Query and Mutation with its operation."""
    assert GRAPH.query_type is not None
    assert GRAPH.mutation_type is not None
    roots = (("query", GRAPH.query_type), ("mutation", GRAPH.mutation_type))
    return {name: (kind, field) for kind, root in roots for name, field in root.fields.items()}


FIELDS = root_fields()
FOLLOWED = {"messageAdded": Permission.CHATS_READ, "presenceChanged": Permission.CHATS_READ, "events": None}
"""The fields of Subscription. `events` tells each member what it has the permission for."""
FOLLOW = {
    "messageAdded": 'subscription { messageAdded(conversationId: "x") { id } }',
    "presenceChanged": 'subscription { presenceChanged(conversationId: "x") { id } }',
    "events": 'subscription { events(after: "x") { __typename } }',
}
"""Each with an argument that leads to nothing, so that it ends by itself where it is let in."""
FIELDS_MIN = 55


def expected(name: str) -> Permission | None:
    """The permission that the rules ask for: READ of the type for queries, WRITE for mutations, and a few of their own."""
    if name in PUBLIC | SIGNED_IN:
        return None
    if name in OF_THEIR_OWN:
        return OF_THEIR_OWN[name]
    noun = next(n for n in READ if name.startswith(n))
    return Permission(f"{READ[noun]}_{'READ' if FIELDS[name][0] == 'query' else 'WRITE'}")


def literal(kind: Any) -> str:
    """A value of an input type that is right in its form and means nothing."""
    if isinstance(kind, GraphQLNonNull):
        return literal(kind.of_type)
    if isinstance(kind, GraphQLList):
        return "[]"
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        fields = {n: f for n, f in kind.fields.items() if is_required_input_field(f)}
        if kind.is_one_of:
            fields = dict([next(iter(kind.fields.items()))])
        return "{" + ", ".join(f"{n}: {literal(f.type)}" for n, f in fields.items()) + "}"
    return LITERALS.get(kind.name, '"x"')


def document(name: str) -> str:
    """The shortest operation that selects the field."""
    kind, field = FIELDS[name]
    given = [f"{n}: {literal(a.type)}" for n, a in field.args.items() if is_required_argument(a)]
    arguments = f"({', '.join(given)})" if given else ""
    selection = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    return f"{kind} {{ {name}{arguments}{selection} }}"


async def followed(ask: Ask, viewer: Viewer | None, name: str) -> str:
    """The code with which following ends that leads to nothing."""
    async with ask.follow(viewer, FOLLOW[name]) as answers:
        answer = await anext(answers)
    assert answer.data is None
    (code,) = answer.codes
    return code


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


@pytest.mark.parametrize("name", FIELDS)
def test_a_root_field_is_marked_as_the_rules_say(name: str) -> None:
    field = FIELDS[name][1]
    metadata = field.extensions[BACKREF].metadata
    marked = metadata.get(access.NEEDS) or type_needs(get_named_type(field.type))
    assert marked == expected(name)
    assert bool(metadata.get(access.PUBLIC)) is (name in PUBLIC)


@pytest.mark.parametrize("name", FIELDS)
async def test_nobody_gets_in_but_by_the_public_doors(ask: Ask, name: str) -> None:
    answer = await ask(None, document(name))
    if name in PUBLIC:
        assert "UNAUTHENTICATED" not in answer.codes
        assert answer.data is not None
    else:
        assert (answer.data, answer.codes) == (None, ["UNAUTHENTICATED"])


@pytest.mark.parametrize("name", FIELDS)
async def test_an_agent_is_refused_exactly_what_its_role_lacks(ask: Ask, owner: Viewer, name: str) -> None:
    agent = replace(owner, permissions=AGENT, is_administrator=False)
    needed = expected(name)
    answer = await ask(agent, document(name))
    if needed is None or needed in AGENT:
        assert "ACCESS_DENIED" not in answer.codes
        assert "INTERNAL" not in answer.codes
        assert answer.data is not None
    else:
        assert (answer.data, answer.codes) == (None, ["ACCESS_DENIED"])


@pytest.mark.parametrize("permission", sorted(ADMINISTRATOR))
async def test_each_permission_opens_its_fields_and_no_others(
    ask: Ask, owner: Viewer, permission: Permission
) -> None:
    lacking = replace(owner, permissions=ADMINISTRATOR - {permission}, is_administrator=False)
    only = replace(owner, permissions=frozenset({permission}), is_administrator=False)
    refused = {n for n in FIELDS if (await ask(lacking, document(n))).data is None}
    assert refused == {n for n in FIELDS if expected(n) is permission}
    opened = {n for n in FIELDS if (await ask(only, document(n))).data is not None}
    assert opened == {n for n in FIELDS if expected(n) in (None, permission)}


# --- subscriptions --------------------------------------------------------------------------------------------


def test_every_field_is_counted() -> None:
    assert len(FIELDS) >= FIELDS_MIN
    assert GRAPH.subscription_type is not None
    assert set(FOLLOWED) == set(FOLLOW) == set(GRAPH.subscription_type.fields)


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_subscription_is_marked_as_the_rules_say(name: str) -> None:
    assert GRAPH.subscription_type is not None
    field = GRAPH.subscription_type.fields[name]
    metadata = field.extensions[BACKREF].metadata
    marked = metadata.get(access.NEEDS) or type_needs(get_named_type(field.type))
    assert (marked, bool(metadata.get(access.PUBLIC))) == (FOLLOWED[name], False)


@pytest.mark.parametrize("name", FOLLOWED)
async def test_a_subscription_lets_in_who_has_its_permission_and_nobody_else(
    ask: Ask, owner: Viewer, name: str
) -> None:
    assert await followed(ask, None, name) == "UNAUTHENTICATED"
    needed = FOLLOWED[name]
    inside = {"NOT_FOUND", "VALIDATION_ERROR"}
    for permission in sorted(ADMINISTRATOR):
        only = replace(owner, permissions=frozenset({permission}), is_administrator=False)
        lacking = replace(owner, permissions=ADMINISTRATOR - {permission}, is_administrator=False)
        opens, closes = await followed(ask, only, name), await followed(ask, lacking, name)
        assert (opens in inside) is (needed in (None, permission)), (permission, opens)
        assert (closes == "ACCESS_DENIED") is (needed is permission), (permission, closes)
        assert {opens, closes} <= inside | {"ACCESS_DENIED"}


# --- who may do everything ------------------------------------------------------------------------------------


async def test_a_superuser_is_refused_nothing(ask: Ask, owner: Viewer) -> None:
    superuser = replace(owner, permissions=frozenset(), is_administrator=False, is_superuser=True)
    powerless = replace(superuser, is_superuser=False)
    opened = {n for n in FIELDS if "ACCESS_DENIED" not in (await ask(superuser, document(n))).codes}
    assert opened == set(FIELDS)
    assert {n for n in FIELDS if (await ask(powerless, document(n))).data is not None} == PUBLIC | SIGNED_IN
    for name in FOLLOWED:
        assert await followed(ask, superuser, name) in ("NOT_FOUND", "VALIDATION_ERROR")
