"""The bench asks for what the schema has, and what it compares are the same answers."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from graphql import parse, validate

from bench import answers, databases
from bench.load import is_whole
from bench.operations import ASKS, BESIDE, COMPARED, READS, Dialect, document, requests, unseen_requests
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
