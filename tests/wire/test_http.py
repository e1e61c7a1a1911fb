"""Requests over HTTP: the specification's audits, what is taken and what is refused, and who is asking."""

import asyncio
import json
import secrets
from urllib.parse import urlsplit

import pytest

from services.tokens import Tokens
from tests.node import run_program
from tests.wire.caller import GRAPHQL_JSON, JSON, code_of

AUDITS = 61
VIEWER = "{ viewer { permissions } }"
CHANNELS = "{ channels { nodes { id } } }"
RENAME = """mutation ($name: String!) {
  workspaceUpdate(input: {name: $name}) { workspace { name } userErrors { code } }
}"""
WORKSPACE = "{ viewer { workspace { name } } }"

pytestmark = pytest.mark.usefixtures("calm")


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
        '{"a":' * 40_000,
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
        "{" * 30_000,
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
    for accept in ("*/*", GRAPHQL_JSON, JSON):
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


async def test_a_probe_is_answered_by_whatever_address_it_asks(production):
    running, _ = production
    for path in ("/livez", "/readyz", "/health"):
        assert (await running.web.get(path, headers={"Host": "10.1.2.3:8000"})).status_code == 200
    refused = await running.web.get("/schema.graphql", headers={"Host": "10.1.2.3:8000"})
    assert refused.status_code == 400
