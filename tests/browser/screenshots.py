"""Takes the pictures of docs/images: `make screenshots`. Look at them before they are committed."""

import pytest
from playwright.async_api import expect

from tests.browser.shop import NAME
from tests.running import PROJECT
from tests.wire.caller import PASSWORD

IMAGES = PROJECT / "docs" / "images"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pictures_of_a_wide_window(workbench, scheme):
    page = workbench.page
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await workbench.open()
    await page.screenshot(path=IMAGES / f"sign-in-{scheme}.png")
    await workbench.try_password(PASSWORD)
    await expect(page.get_by_role("banner")).to_contain_text(NAME)
    await workbench.take("From a product")
    await workbench.run()
    await expect(workbench.answer).to_contain_text("Brass ship's lamp")
    await page.screenshot(path=IMAGES / f"graphiql-{scheme}.png")


async def test_a_picture_of_a_narrow_window(workbench):
    await workbench.page.set_viewport_size({"width": 400, "height": 800})
    await workbench.sign_in()
    await workbench.take("Who am I")
    await workbench.run()
    await expect(workbench.answer).to_contain_text(NAME)
    await workbench.page.screenshot(path=IMAGES / "graphiql-narrow.png")
