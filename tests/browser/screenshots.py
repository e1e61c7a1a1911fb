"""Takes the pictures of docs/images, of the demo business: `make screenshots`. Look at them before they are committed."""

import asyncio
import sys

import pytest
from playwright.async_api import expect

from graph.seed import demo, plan
from tests.browser.shop import Shop
from tests.running import PROJECT, environment_of_server, serve
from tests.wire.caller import LOGIN, RECEIVE, Caller

IMAGES = PROJECT / "docs" / "images"
CUSTOMER = """query ($name: String!) {
  customers(first: 1, where: {fullName: {eq: $name}}) { nodes { platformCustomerId channel { id } } }
}"""
WHO = "Nicolò D'Amico"
SAID = (
    "Good morning! Is the Azores Green in stock?",
    "Perfect, two of those then.",
    "One more thing: could you wrap one of them? It is a present.",
)


@pytest.fixture(scope="session")
async def running(tmp_path_factory):
    """A server with what `make run` shows at first."""
    url = f"sqlite:///{tmp_path_factory.mktemp('screenshots') / 'demo.db'}"
    seeding = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "graph", "seed"),
        cwd=PROJECT,
        env=environment_of_server(DATABASE_URL=url),
    )
    assert await seeding.wait() == 0
    async with serve(url) as server:
        yield server
    assert server.failures() == []


@pytest.fixture
async def shop(running):
    """The demo, seen by its administrator."""
    signed_in = await Caller(running.web).ask(LOGIN, username=plan.ADMIN, password=demo.PASSWORD)
    shop = Shop(running.web, signed_in["accessToken"])
    shop.username, shop.password, shop.name = plan.ADMIN, demo.PASSWORD, "Teresa Gouveia"
    return shop


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pictures_of_a_wide_window(workbench, scheme):
    page = workbench.page
    await show(page, scheme)
    await workbench.open()
    await page.screenshot(path=IMAGES / f"sign-in-{scheme}.png")
    await workbench.sign_in()
    await workbench.take("From a product")
    await workbench.run()
    await expect(workbench.answer).to_contain_text("senderType")
    await page.screenshot(path=IMAGES / f"graphiql-{scheme}.png")


async def test_a_picture_of_a_narrow_window(workbench):
    await workbench.page.set_viewport_size({"width": 400, "height": 800})
    await workbench.sign_in()
    await workbench.take("Who am I")
    await workbench.run()
    await expect(workbench.answer).to_contain_text(workbench.shop.name)
    await workbench.page.screenshot(path=IMAGES / "graphiql-narrow.png")


async def test_a_picture_of_a_chat_that_is_followed(workbench):
    page, shop = workbench.page, workbench.shop
    await show(page, "light")
    found = (await shop.post(CUSTOMER, {"name": WHO})).json()["data"]["customers"]["nodes"][0]
    who = {"channelId": found["channel"]["id"], "platformCustomerId": found["platformCustomerId"]}
    for number, content in enumerate(SAID):
        message = {**who, "platformMessageId": f"picture-{number}", "content": content}
        await shop.ask(RECEIVE, input=message)
        if number:
            await expect(workbench.answer).to_contain_text(content)
            continue
        # Whoever has written last is followed.
        await workbench.sign_in()
        await workbench.take("Follow a chat live")
        await workbench.run()
        await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    await page.screenshot(path=IMAGES / "live-light.png")


async def show(page, scheme):
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
