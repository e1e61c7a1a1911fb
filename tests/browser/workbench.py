"""The page as a person uses it: signs in, takes operations from the gallery, runs them and reads the answers."""

from playwright.async_api import Locator, Page, expect

from tests.browser.shop import Shop

FIRST_SECONDS = 30
"""The editor is megabytes of script, and the machine may be busy."""


class Workbench:
    """One visitor of `/graphql`."""

    def __init__(self, page: Page, shop: Shop) -> None:
        self.page, self.shop = page, shop
        page.set_default_timeout(FIRST_SECONDS * 1000)
        expect.set_options(timeout=FIRST_SECONDS * 1000)

    @property
    def answer(self) -> Locator:
        """What the server has said last."""
        return self.page.locator(".graphiql-response .view-lines")

    @property
    def refusal(self) -> Locator:
        """What the form says against it."""
        return self.page.get_by_role("main").get_by_role("alert")

    async def open(self) -> None:
        await self.page.goto("/graphql")
        await expect(self.page.get_by_label("Username or e-mail")).to_be_focused()

    async def try_password(self, password: str) -> None:
        await self.page.get_by_label("Username or e-mail").fill(self.shop.username)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()

    async def sign_in(self) -> None:
        """Until the editor is there and knows the schema."""
        await self.open()
        await self.try_password(self.shop.password)
        await expect(self.page.get_by_role("banner")).to_contain_text(self.shop.name)
        await expect(self.page.locator(".graphiql-query-editor .view-lines")).to_be_visible()

    async def take(self, title: str) -> None:
        """Loads an operation of the gallery; it is in a new tab then."""
        tabs = await self.page.locator(".graphiql-tab").count()
        await self.page.get_by_role("button", name=title).first.click()
        await expect(self.page.locator(".graphiql-tab")).to_have_count(tabs + 1)

    async def run(self) -> None:
        await self.page.keyboard.press("Control+Enter")
