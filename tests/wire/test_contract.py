"""The operations that clients outside of the project rest on, word for word, over HTTP and WebSocket."""

import json
import re
import secrets

import pytest

from tests.node import run_program
from tests.wire.caller import PASSWORD, Caller

pytestmark = pytest.mark.usefixtures("calm")

UNREADY = re.compile(r"^  presence \{.*\}\n| @idempotent\(key: \"k1\"\)", re.MULTILINE)
"""What the screens ask for that arrives later. A file that still has something else of the kind is not run."""


class Contract:
    """The folder of operations, run by one client after the other; counts what was run."""

    def __init__(self, folder, web):
        self.folder, self.caller, self.ran = folder, Caller(web), set()

    def text(self, name):
        self.ran.add(name)
        return (self.folder / f"{name}.graphql").read_text()

    async def run(self, name, /, **variables):
        """The first root field of the answer, which has no errors of any kind."""
        return await self.caller.ask(self.text(name), **variables)

    def left(self):
        """The operations that were not run."""
        return {path.stem for path in self.folder.glob("*.graphql")} - self.ran


async def test_the_contract_runs_word_for_word(shared_folder, running, web):
    contract = Contract(shared_folder / "contract", web)
    await sign_in(contract)
    cursor = await contract.run("inbox", first=50)
    channel = (await contract.run("connect", platformType="WHATSAPP", name="Shop", accessToken="secret"))[
        "channel"
    ]
    assert (channel["platformType"], channel["hasAccessToken"]) == ("WHATSAPP", True)
    customer = await meet_customer(contract, channel)
    chat = await talk(contract, channel, customer)
    order = await sell(contract, customer, chat)
    await look_back(contract, customer, chat, order)
    await follow(contract, running, chat)
    await follow_everything(contract, running, chat, cursor)
    assert contract.left() == set()


async def sign_in(contract):
    name = f"contract-{secrets.token_hex(6)}"
    person = {"username": name, "password": PASSWORD}
    registered = await contract.run(
        "register", **person, email=f"{name}@example.com", businessName="Contract & Sons"
    )
    assert registered["user"]["username"] == name
    contract.caller.token = registered["accessToken"]
    # Everything else runs on the token of `register`: neither of these replaces or ends it.
    login = await contract.run("login", **person)
    assert (login["tokenType"], login["user"]["id"]) == ("Bearer", registered["user"]["id"])
    refreshed = await contract.run("refresh", refreshToken=login["refreshToken"])
    assert refreshed["refreshToken"] != login["refreshToken"]


async def meet_customer(contract, channel):
    given = {
        "channelId": channel["id"],
        "platformCustomerId": "c-1",
        "fullName": "Ana",
        "email": "ana@example.com",
    }
    customer = (await contract.run("customer_upsert", input=given))["customer"]
    assert (customer["fullName"], customer["channel"]) == ("Ana", {"id": channel["id"]})
    return customer


async def talk(contract, channel, customer):
    given = {
        "channelId": channel["id"],
        "platformCustomerId": customer["platformCustomerId"],
        "platformMessageId": "m-1",
        "content": "Do you have tea?",
    }
    received = (await contract.run("receive", input=given))["message"]
    assert received["chat"]["customer"]["id"] == customer["id"]
    assert (await contract.run("receive", input=given))["message"] == received  # twice changes nothing
    chat = received["chat"]
    sent = await contract.run("send", conversationId=chat["id"], content="With pleasure.", clientKey="k-1")
    assert (sent["message"]["sequence"], sent["message"]["chat"]["lastSequence"]) == (2, 2)
    return chat


async def sell(contract, customer, chat):
    price = {"amount": "4.50", "currency": "USD"}
    product = (await contract.run("product_create", input={"name": "Tea", "price": price, "sku": "T-1"}))[
        "product"
    ]
    given = {
        "customerId": customer["id"],
        "chatId": chat["id"],
        "items": [{"productId": product["id"], "quantity": 2}],
    }
    order = (await contract.run("order_create", input=given))["order"]
    assert order["total"] == {"amount": "9.00", "currency": "USD"}
    to = order["allowedTransitions"][0]
    moved = await contract.run("order_transition", id=order["id"], to=to, expectedVersion=1)
    assert (moved["order"]["status"], moved["order"]["version"]) == (to, 2)
    return moved["order"]


async def look_back(contract, customer, chat, order):
    assert (await contract.run("chat", id=chat["id"]))["lastSequence"] == 2
    transcript = (await contract.run("transcript", id=chat["id"], last=100))["messages"]
    assert [message["sequence"] for message in transcript["nodes"]] == [1, 2]
    (deep,) = (await contract.run("inbox_deep", first=20))["nodes"]
    assert len(deep["messages"]["nodes"]) == 2
    assert [o["id"] for o in deep["customer"]["orders"]["nodes"]] == [order["id"]]
    orders = await contract.run("orders", status=[order["status"]], first=100)
    assert (orders["totalCount"], orders["nodes"][0]["customer"]["id"]) == (1, customer["id"])
    (sold,) = (await contract.run("product_sales", first=20))["nodes"]
    assert [item["order"]["id"] for item in sold["orderItems"]["nodes"]] == [order["id"]]
    ids = [chat["id"], order["id"], customer["id"]]
    nodes = await contract.caller.ask(contract.text("node"), ids=ids)
    assert [(node["__typename"], node["id"]) for node in nodes] == [
        ("Chat", ids[0]),
        ("Order", ids[1]),
        ("Customer", ids[2]),
    ]


async def follow(contract, running, chat):
    variables = json.dumps({"conversationId": chat["id"], "after": 0})
    printed = await run_program(
        "follow_ws.mjs", running.graphql, contract.caller.token, contract.text("follow_chat"), variables, "2"
    )
    assert [set(payload) for payload in printed] == [{"data"}] * 2
    seen = [payload["data"]["messageAdded"] for payload in printed]
    assert [(m["sequence"], m["senderType"], m["content"]) for m in seen] == [
        (1, "CUSTOMER", "Do you have tea?"),
        (2, "AGENT", "With pleasure."),
    ]


async def follow_everything(contract, running, chat, cursor):
    """From the inbox that was loaded first: all that happened since, each once and in order."""
    assert await contract.run("inbox", first=50) != cursor
    answer = (await contract.caller.post(contract.text("inbox"), {"first": 50})).json()
    assert [node["id"] for node in answer["data"]["chats"]["nodes"]] == [chat["id"]]
    assert answer["data"]["chats"]["nodes"][0]["lastMessage"]["content"] == "With pleasure."
    variables = json.dumps({"after": cursor, "where": None})
    printed = await run_program(
        "follow_ws.mjs", running.graphql, contract.caller.token, contract.text("follow_all"), variables, "7"
    )
    assert [set(payload) for payload in printed] == [{"data"}] * len(printed)
    events = [payload["data"]["events"] for payload in printed]
    told = [(e.get("kind"), e.get("change"), e.get("changedFields")) for e in events]
    assert told == [
        ("CUSTOMER", "CREATED", []),
        ("CHAT", "CREATED", []),
        ("MESSAGE", "CREATED", []),
        ("MESSAGE", "CREATED", []),
        ("ORDER", "CREATED", []),
        ("ORDER", "UPDATED", ["status"]),
        (None, None, None),
    ]
    assert events[-1]["__typename"] == "CaughtUp"


@pytest.mark.parametrize(
    ("screen", "operation"),
    [
        ("agent_inbox", "AgentInbox"),
        ("customer_360", "Customer360"),
        ("customer_360", "SamePerson"),
        ("order_list", "OrderList"),
        ("product_sales", "SoldProduct"),
    ],
)
async def test_the_screens_of_the_design_can_be_drawn(shared_folder, owner, screen, operation):
    message = await owner.receive(secrets.token_hex(8))
    chat = await owner.ask(
        "query ($id: ID!) { chat(by: {id: $id}) { customer { id } } }", id=message["chat"]["id"]
    )
    ids = {"AgentInbox": owner.user_id, "Customer360": chat["customer"]["id"]}
    variables = {
        "me": owner.user_id,
        "id": ids.get(operation),
        "email": "ana@example.com",
        "sku": "nothing",
        "from": "2020-01-01T00:00:00Z",
        "status": {"AgentInbox": ["OPEN"], "OrderList": ["PENDING"]}.get(operation),
    }
    document = UNREADY.sub("", (shared_folder / "design" / "screens" / f"{screen}.graphql").read_text())
    body = {"query": document, "operationName": operation, "variables": variables}
    answer = (await owner.web.post("/graphql", json=body, headers=owner.headers)).json()
    assert "errors" not in answer, answer
    if operation == "Customer360":
        assert answer["data"]["customer"]["chats"]["totalCount"] == 1
