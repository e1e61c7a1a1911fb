"""Customers who keep writing: through the running server, so that whoever follows a chat hears of it."""

import asyncio
import re
import secrets
import sys
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from db.engine import Database
from graph.seed import demo
from graph.seed.live import Writers
from graph.seed.people import PEOPLE
from graph.seed.plan import MEMBER
from services.secrets import Vault
from services.server import Server
from services.tokens import Tokens
from tests.conftest import SECRET
from tests.databases import OwnDatabase
from tests.running import PROJECT, Running, command, environment_of_server, serve

KEYS = {"JWT_SECRET": secrets.token_hex(32), "DB_ENCRYPTION_KEY": secrets.token_hex(32)}
LOGIN = "mutation($input: LoginInput!) { login(input: $input) { accessToken } }"
CHAT = "query($number: Int!) { chat(by: {number: $number}) { id lastSequence } }"
FOLLOW = """subscription($id: ID!, $after: Int!) {
  messageAdded(conversationId: $id, after: $after) { sequence senderType sender { displayName } createdAt } }"""
WAIT_SECONDS = 60
WRITTEN = re.compile(r"chat (\d+), ([^:]+): ")


@pytest.fixture
async def running(own_database: OwnDatabase) -> AsyncIterator[Running]:
    """A server with the demo business."""
    async with own_database() as url:
        database = Database(url)
        made = Server(database, Tokens({"test": SECRET}), Vault({"test": SECRET}))
        await demo.seed_demo(made, 1, lambda step: None)
        await database.close()
        async with serve(url, **KEYS) as server:
            yield server
        assert server.failures() == []


async def test_what_customers_write_live_reaches_whoever_follows(running) -> None:
    async with Client(transport=HTTPXAsyncTransport(url=running.graphql)) as client:
        account = {"username": MEMBER, "password": demo.PASSWORD}
        token = (await client.execute(GraphQLRequest(LOGIN, variable_values={"input": account})))["login"][
            "accessToken"
        ]
    headers = {"Authorization": f"Bearer {token}"}
    writing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "graph", "seed", "--live", "--every", "0.05", "--url", running.graphql),
        cwd=PROJECT,
        env=environment_of_server(**KEYS),
        stdout=asyncio.subprocess.PIPE,
    )
    assert writing.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not (told := WRITTEN.match((await writing.stdout.readline()).decode())):
                pass
            number, name = int(told[1]), told[2]
            asking = Client(transport=HTTPXAsyncTransport(url=running.graphql, headers=headers))
            async with asking as session:
                chat = (await session.execute(GraphQLRequest(CHAT, variable_values={"number": number})))[
                    "chat"
                ]
            socket = WebsocketsTransport(
                url=running.socket,
                init_payload={"authorization": f"Bearer {token}"},
                subprotocols=["graphql-transport-ws"],
            )
            async with Client(transport=socket) as session:
                after = {"id": chat["id"], "after": chat["lastSequence"]}
                async for added in session.subscribe(GraphQLRequest(FOLLOW, variable_values=after)):
                    message = added["messageAdded"]
                    break
        assert message["sequence"] == chat["lastSequence"] + 1
        assert message["senderType"] == "CUSTOMER"
        assert message["sender"]["displayName"] == name
    finally:
        if writing.returncode is None:
            writing.kill()
        await writing.communicate()


async def test_without_a_server_it_says_so() -> None:
    status, said = await command("seed", "--live", "--url", "http://127.0.0.1:1/graphql", **KEYS)
    assert status == 1
    assert "No answer from http://127.0.0.1:1/graphql" in said
    assert "Traceback" not in said


def test_the_newest_chats_are_written_in_and_nothing_is_asked_twice() -> None:
    customers = [
        {"platformCustomerId": person.handle, "orders": {"nodes": []}, "place": place}
        for place, person in enumerate(PEOPLE)
    ]
    chats: list[Any] = [
        {"status": "OPEN" if place < 10 else "RESOLVED", "customer": customer, "messages": {"nodes": []}}
        for place, customer in enumerate(customers)
    ]
    writers = Writers(Random(1), customers, chats)
    written = [writers.write() for _ in range(60)]
    said = [(customer["platformCustomerId"], content) for customer, content in written]
    assert len(set(said)) == len(said)
    assert sum(customer["place"] < 8 for customer, _ in written) > 45
    assert PEOPLE[0].handle in [handle for handle, _ in said[:8]]
