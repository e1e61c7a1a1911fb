"""How much may be asked: what a document would cost, and what the viewer has left."""

from typing import Annotated, Any

import strawberry

from db.base import Permission
from schema.kit import admission
from schema.kit.context import Context, Info
from schema.kit.node import described_type
from schema.kit.roots import query
from schema.kit.scalars import JSON
from services.errors import Invalid, Unauthenticated

LOOKING = 5
"""What it costs to look at a document: a few milliseconds of a processor."""


@described_type
class RateLimit:
    """What the viewer can spend: each operation takes its cost, and what it did not use is given back."""

    maximum: int
    """What can be spent at once."""
    available: int
    """What can be spent now."""
    restore_per_second: int
    """What comes back each second."""


@described_type
class OperationCost:
    """What an operation would cost the viewer."""

    cost: int
    """Its cost."""
    depth: int
    """How many fields lie below each other; the edges and nodes of a list do not count."""
    fits: bool
    """Whether it is within what one operation of the viewer may ask for."""
    missing_permissions: list[Permission]
    """What it takes, and the viewer has not."""


@strawberry.type
class LimitQuery:
    @query(public=True, weight=LOOKING)
    async def explain(
        self,
        info: Info,
        document: Annotated[str, strawberry.argument(description="The text of the document.")],
        operation_name: Annotated[
            str | None, strawberry.argument(description="Which of its operations, where it has several.")
        ] = strawberry.UNSET,
        variables: Annotated[
            JSON | None, strawberry.argument(description="An object: page sizes are looked up in it.")
        ] = strawberry.UNSET,
    ) -> OperationCost | None:
        """What a document would cost the viewer, without running it. Takes a sign-in where introspection does."""
        if info.context.server.guards_schema and info.context.asking is None:
            # What a field costs and needs tells that it is there.
            raise Unauthenticated("Sign in first.")
        name = operation_name if isinstance(operation_name, str) else None
        given: Any = None if variables is strawberry.UNSET else variables
        if given is not None and not isinstance(given, dict):
            raise Invalid("It has to be an object.", "variables")
        graph: Any = info.schema
        try:
            found = admission.explain(graph.documents, info.context, admission.Asked(document, given, name))
        except admission.Refused as refused:
            raise Invalid(refused.errors[0].message, "document") from refused
        return OperationCost(
            cost=found.cost, depth=found.depth, fits=found.fits, missing_permissions=found.missing
        )


def rate_limit(context: Context) -> RateLimit:
    """What the viewer has left."""
    limits = context.server.limits
    left = limits.left(context.payer, limits.level_of(context.asking))
    return RateLimit(
        maximum=left.maximum, available=left.available, restore_per_second=left.restore_per_second
    )
