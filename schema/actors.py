"""Whoever writes: what members, customers and service clients have in common."""

import strawberry

from schema.kit.node import Node
from schema.kit.scalars import URL


@strawberry.interface(
    description="Whoever writes: a member, a customer, a service client; assistants join later."
)
class Actor(Node):
    display_name: str = strawberry.field(description="What to call it.")
    avatar_url: URL | None = strawberry.field(description="Its picture.")
