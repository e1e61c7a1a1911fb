"""Plans: what they share between operations that run at the same time is nothing that either of them can tell."""

import asyncio
import gc
import linecache

import pytest
from graphql.execution.values import VariableValues

from schema.kit.context import Context
from schema.kit.execution.plans import plans
from schema.kit.execution.run import Run
from schema.kit.execution.scopes import compiled
from tests import world
from tests.ask import Ask
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
