"""Trusted documents on every transport: asked for by hash, and alone where the server says so."""

import hashlib
import json

import pytest

from graph.trusted import read_manifest
from tests.running import command, serve
from tests.wire.caller import JSON, LOGIN, REGISTER, Caller, register
from tests.wire.line import FOLLOW, line_to

LISTED = "query Listed { viewer { user { id } } }"
OTHER = "query Other { viewer { user { username } } }"
DOCUMENTS = (LISTED, FOLLOW, REGISTER, LOGIN)


def hash_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def by_apollo(text):
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}}


def by_id(text):
    return {"documentId": f"sha256:{hash_of(text)}"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """A file that lists what clients may ask."""
    path = tmp_path_factory.mktemp("trusted") / "trusted.json"
    path.write_text(json.dumps({hash_of(text): text for text in DOCUMENTS}))
    return path


@pytest.fixture(scope="module")
async def enforcing(own_database, manifest):
    """A server that runs trusted documents alone."""
    settings = {"TRUSTED_DOCUMENTS": "enforce", "TRUSTED_DOCUMENTS_FILE": str(manifest)}
    async with own_database() as url, serve(url, **settings) as server:
        yield server
    assert server.failures() == []


@pytest.fixture
async def owner(enforcing):
    return await register(enforcing.web)


@pytest.fixture
async def agent(owner):
    """A member that administers nothing."""
    return await owner.member("CHATS_READ")


async def ask(caller, members, **headers):
    return await caller.web.post("/graphql", json=members, headers={**caller.headers, **headers})


def codes(answer):
    return [error["extensions"]["code"] for error in answer.json().get("errors", [])]


@pytest.mark.parametrize("named", [by_apollo, by_id, lambda text: {"query": text}])
async def test_a_listed_document_runs_by_text_and_by_hash(agent, named):
    posted = await ask(agent, named(LISTED))
    assert posted.json()["data"]["viewer"]["user"]["id"]
    parameters = {k: v if isinstance(v, str) else json.dumps(v) for k, v in named(LISTED).items()}
    got = await agent.web.get("/graphql", params=parameters, headers=agent.headers)
    assert got.json()["data"] == posted.json()["data"]
    streamed = await ask(agent, named(LISTED), Accept="text/event-stream")
    assert "event: next" in streamed.text
    assert posted.json()["data"]["viewer"]["user"]["id"] in streamed.text


async def test_what_is_not_listed_is_refused_below_an_administrator(owner, agent, enforcing):
    for caller in (agent, Caller(enforcing.web)):
        for accept in (JSON, "application/graphql-response+json", "text/event-stream"):
            refused = await ask(caller, {"query": OTHER}, Accept=accept)
            assert (refused.status_code, codes(refused)) == (403, ["ACCESS_DENIED"])
            assert "data" not in refused.json()
        refused = await caller.web.get("/graphql", params={"query": OTHER}, headers=caller.headers)
        assert (refused.status_code, codes(refused)) == (403, ["ACCESS_DENIED"])
    assert (await ask(owner, {"query": OTHER})).json()["data"]["viewer"]["user"]["username"]
    assert (await ask(agent, {"query": LISTED})).json()["data"]["viewer"]


@pytest.mark.parametrize(
    ("members", "code", "status"),
    [
        (by_apollo(OTHER), "NOT_FOUND", 404),
        (by_id(OTHER), "NOT_FOUND", 404),
        ({"documentId": "sha256:1"}, "VALIDATION_ERROR", 400),
        ({"documentId": 1}, "VALIDATION_ERROR", 400),
        ({"extensions": {"persistedQuery": {"version": 2}}}, "VALIDATION_ERROR", 400),
        ({"query": LISTED, **by_apollo(OTHER)}, "VALIDATION_ERROR", 400),
    ],
)
async def test_a_hash_that_stands_for_nothing_is_told(owner, members, code, status):
    answer = await ask(owner, members)
    assert (answer.status_code, codes(answer)) == (status, [code])
    assert (await ask(owner, {"query": LISTED, **by_apollo(LISTED)})).json()["data"]["viewer"]


async def test_over_a_socket_too(enforcing, owner, agent):
    chat = await owner.chat()
    async with line_to(enforcing) as line:
        await line.start({"authorization": f"Bearer {agent.token}"})
        for id, members in (("a", {"query": OTHER}), ("b", by_apollo(OTHER)), ("c", {"documentId": "x"})):
            await line.send(id=id, type="subscribe", payload=members)
        refused = [await line.read() for _ in range(3)]
        assert [(f["id"], f["type"]) for f in refused] == [("a", "error"), ("b", "error"), ("c", "error")]
        told = [f["payload"][0]["extensions"]["code"] for f in refused]
        assert told == ["ACCESS_DENIED", "NOT_FOUND", "VALIDATION_ERROR"]
        variables = {"conversationId": chat, "after": 0}
        await line.send(id="d", type="subscribe", payload={**by_id(FOLLOW), "variables": variables})
        first = await line.read()
        assert (first["id"], first["type"]) == ("d", "next")
        assert first["payload"]["data"]["messageAdded"]["sequence"] == 1


async def test_in_the_log_alone_everything_runs_and_is_noted_once(own_database, manifest):
    settings = {"TRUSTED_DOCUMENTS": "log", "TRUSTED_DOCUMENTS_FILE": str(manifest)}
    async with own_database() as url, serve(url, **settings) as server:
        nobody = Caller(server.web)
        for text in (OTHER, OTHER, LISTED):
            members = {"query": text, "operationName": "Other" if text == OTHER else "Listed"}
            assert (await ask(nobody, members)).json()["data"] == {"viewer": None}
        await server.settle()
        noted = [line for line in server.log.lines if "not trusted" in line]
        assert len(noted) == 1
        assert hash_of(OTHER) in noted[0]
        assert "Other" in noted[0]


async def test_a_manifest_that_lies_stops_the_start(tmp_path):
    path = tmp_path / "manifest.json"
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/a.db", "TRUSTED_DOCUMENTS": "enforce"}
    for text, told in (
        ("{", "should be a JSON file"),
        ("[]", "should list documents"),
        (json.dumps({hash_of(OTHER): LISTED}), "is not its SHA-256"),
    ):
        path.write_text(text)
        status, said = await command("serve", **settings, TRUSTED_DOCUMENTS_FILE=str(path))
        assert status == 2
        assert "TRUSTED_DOCUMENTS_FILE" in said
        assert told in " ".join(said.split())
    status, said = await command("serve", **settings)
    assert (status, "is required where TRUSTED_DOCUMENTS is not off" in said) == (2, True)


async def test_a_manifest_is_made_of_files_and_read_in_its_three_forms(tmp_path):
    folder, output = tmp_path / "documents", tmp_path / "out.json"
    folder.mkdir()
    (folder / "listed.graphql").write_text(LISTED)
    (tmp_path / "other.graphql").write_text(OTHER)
    both = {hash_of(LISTED): LISTED, hash_of(OTHER): OTHER}
    places = (str(folder), str(tmp_path / "other.graphql"))
    status, said = await command("trust", *places, "--output", str(output))
    assert (status, "out.json: 2" in " ".join(said.split())) == (0, True)
    assert read_manifest(output) == both
    operations = [{"id": id, "body": text, "name": "x", "type": "query"} for id, text in both.items()]
    apollo = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    for written in (apollo, {f"sha256:{id}": text for id, text in both.items()}):
        output.write_text(json.dumps(written))
        assert read_manifest(output) == both
    (folder / "wrong.graphql").write_text("{ nothing }")
    output.unlink()
    status, said = await command("trust", *places, "--output", str(output))
    assert (status, "wrong.graphql" in said, output.exists()) == (1, True, False)
