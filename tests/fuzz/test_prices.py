"""The price of a query is never less than the objects it is answered with."""

from typing import Any
from unittest.mock import patch

import pytest
from rich.console import Console

from schema.kit import pricing
from services.server import Server
from tests.fuzz.prices import Tally, compare, objects_in
from tests.fuzz.worlds import workspace

QUERIES, QUERIES_PLANTED, QUERIES_LONG = 150, 60, 2_000
COVERED_MIN = 0.6
SHOWN = 5
SEED, SEED_LONG = 4_000_000, 5_000_000
LONG_SECONDS = 3_600
# graphql-core leaves the siblings of a failed field unstarted, and says so when they are collected.
pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine '.*' was never awaited:RuntimeWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


async def test_no_query_is_answered_more_than_its_price(server: Server) -> None:
    _check(await _run(server, SEED, QUERIES), QUERIES)


async def test_a_price_that_forgets_the_rows_of_pages_is_noticed(server: Server) -> None:
    def one(*_: Any) -> int:
        return 1

    with patch.object(pricing._Meter, "_page_size", one):
        assert (await _run(server, SEED, QUERIES_PLANTED)).cheap


@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
async def test_none_of_two_thousand_queries_is_answered_more_than_its_price(server: Server) -> None:
    tally = await _run(server, SEED_LONG, QUERIES_LONG)
    Console(stderr=True).print(str(tally))
    _check(tally, QUERIES_LONG)


def test_objects_are_counted_wherever_they_are() -> None:
    row = {"__typename": "Chat", "customer": {"__typename": "Customer"}, "total": {"__typename": "Money"}}
    page = {"__typename": "ChatConnection", "nodes": [row, row], "edges": [{"node": row}]}
    assert objects_in({"chats": page, "node": None}) == 6


async def _run(server: Server, seed: int, count: int) -> Tally:
    made, tally = await workspace(server), Tally()
    for number in range(seed, seed + count):
        await compare(server, made, number, tally)
    return tally


def _check(tally: Tally, count: int) -> None:
    assert not tally.cheap, "\n\n".join(tally.cheap[:SHOWN])
    assert tally.covered >= COVERED_MIN * count, str(tally)
    assert tally.objects > count, str(tally)
