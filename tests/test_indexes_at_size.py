"""As many messages as a large business has: whatever is asked, no large table is scanned and no long list sorted."""

import asyncio
import json
import re
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from graphql import OperationDefinitionNode, parse, print_ast, separate_operations

from bench.operations import BESIDE, COMPARED, Dialect, requests
from bench.rows import Sizes, id_of
from bench.sets import switchboard
from db.base import Viewer
from db.engine import Database
from db.postgres import connect_arguments
from schema.kit.ids import encode
from services.limits import Limits
from services.secrets import Vault
from services.server import Server
from services.sessions import begin_session, viewer_of_session
from services.tokens import Tokens
from tests import tenant
from tests.ask import Ask
from tests.conftest import SECRET
from tests.databases import Databases
from tests.explaining import EXPLAINABLE, Explained, explain, seen_statements
from tests.make import PASSWORD, Make

MESSAGES = 1_000_000
LARGE, LONG = 10_000, 1_500
"""A table of more rows may not be scanned, a list of more not be sorted."""
BENCH_MIN, MUTATIONS_MIN, CONTRACT_MIN = 40, 90, 95
"""How many different statements there have to be."""
LONG_SECONDS = 1_800
EVENT_SECONDS = 30
SHOWN = 160
SIZE_MAX = 1_000
SET = (
    "mutation ($id: ID!) { presenceSet(input: {conversationId: $id, state: TYPING}) { userErrors { code } } }"
)
SEND = (
    'mutation ($id: ID!) { messageSend(input: {conversationId: $id, content: "Hi"}) { userErrors { code } } }'
)


@dataclass
class Filled:
    """A database with many rows, and the statements of what was asked of it."""

    ask: Ask
    connection: asyncpg.Connection
    """On which statements are explained."""
    sizes: Sizes
    large: set[str]
    """The tables that may not be scanned."""
    seen: dict[str, Any] = field(default_factory=dict)
    """The arguments of each statement when it first ran."""

    async def viewer(self, user: int) -> Viewer:
        """The member of a workspace of the set."""
        viewer = await viewer_of_session(self.ask.server.database, id_of("session", user))
        assert viewer is not None
        return viewer

    async def run(self, viewer: Viewer | None, document: str, variables: dict[str, Any]) -> Any:
        """The answer of a query or mutation, or the first event of a subscription, none of which has errors."""
        answers = []

        async def asked() -> None:
            if document.startswith("subscription"):
                answers.append(await self._first(viewer, document, variables))
            else:
                answers.append(await self.ask(viewer, document, **variables))

        for statement, given in await seen_statements(self.ask.server.database, asked):
            if EXPLAINABLE.match(statement):
                self.seen.setdefault(statement, given[0] if isinstance(given, list) else given)
        answers[0].ok()
        return answers[0].data

    async def _first(self, viewer: Viewer | None, document: str, variables: dict[str, Any]) -> Any:
        hub, mentioned = self.ask.server.hub, re.search(r"chat_\w+", json.dumps(variables))
        assert mentioned is not None
        async with self.ask.follow(viewer, document, **variables) as answers, asyncio.timeout(EVENT_SECONDS):
            first = asyncio.ensure_future(anext(answers))
            while not hub.follower_count() and not first.done():
                await asyncio.sleep(0)
            (await self.ask(viewer, SET, id=mentioned[0])).ok()
            (await self.ask(viewer, SEND, id=mentioned[0])).ok()
            return await first


@pytest.fixture(scope="module")
async def filled(databases: Databases) -> AsyncIterator[Filled]:
    """The set of the bench."""
    sizes = Sizes.of(MESSAGES)
    async with databases.own("postgresql") as url:
        database = Database(url, statement_seconds=None)
        try:
            await switchboard.write(database, sizes)
            keys = {"test": SECRET}
            server = Server(
                database, Tokens(keys), Vault(keys), limits=Limits(enabled=False), page_size_max=SIZE_MAX
            )
            connection = await asyncpg.connect(url, **connect_arguments(None))
            rows = await connection.fetch(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > $1", LARGE
            )
            yield Filled(Ask(server), connection, sizes, {row["relname"] for row in rows})
            await connection.close()
        finally:
            await database.close()


@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
async def test_what_the_bench_asks(filled: Filled) -> None:
    for operation in (*COMPARED, "page", *BESIDE):
        more = {"size": SIZE_MAX} if operation == "page" else {}
        asked = requests(operation, Dialect.SWITCHBOARD, filled.sizes, **more)
        for request in (asked[0], asked[-1]):
            body = json.loads(request.body)
            await filled.run(await filled.viewer(request.user), body["query"], body["variables"])
    await check(filled, statements=BENCH_MIN)


@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
async def test_every_mutation(filled: Filled) -> None:
    """Each in a workspace of its own: whose rows they are changes nothing in a statement."""
    make = Make(filled.ask.server)
    for name in tenant.fields_of("Mutation"):
        built = await tenant.build(make)
        await filled.run(built.owner, tenant.mutation_document(name), {"input": built.inputs()[name]})
    await check(filled, statements=MUTATIONS_MIN)


@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
async def test_the_contract_and_the_screens(filled: Filled, shared_folder: Path) -> None:
    folders = shared_folder / "contract", shared_folder / "design" / "screens"
    viewer, given = await filled.viewer(1), await values(filled)
    for file in sorted(file for folder in folders for file in folder.glob("*.graphql")):
        for name, document in operations(file.read_text()):
            data = await filled.run(viewer, document, given[name])
            for variable, end in (("after", "endCursor"), ("before", "startCursor")):
                if f"${variable}: String" in document:
                    further = given[name] | {variable: found(data, end)}
                    await filled.run(viewer, document, further)
    await check(filled, statements=CONTRACT_MIN)


def operations(text: str) -> Iterator[tuple[str, str]]:
    """Each operation of a document by its name, with the fragments it has, and no other."""
    for name, document in separate_operations(parse(text)).items():
        first = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
        rest = [definition for definition in document.definitions if definition is not first]
        yield name, "\n".join(map(print_ast, [first, *rest]))


def found(data: Any, name: str) -> str:
    """The first value of that name in an answer."""
    if isinstance(data, dict) and data.get(name):
        return str(data[name])
    below = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return next(filter(None, (found(value, name) for value in below)), "")


async def values(filled: Filled) -> dict[str, dict[str, Any]]:
    """Variables for each operation of the contract and the screens, about the rows of the first workspace."""
    make, sizes, fresh = Make(filled.ask.server), filled.sizes, secrets.token_hex(6)
    ids = {kind: encode(kind, id_of(kind, 1)) for kind in ("chat", "customer", "product", "channel", "user")}
    # Of their six states, the orders of a workspace take the next after each of all workspaces.
    pending, processing = (encode("order", id_of("order", n)) for n in (1, sizes.users + 1))
    cursor = found((await filled.ask(await filled.viewer(1), "{ eventCursor }")).data, "eventCursor")
    owner = await make.owner(username=f"owner-{fresh}")
    signed_in = await make.run(None, begin_session, make.server.tokens, owner.id)
    chat, person = {"id": ids["chat"]}, {"channelId": ids["channel"], "platformCustomerId": f"new-{fresh}"}
    item, price = {"productId": ids["product"], "quantity": 2}, {"amount": "4.50", "currency": "USD"}
    new = {"username": f"new-{fresh}", "email": f"{fresh}@example.com", "password": PASSWORD}
    return {
        "Chat": chat,
        "Connect": {"platformType": "WHATSAPP", "name": "Shop", "accessToken": "secret"},
        "CustomerUpsert": {"input": {**person, "fullName": "Ana", "email": "ana@example.com"}},
        "FollowAll": {"after": cursor, "where": {"conversations": [ids["chat"]]}},
        "FollowChat": {"conversationId": ids["chat"], "after": 0},
        "Inbox": {"first": 50},
        "InboxDeep": {"first": 20},
        "Login": {"username": f"owner-{fresh}", "password": PASSWORD},
        "Refetch": {"ids": [ids["chat"], pending, ids["customer"]]},
        "OrderCreate": {"input": {"customerId": ids["customer"], "chatId": ids["chat"], "items": [item]}},
        "OrderTransition": {"id": pending, "to": "PROCESSING", "expectedVersion": 1},
        "Orders": {"status": ["PENDING"], "first": 100, "offset": 20},
        "ProductCreate": {"input": {"name": "Tea", "price": price, "sku": f"T-{fresh}"}},
        "ProductSales": {"first": 20},
        "Receive": {"input": {**person, "platformMessageId": fresh, "content": "Do you have tea?"}},
        "Refresh": {"refreshToken": signed_in.refresh_token},
        "Register": {**new, "businessName": "Contract & Sons"},
        "Send": {"conversationId": ids["chat"], "content": "With pleasure.", "clientKey": fresh},
        "Transcript": {**chat, "last": 100},
        "AgentInbox": {"me": ids["user"]},
        "ChatWindow": chat,
        "ChatLive": {**chat, "after": cursor},
        "ChatPresence": chat,
        "Typing": {**chat, "state": "TYPING"},
        "Read": {**chat, "upTo": 3},
        "Customer360": {"id": ids["customer"]},
        "SamePerson": {"email": "c1@example.com"},
        "OrderList": {"status": ["PENDING", "SHIPPED"], "from": "2025-01-02T00:00:00Z", "offset": 50},
        "Ship": {"ids": [processing]},
        "SoldProduct": {"sku": "SKU-1"},
    }


async def check(filled: Filled, *, statements: int) -> None:
    """Explains what ran. Fails on a scan of a large table, a sort of a long list, and where there was too little."""
    seen, filled.seen = filled.seen, {}
    explained = [
        found for text, given in seen.items() for found in await explain(filled.connection, text, given)
    ]
    slowest = max(explained, key=lambda found: found.milliseconds)
    shown = " ".join(slowest.statement.split())[-SHOWN:]
    sys.stdout.write(f"{len(seen)} statements, the slowest {slowest.milliseconds:.1f} ms: … {shown}\n")
    assert {problem for found in explained for problem in problems(found, filled.large)} == set()
    assert len(seen) >= statements


def problems(explained: Explained, large: set[str]) -> Iterator[str]:
    """The steps that become slow as a table grows."""
    for step in explained.steps:
        if step.kind == "Seq Scan" and step.table in large:
            yield f"scans {step.table}: {explained.statement}"
        if "Sort" in step.kind and step.rows > LONG:
            yield f"sorts {step.rows:,.0f} rows: {explained.statement}"


async def test_a_scan_and_a_sort_are_noticed(databases: Databases) -> None:
    numbers = f"SELECT n FROM generate_series(1, {LONG + 1}) AS n"
    async with databases.own("postgresql") as url:
        connection = await asyncpg.connect(url)
        try:
            explained = [
                await explain(connection, statement, arguments)
                for statement, arguments in (
                    ("SELECT id FROM users WHERE full_name = $1", ["Ana"]),
                    (f"{numbers} ORDER BY n DESC", []),
                    (f"{numbers} WHERE n <= $1 ORDER BY n DESC", [LONG]),
                    ("SELECT id FROM roles WHERE name = $1", ["Agent"]),
                )
            ]
        finally:
            await connection.close()
    told = [[p.partition(":")[0] for one in both for p in problems(one, {"users"})] for both in explained]
    assert told == [["scans users"] * 2, [f"sorts {LONG + 1:,} rows"] * 2, [], []]
