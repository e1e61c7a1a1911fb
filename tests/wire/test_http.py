"""The graph over HTTP: the specification's audits, status codes, refusals, failures, and the other paths."""

import asyncio
import json
import re
import secrets
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text

from db.engine import Database
from graph.settings import VERSION
from services.tokens import Tokens
from tests.node import run_program
from tests.running import PROJECT
from tests.wire.caller import GRAPHQL_JSON, PASSWORD, REGISTER, Caller, register
from tests.wire.conftest import PRODUCTION

AUDITS = 61
JSON = "application/json"
VIEWER = "{ viewer { permissions } }"
CHANNELS = "{ channels { nodes { id } } }"
RENAME = """mutation ($name: String!) {
  workspaceUpdate(input: {name: $name}) { workspace { name } userErrors { code } }
}"""
WORKSPACE = "{ viewer { workspace { name } } }"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MADE_ID = re.compile(r"[0-9a-f]{32}")

pytestmark = pytest.mark.usefixtures("calm")


def code_of(answer):
    """The code of an answer that has one error and no data."""
    body = answer.json()
    assert "data" not in body
    (error,) = body["errors"]
    return error["extensions"]["code"]


async def post(web, body, **headers):
    """A body as it is."""
    return await web.post("/graphql", content=body, headers={"Content-Type": JSON, **headers})


async def test_the_audits_of_the_specification_pass(running):
    audits = await run_program("audits.mjs", running.graphql)
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len({audit["id"] for audit in audits}) == AUDITS


# --- what is taken ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ['[{"query": "{ __typename }"}]', "[]", "[1, 2]"])
async def test_a_batch_is_refused(web, body):
    answer = await post(web, body)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "nonsense",
        "1",
        '"query"',
        "null",
        "true",
        "{}",
        '{"query": null}',
        '{"query": 1}',
        '{"query": ["{ __typename }"]}',
        '{"query": "{ __typename }", "variables": [1]}',
        '{"query": "{ __typename }", "variables": "{}"}',
        '{"query": "{ __typename }", "operationName": 1}',
        '{"query": "{ __typename }", "operationName": {}}',
        '{"query": "{ __typename }", "extensions": []}',
        '{"query": "{ __typename }", "variables": {"a": ' + "[" * 100_000,
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"query": "\\ud800"}',
        b'{"query": "\xff"}',
        '{"query": "{ __typename }"} trailing',
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_malformed_body_is_refused_and_said_so(web, body, accept):
    answer = await post(web, body, Accept=accept)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"


@pytest.mark.parametrize(
    "document",
    [
        "",
        " ",
        "{",
        "{ nothing }",
        "fragment F on Query { __typename }",
        "query A { __typename } query B { __typename }",
        "{" * 100_000,
        "{ a " * 300 + "}" * 300,
        "{ a(b: " + "[" * 5_000 + "]" * 5_000 + ") }",
        '{ user(by: {username: "\\ud800"}) { id } }',
        "query ($a: " + "[" * 3_000 + "Int" + "]" * 3_000 + ") { __typename }",
        "query ($a: Nothing) { __typename }",
        "type Query { a: Int }",
    ],
)
async def test_a_document_that_makes_no_sense_is_refused_and_said_so(owner, document):
    answer = await owner.post(document)
    assert answer.status_code == 400
    assert "data" not in answer.json()
    assert {e["extensions"]["code"] for e in answer.json()["errors"]} == {"VALIDATION_ERROR"}


async def test_an_operation_that_is_not_in_the_document_is_refused(web):
    body = {"query": "query A { __typename }", "operationName": "B"}
    answer = await web.post("/graphql", json=body, headers={"Accept": GRAPHQL_JSON})
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


async def test_only_the_operation_that_is_named_runs(web):
    body = {"query": "query A { a: __typename } query B { b: __typename }", "operationName": "B"}
    answer = await web.post("/graphql", json=body)
    assert answer.json()["data"] == {"b": "Query"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "text/json"])
async def test_other_media_types_are_refused(owner, content_type):
    """A page of any origin may send these without asking."""
    body = json.dumps({"query": RENAME, "variables": {"name": "Taken over"}})
    answer = await owner.web.post(
        "/graphql", content=body, headers={**owner.headers, "Content-Type": content_type}
    )
    assert (answer.status_code, code_of(answer)) == (415, "VALIDATION_ERROR")
    assert (await owner.ask(WORKSPACE))["workspace"]["name"] != "Taken over"


async def test_forms_are_refused(owner):
    operations = json.dumps({"query": RENAME, "variables": {"name": "Taken over"}})
    for form in ({"data": {"query": VIEWER}}, {"files": {"operations": (None, operations)}}):
        answer = await owner.web.post("/graphql", headers=owner.headers, **form)
        assert (answer.status_code, code_of(answer)) == (415, "VALIDATION_ERROR")
    assert (await owner.ask(WORKSPACE))["workspace"]["name"] != "Taken over"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused(web, method):
    answer = await web.request(method, "/graphql", params={"query": VIEWER})
    assert (answer.status_code, code_of(answer)) == (405, "VALIDATION_ERROR")
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("document", "name", "accept"),
    [
        (RENAME, None, "*/*"),
        (RENAME, None, GRAPHQL_JSON),
        (RENAME, None, "text/event-stream"),
        ("query A { __typename } " + RENAME.replace("mutation", "mutation B", 1), "B", "*/*"),
    ],
)
async def test_get_never_changes_anything(owner, document, name, accept):
    given = {"query": document, "variables": json.dumps({"name": "Changed by GET"})}
    given |= {"operationName": name} if name else {}
    answer = await owner.web.get("/graphql", params=given, headers={**owner.headers, "Accept": accept})
    assert (answer.status_code, code_of(answer)) == (405, "VALIDATION_ERROR")
    assert (await owner.ask(WORKSPACE))["workspace"]["name"] != "Changed by GET"


async def test_get_runs_no_mutation_that_is_only_the_first_of_several(owner):
    document = (
        'mutation A { workspaceUpdate(input: {name: "First"}) { workspace { id } } } query B { __typename }'
    )
    answer = await owner.web.get(
        "/graphql", params={"query": document}, headers={**owner.headers, "Accept": GRAPHQL_JSON}
    )
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
    assert (await owner.ask(WORKSPACE))["workspace"]["name"] != "First"


async def test_the_same_mutation_by_post_changes(owner):
    name = f"Renamed {secrets.token_hex(4)}"
    await owner.ask(RENAME, name=name)
    assert (await owner.ask(WORKSPACE))["workspace"]["name"] == name


async def test_get_answers_queries(owner):
    given = {
        "query": "query ($id: ID!) { nodes(ids: [$id]) { id } }",
        "variables": json.dumps({"id": owner.user_id}),
    }
    answer = await owner.web.get("/graphql", params=given, headers=owner.headers)
    assert answer.json()["data"] == {"nodes": [{"id": owner.user_id}]}


@pytest.mark.parametrize("variables", ["{", "1", "[]", "nonsense"])
async def test_get_with_malformed_variables_is_refused(web, variables):
    answer = await web.get("/graphql", params={"query": "{ __typename }", "variables": variables})
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


async def test_get_without_a_query_is_refused(web):
    for accept in ("*/*", "text/html", JSON):
        answer = await web.get("/graphql", headers={"Accept": accept})
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


async def test_a_subscription_needs_a_stream(owner, chat):
    document = "subscription ($id: ID!) { messageAdded(conversationId: $id) { id } }"
    answer = await owner.post(document, {"id": chat})
    assert (answer.status_code, code_of(answer)) == (406, "VALIDATION_ERROR")


async def test_a_client_that_leaves_within_its_request_is_no_failure(running):
    where = urlsplit(running.url)
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    request_id = secrets.token_hex(16)
    head = f"POST /graphql HTTP/1.1\r\nHost: {where.netloc}\r\nX-Request-ID: {request_id}\r\n"
    writer.write(f"{head}Content-Type: {JSON}\r\nContent-Length: 1000\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert "499" in await running.log.find(lambda line: request_id in line)


# --- who is asking ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer nonsense",
        "Bearer",
        "Bearer a.b.c",
        "Basic YTpi",
        "nonsense",
        "",
        "forged",
    ],
)
async def test_an_invalid_token_is_refused_even_where_none_is_needed(web, make, authorization):
    if authorization == "forged":
        viewer = await make.owner()
        forger = Tokens({"default": "another secret, which is long enough too"})
        token = forger.issue(viewer.id, viewer.workspace_id, viewer.session_id, "forged")
        authorization = f"Bearer {token}"
    answer = await web.post("/graphql", json={"query": VIEWER}, headers={"Authorization": authorization})
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_scheme_is_taken_in_any_case(owner):
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {owner.token}"}
        answer = await owner.web.post("/graphql", json={"query": VIEWER}, headers=headers)
        assert answer.json()["data"]["viewer"]["permissions"]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_nobody_may_ask_who_is_asking_but_for_nothing_else(nobody, accept):
    answer = await nobody.post(VIEWER, accept=accept)
    assert (answer.status_code, answer.json()["data"]) == (200, {"viewer": None})
    answer = await nobody.post(CHANNELS, accept=accept)
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    assert answer.json()["errors"][0]["path"] == ["channels"]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_missing_permission_is_said_and_nothing_runs(owner, accept):
    member = await owner.member("CUSTOMERS_READ")
    answer = await member.post("{ viewer { permissions } all: channels { nodes { id } } }", accept=accept)
    assert (answer.status_code, code_of(answer)) == (403, "ACCESS_DENIED")
    assert answer.json()["errors"][0]["path"] == ["all"]
    assert (await member.ask("{ customers { totalCount } }"))["totalCount"] >= 0


# --- what is answered ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "status", "older_status", "has_data"),
    [
        ("{ __typename }", 200, 200, True),
        ('{ __typename nodes(ids: "nonsense") { id } }', 200, 200, True),
        ('{ __typename user(by: {id: "chat_1"}) { id } chats(first: 1000) { totalCount } }', 200, 200, True),
        ("{", 400, 200, False),
        ("{ nothing }", 400, 200, False),
        ("query ($id: ID!) { __typename }", 400, 200, False),
        ("{ __typename channels }", 400, 200, False),
    ],
)
async def test_the_status_follows_the_media_type(owner, document, status, older_status, has_data):
    answer = await owner.post(document)
    older = await owner.post(document, accept=JSON)
    assert (answer.status_code, older.status_code) == (status, older_status)
    assert answer.headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"
    assert older.headers["content-type"] == f"{JSON}; charset=utf-8"
    first, second = answer.json(), older.json()
    assert ("data" in first, "data" in second) == (has_data, has_data)
    assert first.get("data") == second.get("data")
    assert first.get("errors") == second.get("errors")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", JSON),
        ("text/html", JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{JSON};q=0.5, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", JSON),
        (f"{GRAPHQL_JSON};q=0, {JSON}", JSON),
        (f"{GRAPHQL_JSON.upper()}; charset=utf-8", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON}, text/event-stream, multipart/mixed", GRAPHQL_JSON),
        ("a,,;q=x,;;q=5, b;q=1.5", JSON),
    ],
)
async def test_the_media_type_is_what_the_client_likes_best(nobody, accept, kind):
    answer = await nobody.post("{ __typename }", accept=accept)
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert "accept" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": "{ __typename }"}, 200),
        ({"query": "{"}, 400),
        ({"query": CHANNELS}, 401),
        ([], 400),
        (1, 400),
        (None, 415),
    ],
)
async def test_every_answer_has_its_request_id_and_its_time(web, body, status):
    for given in ("web_1.2-3", None, "not an id"):
        headers = {"Accept": GRAPHQL_JSON} | ({"X-Request-ID": given} if given else {})
        answer = await web.post("/graphql", json=body, headers=headers)
        assert answer.status_code == status
        told = answer.json()["extensions"]
        assert told["requestId"] == answer.headers["x-request-id"]
        assert INSTANT.fullmatch(told["timestamp"])
        if given == "web_1.2-3":
            assert told["requestId"] == given
        else:
            assert MADE_ID.fullmatch(told["requestId"])


async def test_answers_are_not_stored_on_the_way(owner):
    answer = await owner.post(VIEWER)
    assert answer.headers["cache-control"] == "no-store"


# --- pages of other origins ---------------------------------------------------------------------------------


async def preflight(web, origin):
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return await web.options("/graphql", headers={"Origin": origin, **asked})


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "https://localhost", "http://127.0.0.1:3000", "http://[::1]:80"]
)
async def test_in_development_any_page_of_this_machine_may_call(web, origin):
    allowed = await preflight(web, origin)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == origin
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    answer = await web.post("/graphql", json={"query": VIEWER}, headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost.evil.example", "http://evil.example:80#localhost", "null"],
)
async def test_no_other_page_may(web, origin):
    assert (await preflight(web, origin)).status_code == 400
    answer = await web.post("/graphql", json={"query": VIEWER}, headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


# --- the other paths ----------------------------------------------------------------------------------------


async def test_the_front_page_says_where_to_go_on(web):
    front = (await web.get("/")).json()
    assert (front["name"], front["version"]) == ("Switchboard", VERSION)
    for path in set(front["links"].values()) - {"/graphql"}:
        assert (await web.get(path)).status_code == 200


async def test_the_schema_is_the_committed_one(web):
    answer = await web.get("/schema.graphql")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == (PROJECT / "schema.graphql").read_text()


async def test_health_is_told(web):
    assert [(await web.get(path)).text for path in ("/livez", "/readyz")] == ["ok", "ok"]
    health = await web.get("/health")
    body = health.json()
    assert (health.status_code, body["status"], body["version"], body["draining"]) == (
        200,
        "UP",
        VERSION,
        False,
    )
    database = body["checks"]["database"]
    assert database["status"] == "UP"
    assert database["pool"]["total"] == database["pool"]["active"] + database["pool"]["idle"]


async def test_there_is_nothing_else(web):
    assert (await web.get("/nowhere")).status_code == 404


# --- failures -----------------------------------------------------------------------------------------------


async def run_sql(url, statement):
    database = Database(url)
    async with database.write() as connection:
        await connection.execute(text(statement))
    await database.close()


def assert_masked(answer, request_id):
    """Told as INTERNAL with the request id, and nothing of the inside."""
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": request_id}
    assert answer.json()["extensions"]["requestId"] == request_id
    for inside in (
        "channels_away",
        "sessions",
        "sqlite",
        "asyncpg",
        "SELECT",
        "relation",
        ".py",
        "Traceback",
    ):
        assert inside.lower() not in answer.text.replace('"path":["channels"]', "").lower()


async def assert_logged_once(server, request_id, *names):
    """One line at error level, which says what was wrong, and the line of the request."""
    failure, request = await server.records(request_id)
    assert (failure["level"], request["level"]) == ("error", "info")
    for name in ("Traceback", *names):
        assert name in failure["exception"]


async def test_what_nobody_foresaw_is_masked_and_logged_once(production):
    server, url = production
    async with httpx.AsyncClient(base_url=server.url) as web:
        owner = await register(web)
        newcomer = {"username": "newcomer", "email": "newcomer@example.com", "password": PASSWORD}
        token = (await Caller(web).ask(REGISTER, **newcomer))["accessToken"]

        await run_sql(url, "ALTER TABLE channels RENAME TO channels_away")
        in_a_field = await owner.post(CHANNELS, **{"X-Request-ID": "in-a-field"})
        assert_masked(in_a_field, "in-a-field")
        await assert_logged_once(server, "in-a-field", "channels")

        await run_sql(url, "ALTER TABLE sessions RENAME TO sessions_away")
        earlier = await Caller(web, token).post(VIEWER, **{"X-Request-ID": "before-any-field"})
        assert earlier.status_code == 500
        assert_masked(earlier, "before-any-field")
        await assert_logged_once(server, "before-any-field", "sessions")

        await run_sql(url, "ALTER TABLE channels_away RENAME TO channels")
        await run_sql(url, "ALTER TABLE sessions_away RENAME TO sessions")
        assert len((await owner.ask(CHANNELS))["nodes"]) == 1
        assert (await Caller(web, token).ask(VIEWER))["permissions"]


async def test_in_production_only_the_pages_that_settings_name_may_call(production):
    server, _ = production
    async with httpx.AsyncClient(base_url=server.url) as web:
        assert (await preflight(web, PRODUCTION["ALLOWED_ORIGINS"])).status_code == 200
        assert (await preflight(web, "http://localhost:5173")).status_code == 400
        assert (await web.get("/", headers={"Host": "evil.example"})).status_code == 400
