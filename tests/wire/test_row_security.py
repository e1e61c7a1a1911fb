"""Row level security of PostgreSQL: tenants stay apart where the server itself forgets to keep them so."""

import json
import re
import secrets
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import make_url, text

from db.base import Row
from db.engine import Database
from db.row_security import disable, enable, guarded_now, guarded_tables
from tests.running import command, serve
from tests.wire.caller import LOGIN, PASSWORD, Caller, register
from tests.wire.line import FOLLOW, line_to
from tests.wire.test_masking import CHANGE

UNSEEING = "tests.wire.unfiltered"
REFRESH = """mutation ($token: String!) { tokenRefresh(input: {refreshToken: $token}) {
  accessToken refreshToken userErrors { code } } }"""
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
LISTS = """{
  chats { nodes { id customer { id displayName orders { nodes { id } } } messages(first: 5) { nodes { id content } } } }
  customers { nodes { id chats { nodes { id } } } } products { nodes { id } } orders { nodes { id } }
  channels { nodes { id } } users { nodes { id username } } roles { id name } }"""
CHAT = "query ($id: ID!) { chat(by: {id: $id}) { id messages(first: 5) { nodes { content } } } }"
UPDATE = """mutation ($id: ID!) { chatUpdate(input: {id: $id, status: PENDING}) {
  chat { id } userErrors { code } } }"""
SEND = """mutation ($id: ID!) { messageSend(input: {conversationId: $id, content: "Into another's chat"}) {
  message { id } userErrors { code } } }"""
CONTENT = "What nobody else may read"
TABLES_MIN = 17
ID = re.compile(r"[A-Za-z]+_[0-9a-f]{32}")


@pytest.fixture(scope="module")
async def tables(request, dialect, own_database):
    """The URLs of a database with policies: as its owner, and as a user that they hold."""
    if dialect != "postgresql":
        pytest.skip("SQLite has no row level security")
    if request.config.getoption("--row-security"):
        pytest.skip("makes databases with and without it by itself")
    async with own_database() as url:
        name, owner = f"held_{secrets.token_hex(6)}", Database(url)
        async with owner.write() as connection:
            await enable(connection)
            await connection.execute(
                text(f"CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD 'held'")
            )
            await connection.execute(text(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}"))
        held = make_url(url).set(username=name, password="held").render_as_string(hide_password=False)
        yield url, held
        async with owner.write() as connection:
            await connection.execute(text(f"DROP OWNED BY {name}"))
            await connection.execute(text(f"DROP ROLE {name}"))
        await owner.close()


@asynccontextmanager
async def two_tenants(url, program, **environment):
    """A server with two workspaces that have the same things in them."""
    async with serve(url, 1, program, **environment) as running:
        tenants = []
        for _ in range(2):
            owner = await register(running.web)
            owner.chat_id = (await owner.receive(secrets.token_hex(6), CONTENT))["chat"]["id"]
            assert not (await owner.post(CHANGE)).json().get("errors")
            tenants.append(owner)
        yield running, *tenants
        assert running.failures() == []


def ids_in(answer):
    """Every id that an answer has, wherever in it."""
    return {value for value in _values(answer) if ID.fullmatch(str(value))}


def _values(value):
    if isinstance(value, dict):
        return [found for each in value.values() for found in _values(each)]
    if isinstance(value, list):
        return [found for each in value for found in _values(each)]
    return [value]


@pytest.fixture(scope="module", params=["on", "off"])
async def unseeing(request, tables):
    """A server without its own filter, by plans and by the stock executor, held by the database alone."""
    async with two_tenants(tables[1], UNSEEING, DATABASE_ROW_SECURITY="on", PLANS=request.param) as all:
        yield all


async def test_another_tenants_rows_are_not_in_any_list(unseeing):
    _, one, other = unseeing
    mine, theirs = [(await each.post(LISTS)).json() for each in (one, other)]
    assert "errors" not in mine
    assert len(mine["data"]["chats"]["nodes"]) == len(mine["data"]["products"]["nodes"]) == 1
    assert len(mine["data"]["users"]["nodes"]) == 1
    assert ids_in(mine["data"])
    assert not ids_in(mine["data"]) & ids_in(theirs["data"])


async def test_another_tenants_rows_are_not_found_by_their_ids(unseeing):
    _, one, other = unseeing
    ids = sorted(ids_in((await other.post(LISTS)).json()["data"]))
    assert len(ids) >= 6
    seen = (await one.post(NODES, {"ids": ids})).json()
    assert [node for node in seen["data"]["nodes"] if node] == []
    assert [node for node in await other.ask(NODES, ids=ids) if node]
    assert (await one.post(CHAT, {"id": other.chat_id})).json()["data"]["chat"] is None
    assert (await other.ask(CHAT, id=other.chat_id))["messages"]["nodes"] == [{"content": CONTENT}]


@pytest.mark.parametrize("document", [UPDATE, SEND])
async def test_another_tenants_rows_are_not_changed(unseeing, document):
    _, one, other = unseeing
    answer = (await one.post(document, {"id": other.chat_id})).json()
    (field,) = answer["data"].values()
    assert [e["code"] for e in field["userErrors"]] == ["NOT_FOUND"]
    assert [m["content"] for m in (await other.ask(CHAT, id=other.chat_id))["messages"]["nodes"]] == [CONTENT]
    await one.ask(document, id=one.chat_id)


async def test_another_tenants_messages_are_not_followed(unseeing):
    running, one, other = unseeing
    async with line_to(running, one) as line:
        await line.subscribe("theirs", FOLLOW, conversationId=other.chat_id, after=0)
        refused = await line.read()
        assert "NOT_FOUND" in json.dumps(refused)
        assert CONTENT not in json.dumps(refused)
        while refused["type"] == "next":
            refused = await line.read()
        await line.subscribe("mine", FOLLOW, conversationId=one.chat_id, after=0)
        assert (await line.read())["payload"]["data"]["messageAdded"]["sequence"] == 1


async def test_without_row_security_that_server_tells_everything(own_database, tables):
    """So it is the database that kept them apart."""
    async with own_database() as url, two_tenants(url, UNSEEING) as (_, one, other):
        assert (await one.ask(CHAT, id=other.chat_id))["messages"]["nodes"] == [{"content": CONTENT}]


async def test_what_belongs_to_no_workspace_goes_on(tables):
    """Signing in, refreshing, sessions, sweeps: none of them knows a workspace beforehand."""
    async with serve(tables[1], DATABASE_ROW_SECURITY="on") as running:
        owner = await register(running.web)
        name = (await owner.ask("{ viewer { user { username } } }"))["user"]["username"]
        signed_in = await Caller(running.web).ask(LOGIN, username=name, password=PASSWORD)
        renewed = await Caller(running.web).ask(REFRESH, token=signed_in["refreshToken"])
        again = Caller(running.web, renewed["accessToken"])
        assert (await again.ask("{ users { totalCount } }"))["totalCount"] == 1
        member = await owner.member("CHATS_READ")
        chat = await owner.chat()
        async with line_to(running, member) as line:
            await line.subscribe("a", FOLLOW, conversationId=chat, after=1)
            await owner.send(chat, "live")
            assert (await line.read())["payload"]["data"]["messageAdded"]["content"] == "live"
        assert running.failures() == []
        assert not [line for line in running.log.lines if "failed" in line]


# --- switching it on and off ----------------------------------------------------------------------------------


async def test_every_table_that_has_a_workspace_is_guarded(tables):
    of_none = {t.name for t in Row.metadata.tables.values()} - set(guarded_tables())
    assert of_none == {"attempts", "buckets", "client_nonces", "refresh_tokens"}
    owner = Database(tables[0])
    async with owner.write() as connection:
        assert await guarded_now(connection) == set(guarded_tables())
    await owner.close()
    assert len(guarded_tables()) >= TABLES_MIN


async def test_the_command_puts_it_on_and_takes_it_away(own_database, tables):
    async with own_database() as url:
        database = Database(url)
        assert await command("row-security", "on", DATABASE_URL=url) == (0, "row level security is on\n")
        async with database.write() as connection:
            assert await guarded_now(connection) == set(guarded_tables())
        assert await command("row-security", "off", DATABASE_URL=url) == (0, "row level security is off\n")
        async with database.write() as connection:
            assert await guarded_now(connection) == set()
            await enable(connection)
            await disable(connection)
            assert await guarded_now(connection) == set()
        await database.close()


async def test_a_server_does_not_start_on_what_it_does_not_expect(own_database, tables):
    owned, held = tables
    status, said = await command("serve", DATABASE_URL=owned, DATABASE_ROW_SECURITY="on")
    assert (status, "superuser" in said) == (1, True)
    status, said = await command("serve", DATABASE_URL=held)
    assert (status, "DATABASE_ROW_SECURITY is off" in said) == (1, True)
    async with own_database() as bare:
        status, said = await command("serve", DATABASE_URL=bare, DATABASE_ROW_SECURITY="on")
        assert (status, "row-security on" in said) == (1, True)
    status, said = await command("serve", DATABASE_URL="sqlite:///x.db", DATABASE_ROW_SECURITY="on")
    assert (status, "needs PostgreSQL" in said) == (2, True)


async def test_an_operator_sees_all_workspaces(tables):
    """Commands of an operator's go on, as the owner or as the user of the server."""
    for url in tables:
        name = f"root-{secrets.token_hex(4)}"
        given = ("--username", name, "--email", f"{name}@example.com", "--password", PASSWORD)
        status, said = await command("create-admin", *given, DATABASE_URL=url)
        assert (status, f"{name} may do everything on this server." in said) == (0, True)
        assert (await command("migrate", DATABASE_URL=url))[0] == 0


async def test_demo_data_is_written_where_there_is_no_copy(tables):
    status, said = await command("seed", DATABASE_URL=tables[1], DATABASE_ROW_SECURITY="on")
    assert (status, "120 chats" in said) == (0, True), said


async def test_a_connection_that_says_nothing_sees_nothing(tables):
    held = Database(tables[1])
    rows = await held.fetch(text("select count(*) from users"))
    assert rows[0][0] == 0
    await held.close()
    whole = Database(tables[1], sees_all=True)
    assert (await whole.fetch(text("select count(*) from users")))[0][0] > 0
    await whole.close()
