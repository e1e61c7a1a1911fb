"""What PostgreSQL's driver gives as text is answered like any other value, in whatever time zone the connection is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db.engine import Database
from schema.kit.execution.plans import plans
from schema.kit.scalars import write_instant
from tests.ask import Ask
from tests.make import Make

MICROSECONDS = (0, 1, 120, 123_456, 500_000, 999_999)
INSTANTS = [
    datetime.min.replace(tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    *[datetime(2026, 3, 29, 1, 30, 59, each, UTC) for each in MICROSECONDS],
    datetime(9999, 12, 30, 23, 59, 59, 999_999, UTC),
    datetime.max.replace(tzinfo=UTC),
]
"""In order."""
CHATS = """query ($first: Int, $after: String) {
  chats(first: $first, after: $after, sort: [{field: LAST_MESSAGE_AT, direction: ASC}]) {
    nodes { id lastMessageAt customer { id } messages(first: 1) { nodes { timestamp } } }
    pageInfo { endCursor hasNextPage } } }"""
ZONES = ("UTC", "Asia/Kolkata", "America/St_Johns")


@pytest.mark.parametrize("zone", ZONES)
async def test_instants_of_every_form(zone: str, database: Database, make: Make) -> None:
    owner = await make.owner()
    customers = [await make.customer(owner) for _ in INSTANTS]
    chats = [
        (await make.inbound(owner, customer, timestamp=at)).conversation_id
        for customer, at in zip(customers, INSTANTS, strict=True)
    ]
    url = database.url.render_as_string(hide_password=False).replace("+asyncpg", "").replace("+aiosqlite", "")
    # One connection for each way to read: what it is told stays with it.
    other = Database(url, pool_max=2)
    try:
        if database.dialect == "postgresql":
            await other.at_once("SELECT set_config('timezone', $1, false)", [zone])
        ask = Ask(replace(make.server, database=other))
        surprised = plans.counters.surprised
        whole = (await ask(owner, CHATS, first=len(INSTANTS))).ok()["nodes"]
        one_by_one, after = [], None
        for _ in INSTANTS:
            page = (await ask(owner, CHATS, first=1, after=after)).ok()
            one_by_one += page["nodes"]
            after = page["pageInfo"]["endCursor"]
        assert not page["pageInfo"]["hasNextPage"]
        assert plans.counters.surprised == surprised
    finally:
        await other.close()
    assert (
        whole
        == one_by_one
        == [
            {
                "id": f"chat_{chat.hex}",
                "lastMessageAt": write_instant(at),
                "customer": {"id": f"customer_{customer.id.hex}"},
                "messages": {"nodes": [{"timestamp": write_instant(at)}]},
            }
            for chat, customer, at in zip(chats, customers, INSTANTS, strict=True)
        ]
    )
