"""A small shop to look at: made through the API, so that pictures and tests have something to show."""

import secrets
from typing import Any

import httpx

from tests.wire.caller import CONNECT, PASSWORD, RECEIVE, Caller, Owner

NAME, WORKSPACE = "Ana Duarte", "Harbour Goods"
REGISTER = """mutation ($username: String!, $email: String!, $password: String!, $name: String!, $business: String!) {
  register(input: {username: $username, email: $email, password: $password, fullName: $name, businessName: $business}) {
    accessToken user { id } userErrors { code message path }
  }
}"""
PRODUCT = """mutation ($input: ProductCreateInput!) {
  productCreate(input: $input) { product { id } userErrors { code message path } }
}"""
CUSTOMER = """mutation ($input: CustomerUpsertInput!) {
  customerUpsert(input: $input) { customer { id } userErrors { code message path } }
}"""
ORDER = """mutation ($input: OrderCreateInput!) {
  orderCreate(input: $input) { order { id } userErrors { code message path } }
}"""
PRODUCTS = (
    ("Brass ship's lamp", "89.00"),
    ("Canvas duffel bag", "64.50"),
    ("Enamel coffee pot", "39.90"),
    ("Wool watch cap", "24.00"),
)
CUSTOMERS = (
    ("Ada Okafor", "ada@example.com", "Hello! Is the brass lamp in stock again?"),
    ("Μαρία Παπαδάκη", "maria@example.com", "Καλημέρα, πότε φτάνει η παραγγελία μου;"),
    ("佐藤 葵", "aoi@example.com", "このバッグは防水ですか？"),
    ("Tomás Herrera", "tomas@example.com", "The coffee pot arrived with a dent. Can I send it back?"),
)


class Shop(Owner):
    """The workspace of one administrator who can sign in, with products, customers, orders and chats."""

    username, password, name = "", PASSWORD, NAME
    chat_id = ""


async def open_shop(web: httpx.AsyncClient) -> Shop:
    """A new shop; the newest chat is that of the last customer, and two messages long."""
    username = f"ana-{secrets.token_hex(4)}"
    person = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    signed_in = await Caller(web).ask(REGISTER, **person, name=NAME, business=WORKSPACE)
    shop = Shop(web, signed_in["accessToken"])
    shop.username, shop.user_id = username, signed_in["user"]["id"]
    shop.channel_id = (await shop.ask(CONNECT))["channel"]["id"]
    products = [await add_product(shop, name, price) for name, price in PRODUCTS]
    for number, (name, email, content) in enumerate(CUSTOMERS):
        key = {"channelId": shop.channel_id, "platformCustomerId": f"customer-{number}"}
        customer = await shop.ask(CUSTOMER, input={**key, "fullName": name, "email": email})
        items = [{"productId": product, "quantity": number % 2 + 1} for product in products[number:][:2]]
        await shop.ask(ORDER, input={"customerId": customer["customer"]["id"], "items": items})
        message = {**key, "platformMessageId": f"message-{number}", "content": content}
        received: Any = await shop.ask(RECEIVE, input=message)
        shop.chat_id = received["message"]["chat"]["id"]
        await shop.send(shop.chat_id, "Thank you for writing. I will have a look.")
    return shop


async def add_product(shop: Shop, name: str, price: str) -> str:
    """The id of a new product."""
    money = {"amount": price, "currency": "EUR"}
    sku = name.split()[0].lower()
    made = await shop.ask(PRODUCT, input={"name": name, "price": money, "sku": sku})
    return str(made["product"]["id"])
