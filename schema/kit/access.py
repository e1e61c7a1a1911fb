"""Marks on types and fields: the permission each needs, and which root fields need no sign-in."""

import strawberry
from strawberry.schema_directive import Location

from db.base import Permission
from schema.kit.docs import publish_enum

PUBLIC = "public"
NEEDS = "needs"


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
