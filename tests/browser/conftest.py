"""A real browser, a shop to show it, and the promise that it asks nobody but our own server."""

import os
import shutil
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, async_playwright

from graph.graphiql import FOLDER
from tests.browser.shop import Shop, open_shop
from tests.browser.workbench import Workbench
from tests.running import Running, serve

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = ViewportSize(width=1280, height=800)


def need(thing: object, absent: str) -> None:
    """Skips what cannot run here; continuous integration has to have it."""
    if not thing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(absent)


@pytest.fixture(scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A server in development. What the page does to it may not make it fail."""
    async with serve(f"sqlite:///{tmp_path_factory.mktemp('browser') / 'browser.db'}") as server:
        yield server
    assert server.failures() == []


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window, with a folder of its own."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    need(program, "needs Chromium (Debian: apt-get install chromium)")
    need((FOLDER / "index.html").is_file(), "needs GraphiQL built: make setup")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def shop(running: Running) -> Shop:
    """Whose page it is."""
    return await open_shop(running.web)


@pytest.fixture
async def page(browser: Browser, running: Running) -> AsyncIterator[Page]:
    """A new visitor's page. It may ask our server alone, and has nothing to complain of."""
    context = await browser.new_context(viewport=WIDE, base_url=running.url)
    page = await context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if is_complaint(line) else None)
    yield page
    await context.close()
    ours = urlsplit(running.url).netloc
    assert {
        url for url in asked if urlsplit(url).netloc != ours and not url.startswith(("data:", "blob:"))
    } == set()
    assert complaints == []


def is_complaint(line: ConsoleMessage) -> bool:
    """An error that is not just the browser's note of an answer that was an error and meant so."""
    return line.type == "error" and not line.location["url"].endswith("/graphql")


@pytest.fixture
def workbench(page: Page, shop: Shop) -> Workbench:
    """The page as a person uses it."""
    return Workbench(page, shop)
