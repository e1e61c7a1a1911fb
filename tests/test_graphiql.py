"""What a browser gets at /graphql: the page, how it is kept safe and cached, and how to build it where it is missing."""

import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from graph import graphiql
from graph.settings import Settings

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
OURS = {"'self'", "'none'", "'unsafe-inline'", "data:"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a build would be."""
    monkeypatch.setattr(graphiql, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def built(folder):
    folder.joinpath("index.html").write_text("<title>the page</title>")
    folder.joinpath("icon.svg").write_text("<svg/>")
    folder.joinpath("assets").mkdir()
    folder.joinpath("assets", "main-a1b2c3.js").write_text("1")


@pytest.fixture
async def web(folder):
    async def endpoint(scope, receive, send):
        await PlainTextResponse("the graph")(scope, receive, send)

    app = Starlette(routes=[Route("/graphql", graphiql.Page(endpoint)), graphiql.files()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as web:
        yield web


@pytest.mark.usefixtures("built")
async def test_a_browser_that_opens_the_address_gets_the_page(web):
    answer = await web.get("/graphql", headers={"Accept": BROWSER})
    assert answer.text == "<title>the page</title>"
    assert answer.headers["content-type"].startswith("text/html")
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-cache", "Accept")


@pytest.mark.usefixtures("built")
async def test_everybody_else_gets_the_graph(web):
    for accept in ("*/*", "application/json", "application/graphql-response+json", "text/event-stream"):
        assert (await web.get("/graphql", headers={"Accept": accept})).text == "the graph"
    browser = {"Accept": BROWSER}
    assert (await web.get("/graphql", params={"query": "{ a }"}, headers=browser)).text == "the graph"
    assert (await web.post("/graphql", json={"query": "{ a }"}, headers=browser)).text == "the graph"


@pytest.mark.usefixtures("built")
async def test_the_page_may_load_from_its_own_server_alone(web):
    for path in ("/graphql", "/graphiql/index.html", "/graphiql/assets/main-a1b2c3.js"):
        answer = await web.get(path, headers={"Accept": BROWSER})
        directives = [part.split() for part in answer.headers["content-security-policy"].split(";")]
        assert {source for _, *sources in directives for source in sources} <= OURS
        assert ["default-src", "'none'"] in directives
        assert ["frame-ancestors", "'none'"] in directives
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("built")
async def test_files_with_a_hash_in_their_name_are_kept_for_ever_and_others_are_not(web):
    hashed = await web.get("/graphiql/assets/main-a1b2c3.js")
    assert "immutable" in hashed.headers["cache-control"]
    assert (await web.get("/graphiql/icon.svg")).headers["cache-control"] == "no-cache"
    missing = await web.get("/graphiql/assets/main-000000.js")
    assert (missing.status_code, "immutable" in missing.headers.get("cache-control", "")) == (404, False)


@pytest.mark.usefixtures("built")
async def test_nothing_outside_of_the_folder_is_served(web):
    for path in ("/graphiql/../graphiql.py", "/graphiql/%2e%2e/settings.py", "/graphiql/assets/../../../x"):
        assert (await web.get(path)).status_code == 404


async def test_without_a_build_the_page_says_how_to_make_one(web, folder):
    answer = await web.get("/graphql", headers={"Accept": BROWSER})
    assert answer.status_code == 200
    assert "make setup" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|style=|src=", answer.text)
    assert (await web.get("/graphiql/assets/main-a1b2c3.js")).status_code == 404
    folder.joinpath("index.html").write_text("built meanwhile")
    assert (await web.get("/graphql", headers={"Accept": BROWSER})).text == "built meanwhile"


@pytest.mark.parametrize(
    ("environment", "given", "served"),
    [
        ("development", None, True),
        ("development", "off", False),
        ("production", None, False),
        ("production", "on", True),
    ],
)
def test_it_is_off_in_production_unless_it_is_asked_for(monkeypatch, environment, given, served):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ENVIRONMENT", environment)
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("DB_ENCRYPTION_KEY", "fedcba9876543210fedcba9876543210")
    if given:
        monkeypatch.setenv("GRAPHIQL", given)
    assert Settings.load().graphiql is served
