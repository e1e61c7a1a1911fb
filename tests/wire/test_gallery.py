"""Every operation of GraphiQL's gallery fits the schema and runs, with its own variables."""

import json
import re
import secrets

import pytest
from graphql import build_schema, parse, validate

from tests.running import PROJECT
from tests.wire.caller import PASSWORD, RECEIVE, Caller

pytestmark = pytest.mark.usefixtures("calm")

BLOCKS = (PROJECT / "graph" / "web" / "gallery.graphql").read_text().strip().split("\n\n")
OPERATIONS = {
    block.splitlines()[0].removeprefix("# "): block for block in BLOCKS if not block.startswith("## ")
}
STREAMED = {"Follow a chat live"}
SETTING_UP = """mutation ($customer: CustomerUpsertInput!, $product: ProductCreateInput!) {
  customerUpsert(input: $customer) { customer { id email } userErrors { code message path } }
  productCreate(input: $product) { product { id sku } userErrors { code message path } }
}"""
ORDER = """mutation ($input: OrderCreateInput!) {
  orderCreate(input: $input) { order { id } userErrors { code message path } }
}"""


@pytest.fixture
async def examples(owner):
    """What the page finds for `$chat.id` and the like."""
    who = {"channelId": owner.channel_id, "platformCustomerId": secrets.token_hex(6)}
    product = {"name": "Lamp", "sku": secrets.token_hex(6), "price": {"amount": "9.50", "currency": "EUR"}}
    customer = {**who, "email": "ada@example.com"}
    made = (await owner.post(SETTING_UP, {"customer": customer, "product": product})).json()["data"]
    customer, product = made["customerUpsert"]["customer"], made["productCreate"]["product"]
    items = [{"productId": product["id"], "quantity": 1}]
    order = (await owner.ask(ORDER, input={"customerId": customer["id"], "items": items}))["order"]
    message = {**who, "platformMessageId": secrets.token_hex(6), "content": "Hello"}
    chat = (await owner.ask(RECEIVE, input=message))["message"]["chat"]
    return {
        "viewer": {"id": owner.user_id},
        "channel": {"id": owner.channel_id},
        "chat": {**chat, "lastSequence": 1},
        "customer": customer,
        "contact": customer,
        "product": product,
        "order": order,
        "pending": order,
        "processing": order,
    }


def variables_of(block, examples):
    """The variables of an operation, filled in as the page does it."""
    found = re.search(r"^# variables: (.*)$", block, re.MULTILINE)
    text = found[1] if found else "{}"
    text = re.sub(r'"\$(\w+)\.(\w+)"', lambda match: json.dumps(examples[match[1]][match[2]]), text)
    return json.loads(text.replace("$random", secrets.token_hex(4)))


def test_titles_and_names_are_used_once_and_every_operation_fits_the_schema():
    schema = build_schema((PROJECT / "schema.graphql").read_text())
    documents = [parse(block) for block in OPERATIONS.values()]
    assert [validate(schema, document) for document in documents] == [[]] * len(documents)
    names = re.findall(r"^(?:query|mutation|subscription) (\w+)", "\n".join(BLOCKS), re.MULTILINE)
    assert len(set(names)) == len(names) == len([block for block in BLOCKS if not block.startswith("## ")])


async def test_every_operation_runs_with_its_own_variables(owner, examples):
    name = f"gallery-{secrets.token_hex(6)}"
    person = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    typed_in = {
        "Register a business": {**person, "business": "Shop"},
        "Sign in by hand": {"username": name, "password": PASSWORD},
    }
    # An order is processed before it is shipped: the gallery has them in that order.
    for title, block in OPERATIONS.items():
        if title in STREAMED or title == "Renew a token":
            continue
        variables = variables_of(block, examples) | typed_in.get(title, {})
        caller = Caller(owner.web) if title in typed_in else owner
        answer = (await caller.post(block, variables)).json()
        assert "errors" not in answer, (title, answer)
        for field in answer["data"].values():
            assert field is not None, title
            assert not (isinstance(field, dict) and field.get("userErrors")), (title, field)
            if title == "Sign in by hand":
                token = {"refreshToken": field["refreshToken"]}
    renewed = await Caller(owner.web).ask(OPERATIONS["Renew a token"], **token)
    assert renewed["accessToken"]
