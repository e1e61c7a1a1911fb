"""A transaction under a key: done once, whoever asks for it again is told how it ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row as Record
from sqlalchemy import delete, select, update

from db.base import Row, new_id, now
from db.engine import Database
from db.idempotency import Idempotency
from db.row_security import EVERYWHERE
from services.errors import FIXABLE, KeyReused, Problem
from services.transactions import Again
from services.work import UPSERTS, Work

KEPT: Final = timedelta(hours=24)
PRUNED_AT_ONCE_MAX: Final = 5_000
"""Rows that one statement takes away, so that none holds its locks for long."""
SCOPE: Final = ("user_id", "field", "key", "place")

Ref = tuple[str, str]
"""A row, by its table's name and its id."""


@dataclass(frozen=True, slots=True)
class Once:
    """What is done once: the transaction at this place of this field, for the viewer's key and these arguments."""

    field: str
    key: str
    arguments_hash: str
    place: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a transaction ended: with what its service gave back, or refused with what the caller can fix."""

    result: Any = None
    problem: Problem | None = None


async def run_once(
    work: Work, once: Once, service: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any
) -> Outcome:
    """Runs the service where the viewer's key is new; else gives back how it ended, with rows as they are today.

    A twin at the same moment waits here until the other has committed. KeyReused for other arguments.
    """
    id, moment = new_id(), now()
    row = {
        "id": id,
        "workspace_id": work.viewer.workspace_id,
        "user_id": work.viewer.id,
        "field": once.field,
        "key": once.key,
        "place": once.place,
        "arguments_hash": once.arguments_hash,
        "created_at": moment,
        "updated_at": moment,
    }
    claim = UPSERTS[work.connection.dialect.name](Idempotency).values(row)
    claimed = claim.on_conflict_do_nothing(index_elements=SCOPE).returning(Idempotency.id)
    if await work.one(claimed) is None:
        return await _as_it_ended(work, once)
    outcome = await _run(work, service, *args, **kwargs)
    kept = update(Idempotency).where(Idempotency.id == id)
    await work.execute(kept.values(outcome=_written(work, outcome)))
    return outcome


async def _run(work: Work, service: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Outcome:
    try:
        # What is refused is undone; that it was refused is kept.
        async with work.connection.begin_nested():
            return Outcome(await service(work, *args, **kwargs))
    except Problem as problem:
        if problem.code not in FIXABLE:
            raise
        work.forget()
        return Outcome(problem=problem)


async def _as_it_ended(work: Work, once: Once) -> Outcome:
    mine = (Idempotency.user_id == work.viewer.id, Idempotency.place == once.place)
    same = (Idempotency.field == once.field, Idempotency.key == once.key)
    known = await work.one(select(Idempotency.arguments_hash, Idempotency.outcome).where(*mine, *same))
    if known is None:  # its day is over, since a moment
        raise Again
    if known.arguments_hash != once.arguments_hash:
        raise KeyReused("You used this key for other arguments.")
    return await _read(work, known.outcome)


def _written(work: Work, outcome: Outcome) -> dict[str, Any]:
    if outcome.problem is None:
        return {"result": _ref(work, outcome.result)}
    problem = outcome.problem
    told = {"code": problem.code.value, "message": problem.message, "path": list(problem.path)}
    return {"problem": {**told, "current": _ref(work, problem.current)}}


def _ref(work: Work, result: Any) -> Any:
    if result is None or isinstance(result, int):
        return result
    assert isinstance(result, Record)
    table: Any = work.table_of(result)
    return [table.__tablename__, result.id.hex]


async def _read(work: Work, outcome: dict[str, Any]) -> Outcome:
    if "problem" not in outcome:
        return Outcome(await _again(work, outcome["result"]))
    told = outcome["problem"]
    kind = next(k for k in Problem.__subclasses__() if k.code == told["code"])
    current = await _again(work, told["current"])
    return Outcome(problem=kind(told["message"], *told["path"], current=current))


async def _again(work: Work, ref: Any) -> Any:
    """The row as it is today, deleted or not; None where it is out of sight."""
    if not isinstance(ref, list):
        return ref
    name, id = ref
    table: Any = next(m.class_ for m in Row.registry.mappers if m.class_.__tablename__ == name)
    return await work.find(table, table.id == UUID(hex=id), deleted=True)


async def prune(database: Database) -> None:
    """Forgets the keys whose day is over."""
    old = select(Idempotency.id).where(Idempotency.created_at < now() - KEPT).limit(PRUNED_AT_ONCE_MAX)
    while True:
        async with database.write(EVERYWHERE) as connection:
            done = await connection.execute(delete(Idempotency).where(Idempotency.id.in_(old)))
        if done.rowcount < PRUNED_AT_ONCE_MAX:
            return
