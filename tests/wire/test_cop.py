"""What a scanner of GraphQL servers (graphql-cop) looks for, asked of a server in production. Beside each refusal: what is answered."""

import json
from typing import Any

import pytest

from tests.wire.caller import GRAPHQL_JSON, JSON, Caller, code_of, register
from tests.wire.line import line_to

SCHEMA = "{ __schema { queryType { name } } }"
TYPE = '{ __type(name: "Chat") { fields { name } } }'
VIEWER = "{ viewer { permissions } }"
RENAME = (
    'mutation { workspaceUpdate(input: {name: "Taken over"}) { workspace { name } userErrors { code } } }'
)
WORKSPACE = "{ viewer { workspace { name } } }"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
GUESSES: list[tuple[str, Any]] = [
    ("{ vieweer { permissions } }", None),
    ("{ viewer { permision } }", None),
    ("{ chats(frist: 1) { totalCount } }", None),
    ("query ($by: ChatByy!) { chat(by: $by) { id } }", None),
    ("{ viewer { user { ... on Usr { id } } } }", None),
    ("{ chats(filter: {status: {eq: OPENN}}) { totalCount } }", None),
    ("{ chats(filter: {statuss: {eq: OPEN}}) { totalCount } }", None),
    ("query ($filter: ChatFilter) { chats(filter: $filter) { totalCount } }", {"filter": {"statuss": {}}}),
    (
        "query ($filter: ChatFilter) { chats(filter: $filter) { totalCount } }",
        {"filter": {"status": {"eq": "OPENN"}}},
    ),
    ('{ node(id: "x") { content } }', None),
]
"""Documents and variables that are nearly right."""
SUGGESTION = "Did you mean"


@pytest.fixture
def web(production):
    return production[0].web


@pytest.fixture(scope="module")
async def owner(production):
    """Who is signed in; no test changes anything of theirs."""
    return await register(production[0].web)


@pytest.fixture(scope="module")
async def developer(running):
    """The same in development."""
    return await register(running.web)


@pytest.fixture
def nobody(web):
    return Caller(web)


# --- field suggestions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("document", "variables"), GUESSES)
async def test_no_error_suggests_a_name_in_production(owner, nobody, document, variables):
    for caller in (owner, nobody):
        answer = (await caller.post(document, variables)).json()
        assert answer["errors"]
        assert SUGGESTION not in json.dumps(answer)


@pytest.mark.parametrize(("document", "variables"), GUESSES)
async def test_in_development_it_does(developer, document, variables):
    assert SUGGESTION in (await developer.post(document, variables)).text


async def test_no_transport_suggests_a_name_in_production(production, owner):
    document = "{ viewer { permision } }"
    by_get = await owner.web.get("/graphql", params={"query": document}, headers=owner.headers)
    streamed = await owner.post(document, accept="text/event-stream")
    async with line_to(production[0], owner) as line:
        await line.subscribe("1", document)
        over_socket = json.dumps(await line.read())
    for text in (by_get.text, streamed.text, over_socket):
        assert "permision" in text
        assert SUGGESTION not in text


# --- introspection --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        SCHEMA,
        TYPE,
        "{ viewer { permissions } a: __schema { types { name } } }",
        "query { ...F } fragment F on Query { ... { ... on Query { __schema { types { name } } } } }",
        "query A { __typename } query B { __schema { types { name } } }",
    ],
)
async def test_introspection_takes_a_sign_in_in_production(owner, nobody, document):
    name = "B" if "query B" in document else None
    body = {"query": document, "operationName": name}
    refused = await nobody.web.post("/graphql", json=body, headers={"Accept": GRAPHQL_JSON})
    assert (refused.status_code, code_of(refused)) == (401, "UNAUTHENTICATED")
    answer = await owner.web.post("/graphql", json=body, headers=owner.headers)
    assert "errors" not in answer.json()


async def test_introspection_takes_a_sign_in_over_every_transport(production, owner, nobody):
    by_get = await nobody.web.get("/graphql", params={"query": SCHEMA}, headers={"Accept": GRAPHQL_JSON})
    assert (by_get.status_code, code_of(by_get)) == (401, "UNAUTHENTICATED")
    assert "queryType" not in (await nobody.post(SCHEMA, accept="text/event-stream")).text
    assert "queryType" in (await owner.post(SCHEMA, accept="text/event-stream")).text
    async with line_to(production[0]) as line:
        await line.start()
        await line.subscribe("1", SCHEMA)
        assert (await line.read())["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    async with line_to(production[0], owner) as line:
        await line.subscribe("1", SCHEMA)
        assert (await line.read())["payload"]["data"] == {"__schema": {"queryType": {"name": "Query"}}}


async def test_the_name_of_a_type_is_told_to_everybody(nobody):
    assert (await nobody.post("{ __typename }")).json()["data"] == {"__typename": "Query"}


async def test_the_schema_as_text_takes_a_sign_in_as_well(owner, web):
    refused = await web.get("/schema.graphql")
    assert (refused.status_code, "type Query" in refused.text) == (401, False)
    assert (await web.get("/schema.graphql", headers={"Authorization": "Bearer x"})).status_code == 401
    assert "type Query" in (await web.get("/schema.graphql", headers=owner.headers)).text


async def test_in_development_the_schema_is_told_to_everybody(running):
    assert (await Caller(running.web).ask(SCHEMA)) == {"queryType": {"name": "Query"}}


# --- GraphiQL -------------------------------------------------------------------------------------------------


async def test_there_is_no_page_in_production(web):
    for path in ("/graphql", "/graphiql", "/graphiql/", "/graphiql/index.html", "/playground", "/console"):
        answer = await web.get(path, headers={"Accept": BROWSER})
        assert answer.status_code in (400, 404)
        assert "<html" not in answer.text


async def test_in_development_there_is_one(running):
    assert "<html" in (await running.web.get("/graphql", headers={"Accept": BROWSER})).text


# --- what a page of another origin can make a browser send ----------------------------------------------------


async def test_get_is_for_queries_alone(owner):
    """graphql-cop calls queries by GET a finding. They are offered: nothing that a browser adds by itself signs
    anybody in, and GET changes nothing."""
    answer = await owner.web.get("/graphql", params={"query": VIEWER}, headers=owner.headers)
    assert answer.json()["data"]["viewer"]["permissions"]
    refused = await owner.web.get("/graphql", params={"query": RENAME}, headers=owner.headers)
    assert (refused.status_code, code_of(refused)) == (405, "VALIDATION_ERROR")
    assert (await owner.ask(WORKSPACE))["workspace"]["name"] != "Taken over"


async def test_the_same_mutation_as_json_by_post_is_done(web):
    assert (await (await register(web)).ask(RENAME))["workspace"]["name"] == "Taken over"


@pytest.mark.parametrize("form", ["data", "files"])
async def test_a_form_changes_nothing(owner, form):
    members = {"query": RENAME} if form == "data" else {"query": (None, RENAME)}
    answer = await owner.web.post("/graphql", headers=owner.headers, **{form: members})
    assert (answer.status_code, code_of(answer)) == (415, "VALIDATION_ERROR")
    assert (await owner.ask(WORKSPACE))["workspace"]["name"] != "Taken over"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_json_that_does_not_say_so_changes_nothing(owner, content_type):
    """A browser sends these to another origin without asking it first."""
    headers = {**owner.headers, "Content-Type": content_type}
    answer = await owner.web.post("/graphql", content=json.dumps({"query": RENAME}), headers=headers)
    assert (answer.status_code, code_of(answer)) == (415, "VALIDATION_ERROR")
    assert (await owner.ask(WORKSPACE))["workspace"]["name"] != "Taken over"


async def test_nothing_signs_in_but_the_header(owner):
    """Without anything ambient there is nothing that a foreign page could ride on."""
    cookies = {"Cookie": f"access_token={owner.token}; authorization=Bearer {owner.token}"}
    answer = await owner.web.post("/graphql", json={"query": VIEWER}, headers=cookies)
    assert answer.json()["data"] == {"viewer": None}
    for name in ("token", "access_token", "authorization"):
        given = {"query": VIEWER, name: owner.token}
        assert (await owner.web.get("/graphql", params=given)).json()["data"] == {"viewer": None}
    assert "set-cookie" not in (await owner.post(VIEWER)).headers
    assert (await owner.ask(VIEWER))["permissions"]


# --- batches, traces, failures --------------------------------------------------------------------------------


async def test_a_batch_of_ten_is_refused(owner):
    one = {"query": VIEWER}
    answer = await owner.web.post("/graphql", json=[one] * 10, headers=owner.headers)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
    assert "permissions" not in answer.text
    assert (await owner.web.post("/graphql", json=one, headers=owner.headers)).json()["data"]["viewer"]


async def test_no_answer_has_a_trace(owner):
    told = {"X-Plan": "1", "X-Apollo-Tracing": "1", "X-Trace": "1", "Apollo-Federation-Include-Trace": "ftv1"}
    answer = (await owner.post(VIEWER, **told)).json()
    assert answer["data"]
    assert not {"tracing", "ftv1", "plan"} & set(answer["extensions"])


async def test_a_fault_of_the_caller_tells_nothing_of_the_inside(owner):
    for body in ("qwerty", "{}", '{"query": "qwerty"}', '{"query": "query { a(b: \\"c\\") @d }"}'):
        answer = await owner.web.post(
            "/graphql", content=body, headers={**owner.headers, "Content-Type": JSON}
        )
        assert 200 <= answer.status_code < 500
        assert "exception" not in answer.text.lower()
        assert "traceback" not in answer.text.lower()


# --- headers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/graphql", "/schema.graphql", "/health", "/livez", "/metrics", "/nowhere"]
)
async def test_every_answer_says_that_it_is_no_page(owner, running, path):
    for caller in (owner, Caller(running.web)):
        headers = (await caller.web.get(path, headers=caller.headers)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "server" not in headers
    posted = (await owner.post(VIEWER)).headers
    assert posted["x-content-type-options"] == "nosniff"
    refused = (await owner.web.get("/", headers={"Host": "evil.example"})).headers
    assert refused["x-content-type-options"] == "nosniff"


async def test_the_page_says_what_it_may_load_once(running):
    answer = await running.web.get("/graphql", headers={"Accept": BROWSER})
    for name in ("content-security-policy", "x-content-type-options", "referrer-policy"):
        assert len(answer.headers.get_list(name)) == 1
    assert "script-src 'self'" in answer.headers["content-security-policy"]
