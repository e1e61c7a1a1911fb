"""Marks on types and fields: the permission each needs, and which root fields need no sign-in."""

from enum import Enum
from typing import Any

import strawberry
from strawberry.schema_directive import Location

from db.base import Permission
from schema.kit.docs import attribute_docs, class_doc

PUBLIC = "public"
NEEDS = "needs"


def described_enum(cls: Any) -> Any:
    """An enum of the tables as an enum of the graph, every value with the description written under it."""
    docs = attribute_docs(cls)
    made = strawberry.enum(cls, description=class_doc(cls))
    definition = made.__strawberry_definition__
    for value in definition.values:
        value.description = docs.get(value.name)
    return made


PermissionEnum = described_enum(Permission)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="requires",
    description="Permission a caller needs to select this; a document without it is refused whole."
    " Repeated in the description: introspection shows no applied directives.",
)
class Requires:
    permission: Permission = strawberry.directive_field(name="permission")


def with_need(description: str | None, permission: Permission | None) -> str | None:
    """The description, and the permission in words."""
    if permission is None:
        return description
    return f"{description or ''}\n\nNeeds {permission.value}.".strip()


def marks(permission: Permission | None) -> list[object]:
    """The directives that a permission puts on a field or type."""
    return [] if permission is None else [Requires(permission=permission)]


def is_enum(value: object) -> bool:
    """Whether a value is a member of an enum."""
    return isinstance(value, Enum)
