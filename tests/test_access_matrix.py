"""Every root field against every permission: who is refused, and that nobody else is."""

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

PUBLIC = {"viewer", "register", "login", "tokenRefresh"}
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
