"""The demo business: whole, believable, seen through the graph, written once, and never in production."""

import secrets
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.accounts import User
from db.base import Viewer
from db.conversations import ChatStatus
from db.customers import Customer
from db.engine import Database
from db.orders import OrderStatus
from graph.seed import demo
from graph.seed.plan import ADMIN, AUTOMATIC, MEMBER, SYSTEM, is_open, make_plan, words_of
from graph.seed.themes import CUSTOMER, THEMES
from services.logins import check_login, find_login
from services.secrets import Vault
from services.server import Server
from services.tokens import Tokens
from tests.ask import Ask
from tests.conftest import SECRET
from tests.databases import OwnDatabase
from tests.make import Make
from tests.running import command

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
KEYS = {"JWT_SECRET": secrets.token_hex(32), "DB_ENCRYPTION_KEY": secrets.token_hex(32)}
SCRIPTS = {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HANGUL", "DEVANAGARI"}
COUNTS = """{ channels { totalCount } customers { totalCount } products { totalCount }
             orders { totalCount } chats { totalCount } }"""
CHATS = """query($after: String) { chats(first: 50, after: $after, sort: [{field: LAST_MESSAGE_AT, direction: DESC}]) {
  nodes { number status unreadCount lastMessageAt startedAt assignee { username }
          customer { displayName orders { totalCount } } lastSequence
          messages(first: 20) { nodes { sequence content senderType timestamp sender { __typename } } } }
  pageInfo { endCursor hasNextPage } } }"""
ORDERS = """query($after: String) { orders(first: 100, after: $after) {
  nodes { number status createdAt total { amount } chat { customer { id } } customer { id } seller { username }
          items { quantity lineTotal { amount } product { sku } } }
  pageInfo { endCursor hasNextPage } } }"""


@asynccontextmanager
async def seeded_server(own_database: OwnDatabase) -> AsyncIterator[Server]:
    async with own_database() as url:
        database = Database(url, sees_all=True)  # as the command does
        server = Server(database, Tokens({"test": SECRET}), Vault({"test": SECRET}))
        await demo.seed_demo(server, 1, lambda step: None)
        yield server
        await database.close()


@pytest.fixture(scope="module")
async def seeded(own_database: OwnDatabase) -> AsyncIterator[Server]:
    """A server with the demo business and nothing else, for tests that only look."""
    async with seeded_server(own_database) as server:
        yield server


@pytest.fixture
def ask_seeded(seeded: Server) -> Ask:
    """Asks the demo."""
    return Ask(seeded)


async def sign_in(server: Server, username: str) -> Viewer:
    login = await find_login(server.database, username)
    proof = await check_login(server.database, server.passwords, login, demo.PASSWORD)
    return await Make(server).sign_in(proof.user_id)


async def read_all(ask: Ask, viewer: Viewer, document: str) -> list[Any]:
    nodes: list[Any] = []
    after = None
    while True:
        page = (await ask(viewer, document, after=after)).ok()
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("username", [ADMIN, MEMBER])
async def test_both_users_sign_in_and_see_all_of_it(seeded, ask_seeded, username) -> None:
    answer = await ask_seeded(await sign_in(seeded, username), COUNTS)
    assert answer.errors == []
    assert {name: found["totalCount"] for name, found in answer.data.items()} == {
        "channels": 7,
        "customers": 60,
        "products": 40,
        "orders": 150,
        "chats": 120,
    }


async def test_names_are_written_in_several_scripts(seeded) -> None:
    rows = await seeded.database.fetch(select(Customer.full_name))
    letters = {
        unicodedata.name(letter).split()[0] for row in rows for letter in row.full_name if letter > "A"
    }
    assert letters >= SCRIPTS
    assert len({row.full_name for row in rows}) == 60


async def test_some_people_are_known_on_two_channels(seeded) -> None:
    rows = await seeded.database.fetch(
        select(Customer.email, Customer.channel_id).where(Customer.email != "")
    )
    assert len(set(rows)) == len(rows)
    assert len(rows) - len({row.email for row in rows}) == 3


async def test_the_inbox_looks_alive(seeded, ask_seeded) -> None:
    chats = await read_all(ask_seeded, await sign_in(seeded, MEMBER), CHATS)
    moment = datetime.now(UTC)
    ages = [moment - datetime.fromisoformat(chat["lastMessageAt"]) for chat in chats]
    assert ages == sorted(ages)
    assert timedelta(0) < ages[0] < timedelta(minutes=10)
    assert ages[-1] > timedelta(days=28)
    assert {chat["status"] for chat in chats} == set(ChatStatus)
    agents = {(chat["assignee"] or {"username": None})["username"] for chat in chats}
    assert agents == {"marta", "rui", "joana", ADMIN, MEMBER, None}
    mine = Counter(
        (chat["assignee"] or {"username": None})["username"] for chat in chats if chat["status"] == "OPEN"
    )
    assert (mine[MEMBER], mine[ADMIN]) == (10, 3)
    assert sum(chat["unreadCount"] > 0 for chat in chats) >= 5
    waiting = [chat for chat in chats if chat["status"] == "OPEN"]
    assert all(chat["messages"]["nodes"][-1]["senderType"] != "AGENT" for chat in waiting)
    newest = Counter(chat["customer"]["displayName"] for chat in chats if chat["status"] != "CLOSED")
    assert set(newest.values()) == {1}  # whoever writes again finds one chat to write in


async def test_every_conversation_is_whole_and_in_order(seeded, ask_seeded) -> None:
    chats = await read_all(ask_seeded, await sign_in(seeded, ADMIN), CHATS)
    assert sorted(chat["number"] for chat in chats) == list(range(1, 121))
    for chat in chats:
        messages = chat["messages"]["nodes"]
        assert [m["sequence"] for m in messages] == list(range(1, chat["lastSequence"] + 1))
        assert messages[-1]["timestamp"] == chat["lastMessageAt"]
        times = [m["timestamp"] for m in messages]
        assert times == sorted(times)
        assert times[0] == chat["startedAt"]
        assert not any("{" in m["content"] or "||" in m["content"] for m in messages)
        kinds = {"CUSTOMER": "Customer", "AGENT": "User", "SYSTEM": None}
        assert all(kinds[m["senderType"]] == (m["sender"] or {}).get("__typename") for m in messages)


async def test_orders_are_in_every_state_and_add_up(seeded, ask_seeded) -> None:
    orders = await read_all(ask_seeded, await sign_in(seeded, MEMBER), ORDERS)
    assert sorted(order["number"] for order in orders) == list(range(1, 151))
    assert {order["status"] for order in orders} == set(OrderStatus)
    by_number = sorted(orders, key=lambda order: order["number"])
    assert [o["createdAt"] for o in by_number] == sorted(o["createdAt"] for o in orders)
    for order in orders:
        items = order["items"]
        assert sum(float(i["lineTotal"]["amount"]) for i in items) == pytest.approx(
            float(order["total"]["amount"])
        )
    from_chats = [order for order in orders if order["chat"]]
    assert len(from_chats) >= 10
    assert all(order["chat"]["customer"] == order["customer"] for order in from_chats)


async def test_what_happens_next_takes_the_next_number(own_database) -> None:
    async with seeded_server(own_database) as server:
        make, admin = Make(server), await sign_in(server, ADMIN)
        customer = await make.customer(admin)
        assert (await make.chat(admin, customer)).number == 121
        assert (await make.order(admin, customer)).number == 151


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    def said(seed: int, at: datetime) -> list[str]:
        return [m.said for chat in make_plan(seed, at).chats for m in chat.messages]

    assert said(1, NOW) == said(1, NOW)
    summer = NOW + timedelta(weeks=8)  # the clocks have not been changed in the weeks before
    assert said(1, summer) == said(1, summer + timedelta(weeks=5))
    assert said(1, NOW) != said(2, NOW)


def test_nothing_is_under_way_for_weeks() -> None:
    plan = make_plan(1, NOW)
    waited_for = {id(chat.order) for chat in plan.chats if chat.status in ("OPEN", "PENDING")}
    usual = {OrderStatus.PENDING: 2, OrderStatus.PROCESSING: 5, OrderStatus.SHIPPED: 12}
    for order in plan.orders:
        if order.status in usual and id(order) not in waited_for:
            assert NOW - order.at <= timedelta(days=usual[order.status])
    assert all(sum(order.status is status for order in plan.orders) >= 3 for status in usual)


@pytest.mark.parametrize("now", [NOW, NOW - timedelta(days=1), NOW + timedelta(days=3, hours=12)])
def test_opening_hours_are_kept(now) -> None:
    chats = make_plan(1, now).chats
    assert any(m.said == AUTOMATIC for chat in chats for m in chat.messages)
    for chat in chats:
        times = [m.at for m in chat.messages]
        assert times == sorted(times)
        for m in chat.messages:
            if m.speaker == SYSTEM:
                assert not is_open(chat.started_at)
            elif m.speaker != CUSTOMER and now - m.at > timedelta(days=1):
                assert is_open(m.at)


def test_what_is_mistaken_for_something_goes_by_another_name() -> None:
    for chat in make_plan(1, NOW).chats:
        words = words_of(chat)
        assert words["product"] != words["other"]


@pytest.mark.parametrize("language", sorted(THEMES))
def test_a_customer_always_speaks_first(language) -> None:
    for theme in THEMES[language]:
        assert theme.turns[0].speaker == CUSTOMER
        assert theme.opening
        if theme.is_paired:
            assert {12 % len(turn.ways) for turn in theme.turns} == {0}


async def test_a_second_run_says_so_and_changes_nothing(own_database, dialect) -> None:
    async with own_database() as url:
        status, first = await command("seed", DATABASE_URL=url, **KEYS)
        assert status == 0, first
        assert "120 chats" in first
        assert f"as admin (Administrator) or demo (Agent), password {demo.PASSWORD}" in first
        database = Database(url)
        before = await database.fetch(select(User.id, User.hashed_password, User.updated_at))
        for words in (("seed", "--seed", "2"), ("seed", "--if-empty")):
            status, again = await command(*words, DATABASE_URL=url, **KEYS)
            assert (status, "nothing was changed" in again) == (0, True)
        assert await database.fetch(select(User.id, User.hashed_password, User.updated_at)) == before
        await database.close()


async def test_production_refuses_it(own_database) -> None:
    async with own_database() as url:
        status, said = await command("seed", DATABASE_URL=url, ENVIRONMENT="production", **KEYS)
        assert status == 1
        assert "ENVIRONMENT is production" in said
        assert "Traceback" not in said
        status, said = await command("seed", "--if-empty", DATABASE_URL=url, ENVIRONMENT="production", **KEYS)
        assert (status, said) == (0, "")
        database = Database(url)
        assert await demo.is_empty(database)
        await database.close()


async def test_if_empty_leaves_a_database_in_use_alone(own_database) -> None:
    async with own_database() as url:
        database = Database(url)
        server = Server(database, Tokens({"test": SECRET}), Vault({"test": SECRET}))
        await Make(server).owner(username=MEMBER)
        status, said = await command("seed", "--if-empty", DATABASE_URL=url, **KEYS)
        assert (status, "Sign in" in said) == (0, False)
        status, said = await command("seed", DATABASE_URL=url, **KEYS)
        assert status == 1
        assert "taken" in said
        assert len(await database.fetch(select(User.id))) == 1
        await database.close()
