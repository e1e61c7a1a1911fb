"""Marks on types and fields: the permission each needs, and which root fields need no sign-in."""

from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.schema_directive import Location

from db.base import Permission
from schema.kit.docs import attribute_docs, class_doc

PUBLIC = "public"
NEEDS = "needs"
E = TypeVar("E", bound=type[Enum])


def publish_enum(cls: E) -> E:
    """Publishes an enum, every value with the description written under it."""
    docs = attribute_docs(cls)
    strawberry.enum(cls, description=class_doc(cls))
    for value in cls.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = docs.get(value.name)
    return cls


publish_enum(Permission)


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
