"""The documentation does what it says: every snippet runs, what is generated is in step, every link leads somewhere."""

import os
import re
import runpy
import shutil

import pytest

from db.engine import Database
from db.migrate import migrate
from tests.databases import create_database, drop_database
from tests.running import PROJECT, serve
from tests.snippets import Page, links, snippets_of
from tests.wire.caller import LOGIN, PASSWORD, Caller, register
from tests.wire.signer import make_signer

DOCS = PROJECT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
RUN = {
    "authentication.md": 13,
    "configuration.md": 5,
    "data-model.md": 3,
    "deployment.md": 14,
    "errors.md": 5,
    "limits.md": 1,
    "lists.md": 7,
    "live.md": 7,
    "quick-start.md": 10,
    "upgrading.md": 3,
}
"""How many snippets each page has, so that none is lost unseen."""
CUSTOMER = "query ($id: ID!) { chat(by: {id: $id}) { customer { id } } }"
RECEIVE = """mutation ($input: MessageReceiveInput!) {
  messageReceive(input: $input) { message { chat { id } } userErrors { code message path } }
}"""
PRODUCT = """mutation ($input: ProductCreateInput!) {
  productCreate(input: $input) { product { id } userErrors { code message path } }
}"""
ORDER = """mutation ($input: OrderCreateInput!) {
  orderCreate(input: $input) { order { id } userErrors { code message path } }
}"""


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    """A server of the documentation's own, on a port of its own."""
    async with serve(f"sqlite:///{tmp_path_factory.mktemp('docs')}/docs.db") as server:
        yield server
    assert server.failures() == []


@pytest.fixture(scope="module")
async def empty_database(tmp_path_factory):
    """What a page finds as switchboard.db beside it."""
    path = tmp_path_factory.mktemp("empty") / "switchboard.db"
    database = Database(f"sqlite:///{path}")
    await migrate(database)
    await database.close()
    return path


@pytest.fixture
async def business(running):
    """The variables of the pages: somebody who is signed in, with a chat, a customer, products and orders."""
    owner = await register(running.web)
    for number, content in enumerate(("Hello!", "Do you have tea?")):
        message = {"channelId": owner.channel_id, "platformCustomerId": "c-1", "customerName": "Ana"}
        given = {**message, "platformMessageId": f"m-{number}", "content": content}
        chat = (await owner.ask(RECEIVE, input=given))["message"]["chat"]["id"]
    customer = (await owner.ask(CUSTOMER, id=chat))["customer"]["id"]
    orders = []
    for sku, name in (("TEA-1", "Green tea"), ("CUP-1", "Cup"), ("POT-1", "Pot")):
        price = {"amount": "4.50", "currency": "USD"}
        product = (await owner.ask(PRODUCT, input={"sku": sku, "name": name, "price": price}))["product"]
        items = [{"productId": product["id"], "quantity": 2}]
        order = await owner.ask(ORDER, input={"customerId": customer, "chatId": chat, "items": items})
        orders.append(order["order"]["id"])
    name = (await owner.ask("{ viewer { user { username } } }"))["user"]["username"]
    login = await Caller(running.web).ask(LOGIN, username=name, password=PASSWORD)
    program = await make_signer(owner, "CHATS_READ", "MESSAGES_RECEIVE")
    return {
        "KEY_ID": program.key_id,
        "API_SECRET": program.secret,
        "TOKEN": owner.token,
        "REFRESH_TOKEN": login["refreshToken"],
        "USERNAME": name,
        "PASSWORD": PASSWORD,
        "CHAT": chat,
        "CUSTOMER": customer,
        "ORDER": orders[0],
    }


@pytest.fixture(scope="module")
async def postgres(postgres_url):
    """An empty database on PostgreSQL, for the page that migrates one."""
    url = await create_database(postgres_url, f"switchboard_docs_{os.getpid()}")
    yield url
    await drop_database(url)


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_does_what_it_says(name, running, business, empty_database, postgres, tmp_path):
    text = (DOCS / name).read_text()
    links(tmp_path)
    shutil.copy(empty_database, tmp_path)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT), **business}
    page = Page(running, tmp_path, environment, postgres)
    for snippet in snippets_of(text):
        await page.run(snippet)
    assert len(page.ran) == RUN[name]


def test_every_page_is_counted_and_has_something_to_run():
    assert sorted(RUN) == PAGES
    assert min(RUN.values()) > 0


@pytest.mark.parametrize("name", PAGES)
def test_what_is_generated_is_in_step(name):
    text = (DOCS / name).read_text()
    assert runpy.run_path(str(DOCS / "generate.py"))["written"](text) == text, "run make docs"
    parts = {"data-model.md": ["diagram", "types"], "errors.md": ["codes"], "configuration.md": ["settings"]}
    parts["limits.md"] = ["levels"]
    assert re.findall(r"^<!-- generated: (\w+) -->$", text, re.M) == parts.get(name, [])


@pytest.mark.parametrize("name", [*PAGES, "../README.md"])
def test_every_link_leads_somewhere(name):
    page = DOCS / name
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        path, _, place = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), target
        if place:
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.M)
            assert place in [re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings], target


@pytest.mark.parametrize("page", ["```perl\n1\n```\n", "```\nplain\n```\n", "```json\n{}\n```\n"])
def test_what_nobody_runs_is_not_let_in(page):
    with pytest.raises(AssertionError):
        snippets_of(page)


@pytest.mark.parametrize(
    "page",
    [
        "```sh\nfalse\n```\n",
        "```sh\necho no\n```\n```text\nyes\n```\n",
        "```python\nassert False\n```\n",
        "```js\nthrow new Error();\n```\n",
        "```graphql\n{ viewer { nickname } }\n```\n",
        '```graphql\n{ __typename }\n```\n```json\n{"data": {"__typename": "Mutation"}}\n```\n',
        "```graphql\nquery ($id: ID!) { node(id: $id) { id } }\n```\n",
        "```env\nSERVICE_PORT=http\n```\n",
        "```env\nNOBODY=1\n```\n",
        "```ini\n[Service]\nExecStart=python -m graph dance\n```\n",
        "```nginx\nproxy_pass http://127.0.0.1:9000;\n```\n",
    ],
)
async def test_what_is_wrong_in_a_page_is_found(page, running, tmp_path):
    links(tmp_path)
    signed_in = await register(running.web)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), "TOKEN": signed_in.token}
    (snippet,) = snippets_of(page)
    with pytest.raises(AssertionError):
        await Page(running, tmp_path, environment, "").run(snippet)
