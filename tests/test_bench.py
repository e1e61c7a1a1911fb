"""The bench asks for what the schema has, and what it compares are the same answers."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from graphql import parse, validate

from bench import answers, databases
from bench.growth import Point
from bench.load import is_whole
from bench.measuring import Result
from bench.operations import ASKS, BESIDE, COMPARED, READS, Dialect, document, requests, unseen_requests
from bench.profiling import function_of, part_of
from bench.reports import GROWTH_COLUMNS, growth_cells
from bench.rows import MESSAGES_MIN, Sizes, chats, messages
from bench.servers import ALWAYS, PEERS, Server, started
from schema import schema

MILLION = Sizes.of(1_000_000)


@pytest.mark.parametrize("operation", [*COMPARED, "page", *BESIDE])
def test_an_operation_is_valid_in_the_schema(operation: str) -> None:
    assert validate(schema._schema, parse(document(operation, Dialect.SWITCHBOARD))) == []
    assert requests(operation, Dialect.SWITCHBOARD, MILLION)


def test_every_dialect_has_every_operation_that_is_compared() -> None:
    assert set(COMPARED) <= set(ASKS)
    for dialect in Dialect:
        assert all(document(operation, dialect) for operation in COMPARED)


@pytest.mark.parametrize("count", [MESSAGES_MIN, 20_000, 1_000_000])
def test_a_set_has_as_many_messages_as_are_asked_for(count: int) -> None:
    sizes = Sizes.of(count)
    assert sum(chat.messages for chat in chats(sizes)) == count
    assert sizes.customers % sizes.channels == 0
    if count == MESSAGES_MIN:
        assert sum(1 for _ in messages(sizes)) == count


def test_the_same_number_gives_the_same_set() -> None:
    sizes = Sizes.of(MESSAGES_MIN)
    assert list(messages(sizes)) == list(messages(sizes))


def test_documents_that_nobody_has_seen_all_differ_and_are_valid() -> None:
    found = {request.body for request in unseen_requests("chat", Dialect.SWITCHBOARD, MILLION, 300)}
    assert len(found) == 300
    assert validate(schema._schema, parse("query Chat { seen7: __typename viewer { permissions } }")) == []


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbod", False),
        (b"HTTP/1.1 200 OK\r\ncontent-le", False),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n", False),
    ],
)
def test_the_load_knows_where_an_answer_ends(answer: bytes, whole: bool) -> None:
    assert is_whole(bytearray(answer)) is whole


@pytest.mark.parametrize(
    ("frame", "part", "function"),
    [
        ("rows (schema/kit/execution/rows.py:12)", "schema/kit", "rows (schema/kit/execution/rows.py)"),
        ("send (services/messages.py:7)", "services", "send (services/messages.py)"),
        ("send (uvicorn/httptools_impl.py:513)", "uvicorn", "send (uvicorn/httptools_impl.py)"),
        ("now (json.py:1)", "json", "now (json.py)"),
        ("pgproto_uuid_decode (pgproto.c:59)", "asyncpg", "pgproto_uuid_decode (pgproto.c)"),
        ("write (libc.so.6)", "graph", "write (libc.so.6)"),
    ],
)
def test_a_profile_tells_whose_time_it_is(frame: str, part: str, function: str) -> None:
    stack = "main (graph/__main__.py:1)", frame
    assert (part_of(stack), function_of(stack)) == (part, function)


def test_growth_is_told_beside_stock() -> None:
    made = [
        Result(name, "chat", 100.0, 90.0, 110.0, 1.0, 2.0, cpu, 0.5, 80.0, 1.0, errors)
        for name, cpu, errors in ((ALWAYS[0], 0.5, 0), (ALWAYS[1], 9.5, 3))
    ]
    points = [Point("subscribers", 1_000, result) for result in made]
    told = [dict(zip(GROWTH_COLUMNS, growth_cells(point, points), strict=True)) for point in points]
    assert [row["× stock"] for row in told] == ["10.0", "1.0"]
    assert [(row["at"], row["memory MB"], row["errors"]) for row in told] == [
        ("1,000", "80", "0"),
        ("1,000", "80", "3"),
    ]


async def test_switchboard_and_stock_strawberry_answer_alike(tmp_path: Path) -> None:
    # In a thread: the bench has event loops of its own.
    await asyncio.to_thread(_compare, tmp_path)


def _compare(folder: Path) -> None:
    databases.make_on_sqlite(folder, MESSAGES_MIN)
    ours, stock = (PEERS[name] for name in ALWAYS)
    with (
        databases.copied_on_sqlite(folder, MESSAGES_MIN) as pair,
        started(ours, pair, folder) as one,
        started(stock, pair, folder) as other,
    ):
        answers.compare([one, other], COMPARED)
        _differ(one, other)


def _differ(one: Server, other: Server) -> None:
    """An answer that is not the same is told, so that "agree" means something."""
    file = other.launch.pair.peers.removeprefix("sqlite:///")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE customers SET full_name = 'Somebody Else'")
    connection.close()
    with pytest.raises(answers.Different, match="chat: strawberry and switchboard differ"):
        answers.compare([one, other], READS)
