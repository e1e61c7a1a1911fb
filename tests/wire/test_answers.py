"""Answers over HTTP: status, media type, request id and time; pages of other origins; the other paths."""

import re

import pytest

from graph.settings import VERSION
from tests.running import PROJECT
from tests.wire.caller import GRAPHQL_JSON, JSON
from tests.wire.conftest import PRODUCTION

VIEWER = "{ viewer { permissions } }"
CHANNELS = "{ channels { nodes { id } } }"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MADE_ID = re.compile(r"[0-9a-f]{32}")

pytestmark = pytest.mark.usefixtures("calm")


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


async def test_in_production_only_the_pages_that_settings_name_may_call(production):
    server, _ = production
    assert (await preflight(server.web, PRODUCTION["ALLOWED_ORIGINS"])).status_code == 200
    assert (await preflight(server.web, "http://localhost:5173")).status_code == 400
    assert (await server.web.get("/", headers={"Host": "evil.example"})).status_code == 400


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
