"""`node` and `nodes`: anything again by its id."""

import asyncio
from typing import Annotated

import strawberry

from schema.kit import ids
from schema.kit.context import Context, Info
from schema.kit.node import EDGES_BY_ID, NODES, Node
from schema.kit.roots import query
from services.errors import Invalid

NODES_MAX = 100


@strawberry.type(description="")
class NodeQuery:
    @query()
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Any id.")]
    ) -> Node | None:
        """Anything by its id, deleted or not; null where it is out of sight."""
        return await find_node(info.context, id)

    @query()
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")],
    ) -> list[Node | None]:
        """Anything by its ids, in their order; null where one is out of sight."""
        if len(ids) > NODES_MAX:
            raise Invalid(f"At most {NODES_MAX}.", "ids")
        return list(await asyncio.gather(*[find_node(info.context, id) for id in ids]))


async def find_node(context: Context, id: str) -> Node | None:
    """The row of an id, as its type; None for another workspace's, a missing permission, or no id at all."""
    prefix, key = ids.split(id)
    known = NODES.get(prefix)
    if known is None or key is None or (known.needs and not context.viewer.can(known.needs)):
        return None
    return await context.load.one(EDGES_BY_ID[prefix], (key,))  # type: ignore[return-value]
