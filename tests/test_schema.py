"""The schema itself: described throughout, in step with its file, guarded where it should be."""

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
)

from db.base import Permission
from schema import schema
from schema.kit import access
from schema.kit.node import NODES
from schema.kit.resolvers import BACKREF, declaration_of
from schema.kit.walk import type_needs

GRAPH = schema._schema
PUBLIC_FIELDS = {"explain", "viewer", "register", "login", "tokenRefresh"}
SIGN_IN_ONLY = {
    "node",
    "nodes",
    "user",
    "users",
    "roles",
    "logout",
    "passwordChange",
    "sessionRevoke",
    "userUpdate",
    "eventCursor",
    "events",
}
"""Root fields of members that no permission guards: their services check what they touch."""


def own_types() -> list[Any]:
    return [
        t for t in GRAPH.type_map.values() if not is_introspection_type(t) and not is_specified_scalar_type(t)
    ]


def test_everything_is_described() -> None:
    silent: list[str] = []
    seen = 0
    for kind in own_types():
        parts = [(kind.name, kind)]
        if isinstance(kind, GraphQLEnumType):
            parts += [(f"{kind.name}.{n}", v) for n, v in kind.values.items()]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in kind.fields.items():
                parts.append((f"{kind.name}.{name}", field))
                parts += [(f"{kind.name}.{name}({a}:)", v) for a, v in getattr(field, "args", {}).items()]
        seen += len(parts)
        silent += [name for name, part in parts if not (part.description or "").strip()]
    for directive in GRAPH.directives:
        if not is_specified_directive(directive):
            silent += [] if directive.description else [f"@{directive.name}"]
    assert silent == []
    assert seen > 700


def test_the_committed_schema_is_in_step() -> None:
    committed = Path(__file__).parent.parent / "schema.graphql"
    assert committed.read_text() == schema.as_str() + "\n", "run make schema"


def test_custom_scalars_are_the_ones_we_know() -> None:
    scalars = {t.name for t in own_types() if isinstance(t, GraphQLScalarType)}
    assert scalars == {"DateTime", "Decimal", "CurrencyCode", "JSON", "URL", "EventCursor"}


def test_only_these_root_fields_are_public() -> None:
    public, signed_in, guarded = set(), set(), set()
    for root in (GRAPH.query_type, GRAPH.mutation_type, GRAPH.subscription_type):
        assert root is not None
        for name, field in root.fields.items():
            metadata = field.extensions[BACKREF].metadata
            if metadata.get(access.PUBLIC):
                public.add(name)
            elif metadata.get(access.NEEDS) or type_needs(get_named_type(field.type)):
                guarded.add(name)
            else:
                signed_in.add(name)
    assert public == PUBLIC_FIELDS
    assert signed_in == SIGN_IN_ONLY
    assert len(guarded) > 35


@pytest.mark.parametrize("permission", list(Permission))
def test_a_needed_permission_is_told_in_words_and_as_a_directive(permission: Permission) -> None:
    told = schema.as_str().count(f"@requires(permission: {permission})")
    described = schema.as_str().count(f"Needs {permission}.")
    assert described >= told
    unused_yet = {"METRICS_READ", "SYSTEM_READ", "SYSTEM_WRITE", "USERS_READ"}
    assert (told > 0) is (permission.value not in unused_yet)


def test_mutations_take_one_input_and_answer_with_a_nullable_payload() -> None:
    assert GRAPH.mutation_type is not None
    for name, field in GRAPH.mutation_type.fields.items():
        assert list(field.args) == ["input"], name
        assert not str(field.type).endswith("!"), name
        assert "userErrors" in field.type.fields, name
    assert len(GRAPH.mutation_type.fields) >= 31


SHOWN_ONCE = {
    "Mutation.passwordChange",
    "Mutation.serviceClientRotateSecret",
    "ServiceClientPayload.secret",
}
"""What changes a secret, and the answer to who has just made one."""


def test_secrets_have_no_field() -> None:
    words = ("password", "hash", "secret")
    for kind in own_types():
        if isinstance(kind, GraphQLObjectType):
            for name in kind.fields:
                shown = f"{kind.name}.{name}"
                assert not any(w in name.lower() for w in words) or shown in SHOWN_ONCE, shown
    channel = GRAPH.type_map["Channel"]
    assert isinstance(channel, GraphQLObjectType)
    assert {"accessToken", "refreshToken"}.isdisjoint(channel.fields)


def test_every_node_type_has_an_id_of_its_own_prefix() -> None:
    assert len(NODES) == 13
    for prefix, known in NODES.items():
        kind = GRAPH.type_map[known.name]
        assert isinstance(kind, GraphQLObjectType)
        assert declaration_of(kind.fields["id"]).prefix == prefix  # type: ignore[union-attr]
        assert "Node" in {i.name for i in kind.interfaces}
