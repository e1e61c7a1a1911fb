"""Numbers of a workspace, taken from a counter row in the transaction that uses them."""

from sqlalchemy import update

from db.base import now
from db.counters import Counter
from services.work import Work

CHATS = "chats"
ORDERS = "orders"
NAMES = (CHATS, ORDERS)


async def next_number(work: Work, name: str) -> int:
    """The next number: no holes, and in the order of commit, since the row stays locked until then."""
    mine = (Counter.workspace_id == work.viewer.workspace_id, Counter.name == name)
    taken = update(Counter).where(*mine).values(value=Counter.value + 1, updated_at=now())
    row = await work.one(taken.returning(Counter.value))
    assert row is not None, f"the workspace has no counter {name}"
    return int(row.value)
