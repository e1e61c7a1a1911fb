"""What deletions of all areas take and answer."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from schema.kit import ids
from schema.kit.context import Info
from schema.kit.errors import Payload, payload
from schema.kit.inputs import described_input, given
from services.errors import Problem


@described_input
class DeleteInput:
    """What to delete."""

    id: strawberry.ID
    """Which one."""
    expected_version: int | None
    """Refuse with STALE_VERSION where it is no longer at this version."""


@payload
class DeletePayload(Payload):
    """That it is deleted, or why not."""

    deleted_id: strawberry.ID | None = None
    """The id that was deleted."""


async def deleted(
    info: Info, service: Callable[..., Awaitable[Any]], prefix: str, input: DeleteInput
) -> DeletePayload:
    """Runs a deletion and answers with the id."""
    values = given(input) | {"id": ids.decode(prefix, input.id, "id")}
    try:
        await info.context.transact(service, **values)
    except Problem as problem:
        # The payload has no place for the row as it is: it would be told as the id of what was deleted.
        problem.current = None
        raise
    return DeletePayload(deleted_id=input.id)
