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
    *[datetime(2026, 3, 29, 1, 30, 59, each, UTC) for each in MICROSECONDS],
    datetime.min.replace(tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(9999, 12, 30, 23, 59, 59, 999_999, UTC),
    datetime.max.replace(tzinfo=UTC),
]
ORDERED = [write_instant(at) for at in sorted(INSTANTS)]
MESSAGES = """query ($id: ID!) { chat(by: {id: $id}) {
  messages(first: 20) { edges { cursor node { id timestamp sender { id } } } } } }"""
ZONES = ("UTC", "Asia/Kolkata", "America/St_Johns")


@pytest.mark.parametrize("zone", ZONES)
async def test_instants_of_every_form(zone: str, database: Database, make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    for at in sorted(INSTANTS):
        message = await make.inbound(owner, customer, timestamp=at)
    # One connection for each way to read: what it is told stays with it.
    url = database.url.render_as_string(hide_password=False).replace("+asyncpg", "").replace("+aiosqlite", "")
    other = Database(url, pool_max=2)
    try:
        if database.dialect == "postgresql":
            await other.at_once("SELECT set_config('timezone', $1, false)", [zone])
        ask = Ask(replace(make.server, database=other))
        planned = plans.counters.planned
        found = (await ask(owner, MESSAGES, id=f"chat_{message.conversation_id.hex}")).ok()
        assert not plans.enabled or plans.counters.planned == planned + 1
    finally:
        await other.close()
    edges = found["messages"]["edges"]
    assert [edge["node"]["timestamp"] for edge in edges] == ORDERED
    assert {edge["node"]["sender"]["id"] for edge in edges} == {f"customer_{customer.id.hex}"}
