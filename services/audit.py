"""The audit log: an entry for each transaction that changed something, written within it and only ever added."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Row as Record
from sqlalchemy import insert

from db.accounts import User
from db.audit import AuditEntry
from db.base import new_id, now
from db.clients import ServiceClient
from services.work import Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a transaction is asked for by: a mutation field of a request."""

    request_id: str
    action: str


async def run_audited(
    work: Work, origin: Origin, service: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any
) -> T:
    """Runs the service, and writes down who changed what; nothing where nothing was changed, or it was refused.

    An entry is about the row that the service gives back, else about the first that it changed.
    """
    result = await service(work, *args, **kwargs)
    subject = work.trail.first()
    if subject is None:
        return result
    if isinstance(result, Record) and work.knows(result):
        subject = (work.table_of(result), result.id)
    table: Any = subject[0]
    actor: Any = ServiceClient if work.viewer.is_service else User
    entry = {
        "id": new_id(),
        "workspace_id": work.viewer.workspace_id,
        "at": now(),
        "actor_table": actor.__tablename__,
        "actor_id": work.viewer.id,
        "request_id": origin.request_id,
        "action": origin.action,
        "subject_table": table.__tablename__,
        "subject_id": subject[1],
        "changed_fields": work.trail.fields(subject),
    }
    await work.execute(insert(AuditEntry).values(entry))
    return result
