"""Writes the data through the API: the shop's customers, products and orders, and the dialogues turn by turn.

Everything has a key of its own (platform ids, skus, client keys): a second run finds what the first wrote.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from examples.replay.api import Api, Refused
from examples.replay.data import CURRENCY, Customer, Dialogue, Order, Product, Shop

Advance = Callable[[str], None]
"""Called with what was done: "orders"."""

SHOP: Final = ("SHOPIFY", "replay-northwind", "Northwind")
CHAT: Final = ("WEBCHAT", "replay-dialogues", "Dialogues")

CHANNEL = """
query Channel($key: ChannelOnPlatform!) { channel(by: {platform: $key}) { id } }
"""
CONNECT = """
mutation Connect($input: ChannelConnectInput!) {
  channelConnect(input: $input) { channel { id } userErrors { code message path } }
}
"""
UPSERT_CUSTOMER = """
mutation UpsertCustomer($input: CustomerUpsertInput!) {
  customerUpsert(input: $input) { customer { id } userErrors { code message path } }
}
"""
CREATE_PRODUCT = """
mutation CreateProduct($input: ProductCreateInput!) {
  productCreate(input: $input) { product { id } userErrors { code message path } }
}
"""
PRODUCT = """
query Product($sku: String!) { product(by: {sku: $sku}) { id } }
"""
CREATE_ORDER = """
mutation CreateOrder($input: OrderCreateInput!) {
  orderCreate(input: $input) { order { id } userErrors { code message path } }
}
"""
OPEN_CHAT = """
mutation OpenChat($input: ChatOpenInput!) {
  chatOpen(input: $input) { chat { id } userErrors { code message path } }
}
"""
RECEIVE = """
mutation Receive($input: MessageReceiveInput!) {
  messageReceive(input: $input) { message { sequence chat { id } } userErrors { code message path } }
}
"""
SEND = """
mutation Send($input: MessageSendInput!) {
  messageSend(input: $input) { message { sequence } userErrors { code message path } }
}
"""


async def connect_channel(api: Api, platform_type: str, platform_id: str, name: str) -> str:
    """The id of the channel with that id on its platform, connected where there is none."""
    key = {"platformType": platform_type, "platformSpecificId": platform_id}
    known = (await api.ask(CHANNEL, key=key))["channel"]
    if known is None:
        try:
            made = await api.ask(CONNECT, input={**key, "name": name})
            known = made["channelConnect"]["channel"]
        except Refused as refused:
            if not refused.is_taken("platformSpecificId"):
                raise
            # A try whose answer was lost had made it.
            known = (await api.ask(CHANNEL, key=key))["channel"]
    return str(known["id"])


async def write_shop(api: Api, shop: Shop, channel_id: str, advance: Advance) -> None:
    """Customers and products first, then the orders that name them."""
    customer_ids: dict[str, str] = {}
    product_ids: dict[str, str] = {}

    async def write_customer(customer: Customer) -> None:
        customer_ids[customer.id] = await _upsert_customer(
            api,
            channelId=channel_id,
            platformCustomerId=customer.id,
            fullName=customer.full_name,
            phone=customer.phone,
            metadata=customer.metadata,
        )
        advance("customers")

    async def write_product(product: Product) -> None:
        product_ids[product.id] = await _create_product(api, product)
        advance("products")

    async def write_order(order: Order) -> None:
        try:
            await api.ask(CREATE_ORDER, input=_order_input(order, channel_id, customer_ids, product_ids))
        except Refused as refused:
            if not refused.is_taken("platformOrderId"):
                raise
        advance("orders")

    await api.for_each(shop.customers, write_customer)
    await api.for_each(shop.products, write_product)
    await api.for_each(shop.orders, write_order)


async def write_dialogue(
    api: Api, dialogue: Dialogue, channel_id: str, *, began: Callable[[str], None], advance: Advance
) -> None:
    """One chat of one customer, its turns strictly one after the other; `began` gets the id of the chat."""
    chat_id: str | None = None
    for number, turn in enumerate(dialogue.turns, start=1):
        key = f"{dialogue.id}-{number}"
        is_new = chat_id is None
        if turn.is_customer:
            received = await api.ask(
                RECEIVE,
                input={
                    "channelId": channel_id,
                    "platformCustomerId": dialogue.id,
                    "platformChatId": dialogue.id,
                    "platformMessageId": key,
                    "content": turn.text,
                },
            )
            chat_id = received["messageReceive"]["message"]["chat"]["id"]
        else:
            # The business may have the first word: then there is no chat yet that it could write to.
            chat_id = chat_id or await _open_chat(api, dialogue, channel_id)
            sent = {"conversationId": chat_id, "content": turn.text, "clientKey": key}
            await api.ask(SEND, input=sent)
        if is_new:
            began(chat_id)
        advance("messages")


async def _upsert_customer(api: Api, **values: Any) -> str:
    done = await api.ask(UPSERT_CUSTOMER, input=values)
    return str(done["customerUpsert"]["customer"]["id"])


async def _create_product(api: Api, product: Product) -> str:
    values = {
        "name": product.name,
        "description": product.description,
        "sku": product.sku,
        "price": _money(product.price),
    }
    try:
        done = await api.ask(CREATE_PRODUCT, input=values)
        return str(done["productCreate"]["product"]["id"])
    except Refused as refused:
        if not refused.is_taken("sku"):
            raise
    return str((await api.ask(PRODUCT, sku=product.sku))["product"]["id"])


async def _open_chat(api: Api, dialogue: Dialogue, channel_id: str) -> str:
    customer_id = await _upsert_customer(api, channelId=channel_id, platformCustomerId=dialogue.id)
    done = await api.ask(OPEN_CHAT, input={"customerId": customer_id, "platformChatId": dialogue.id})
    return str(done["chatOpen"]["chat"]["id"])


def _order_input(
    order: Order, channel_id: str, customer_ids: dict[str, str], product_ids: dict[str, str]
) -> dict[str, Any]:
    return {
        "channelId": channel_id,
        "customerId": customer_ids[order.customer_id],
        "platformOrderId": order.id,
        "createdAt": order.placed_at.isoformat(),
        "shippingAddress": order.address,
        "items": [
            {
                "productId": product_ids[line.product_id],
                "quantity": line.quantity,
                "priceAtPurchase": _money(line.price),
            }
            for line in order.lines
        ],
    }


def _money(amount: Decimal) -> dict[str, str]:
    return {"amount": str(amount), "currency": CURRENCY}
