"""Plans: what they share between operations that run at the same time is nothing that either of them can tell."""

import asyncio
import gc
import linecache
from typing import Any

import pytest
from graphql.execution.values import VariableValues

from db.base import Viewer
from db.engine import Database
from schema.kit.context import Context
from schema.kit.execution.plans import plans
from schema.kit.execution.run import Run
from schema.kit.execution.scopes import compiled
from tests import world
from tests.ask import Answer, Ask
from tests.explaining import plan, seen_statements
from tests.make import Make
from tests.statements import StatementCounter

CHATS = """
query Chats($first: Int, $last: Int, $with: Boolean!) {
  viewer { user { id displayName } }
  chats(first: $first, last: $last) {
    totalCount
    nodes {
      id customer { id displayName orders(first: 2) { nodes { id items { id product { name } } } } }
      messages(last: 2) @include(if: $with) { nodes { id sequence sender { id displayName } } }
    }
  }
}
"""
AT_ONCE = 8


@pytest.fixture(autouse=True)
def planned() -> None:
    """These are about plans."""
    if not plans.enabled:
        pytest.skip("needs plans")


async def test_a_plan_that_runs_several_times_at_once_gives_each_its_own(ask: Ask, make: Make) -> None:
    viewers = [(await world.build(make, 3)).viewer for _ in range(2)]
    asked = [
        (viewer, {**page, "with": shown})
        for viewer in viewers
        for page in ({"first": 2}, {"last": 1})
        for shown in (True, False)
    ]
    with plans.off():
        alone = [(await ask(viewer, CHATS, **variables)).data for viewer, variables in asked]
    assert len({str(data) for data in alone}) == len(asked)
    before = plans.counters.planned
    together = await asyncio.gather(*[ask(v, CHATS, **variables) for v, variables in asked * AT_ONCE])
    assert [answer.data for answer in together] == alone * AT_ONCE
    assert not any(answer.errors for answer in together)
    assert plans.counters.planned - before == len(together)


async def test_a_plan_takes_no_more_statements_however_many_rows(
    ask: Ask, make: Make, statements: StatementCounter
) -> None:
    counts = []
    for size in (2, 6):
        viewer = (await world.build(make, size)).viewer
        statements.reset()
        with plans.off():
            stock = await ask(viewer, CHATS, first=20, **{"with": True})
        without = statements.count
        statements.reset()
        answer = await ask(viewer, CHATS, first=20, **{"with": True})
        assert answer.data == stock.data
        assert statements.count <= without
        counts.append(statements.count)
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("more", "read"),
    [("", 2), ("totalCount", 2), ("pageInfo { endCursor }", 2), ("pageInfo { hasPreviousPage }", 3)],
)
@pytest.mark.parametrize("chats", [1, 2])
async def test_one_row_more_is_read_for_who_asks_whether_there_is_one(
    ask: Ask, make: Make, database: Database, chats: int, more: str, read: int
) -> None:
    owner = await make.owner()
    for chat in [await make.chat(owner) for _ in range(chats)]:
        for _ in range(3):
            await make.outbound(owner, chat)
    document = f"{{ chats(first: 2) {{ nodes {{ messages(last: 2) {{ nodes {{ sequence }} {more} }} }} }} }}"
    answer, seen = await _asked(ask, owner, document, database)
    (statement,) = [text for text, _ in seen if "ORDER BY" in text and "messages" in text]
    assert f"LIMIT {read}" in statement
    found = [node["messages"] for node in answer["nodes"]]
    assert [[node["sequence"] for node in page["nodes"]] for page in found] == [[2, 3]] * chats
    assert all(page.get("pageInfo", {}).get("hasPreviousPage", True) for page in found)


PARTS = {
    "chat": ("id messages(last: 2) { nodes { id content } totalCount edges { cursor } }", True),
    "chat and senders": ("id messages(last: 2) { nodes { id sender { id } } }", False),
    "order": ("id items { quantity product { id name } }", False),
}
"""What is asked, and whether an index has all of it in order: one has not what is joined, on SQLite, nor the ids of items."""


@pytest.mark.parametrize("kind", PARTS)
async def test_what_belongs_to_one_is_the_same_as_among_others_and_read_along_an_index(
    ask: Ask, make: Make, database: Database, kind: str
) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    products = [await make.product(owner) for _ in range(3)]
    for size in (3, 1, 2):
        await make.order(owner, customer, [(product, 1) for product in products[:size]])
        chat = await make.chat(owner)
        for _ in range(size - 1):
            await make.outbound(owner, chat)
    (parts, in_order), kind = PARTS[kind], kind.partition(" ")[0]
    several, seen = await _asked(ask, owner, f"{{ {kind}s(first: 3) {{ nodes {{ {parts} }} }} }}", database)
    assert len(several["nodes"]) == 3
    assert sum(any(made in text for made in ("unnest", "json_each")) for text, _ in seen) >= 1
    for expected in several["nodes"]:
        one = f'{{ {kind}(by: {{id: "{expected["id"]}"}}) {{ {parts} }} }}'
        answer, seen = await _asked(ask, owner, one, database)
        assert answer == expected
        lists = [(t, values) for t, values in seen if "parent_place" in t and "GROUP BY" not in t]
        assert len(lists) == 1
        for text, values in lists:
            steps = await plan(database, text, values)
            assert not in_order or not [s for s in steps if "Sort" in s or "TEMP B-TREE" in s], steps


async def test_what_is_off_is_on_again_afterwards(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    before = plans.counters.planned
    with plans.off():
        (await ask(owner, "{ viewer { user { id } } }")).ok()
    assert plans.counters.planned == before
    (await ask(owner, "{ viewer { user { id } } }")).ok()
    assert plans.counters.planned == before + 1


def test_the_source_of_a_function_is_kept_as_long_as_the_function(make: Make) -> None:
    title = "rows of a test"
    rows = [compiled("def rows(records, run):\n    return records[0]\n", title, {})]
    with pytest.raises(IndexError) as raised:
        rows[0]([], Run(Context(make.server), VariableValues({}, {})))
    assert str(raised.traceback[-1].statement).strip() == "return records[0]"
    rows.clear()
    del raised
    gc.collect()
    assert title not in linecache.cache


async def _asked(
    ask: Ask, viewer: Viewer, document: str, database: Database
) -> tuple[Any, list[tuple[str, Any]]]:
    """The answer, and the statements that it took."""
    answers: list[Answer] = []

    async def run() -> None:
        answers.append(await ask(viewer, document))

    seen = await seen_statements(database, run)
    return answers[0].ok(), seen
