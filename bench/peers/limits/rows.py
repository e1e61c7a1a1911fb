"""One limit: a batched statement for each level, rows put together by hand. No engine, no ORM, no GraphQL.

What an executor could reach that leaves JSON to the server.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import orjson

from bench.peers.limits.shell import Pool, Variables, application

MESSAGE: Final = (
    'm.message_id, m.chat_id, m.sender_type::text, m.content_type::text, m.content, m."timestamp"'
)
NEWEST_MESSAGES: Final = f"""
    select m.* from unnest($1::uuid[]) k(id) cross join lateral (
        select {MESSAGE} from messages m where m.chat_id = k.id order by m."timestamp" desc limit $2) m"""
NEWEST_ORDERS: Final = """
    select o.* from unnest($1::uuid[]) k(id) cross join lateral (
        select order_id, customer_id, order_status::text, total_amount::text, created_at
        from orders where customer_id = k.id order by created_at desc limit $2) o"""
CHATS: Final = "select chat_id, customer_id, channel_id, status::text, last_message_at from chats "
CHATS_OF_USER: Final = CHATS + "where user_id = $1 order by last_message_at desc limit $2"
CUSTOMERS: Final = "select customer_id, full_name, email from customers where customer_id = any($1::uuid[])"
CHANNELS: Final = """
    select channel_id, channel_name, platform_type::text from connected_channels
    where channel_id = any($1::uuid[])"""
PRODUCTS: Final = "select product_id, name, price::text from products where product_id = any($1::uuid[])"
ITEMS: Final = """
    select order_item_id, order_id, product_id, quantity, price_at_purchase::text from order_items
    where order_id = any($1::uuid[]) order by order_item_id"""
ORDERS: Final = """
    select order_id, customer_id, order_status::text, total_amount::text, currency, created_at from orders
    where user_id = $1 and order_status = $2::text::order_status order by created_at desc limit $3"""
INSERT: Final = """
    insert into messages as m (message_id, chat_id, sender_type, content_type, content, "timestamp")
    values (gen_random_uuid(), $1, 'AGENT', 'TEXT', $2, now() at time zone 'utc') returning """
UPDATE: Final = "update chats set last_message_at = $2 where chat_id = $1"
Connection = Any
Object = dict[str, Any]


def keys(rows: Iterable[Any], place: int) -> list[Any]:
    """The different values of a column."""
    return list({row[place] for row in rows})


def group(rows: Iterable[Any], place: int, make: Callable[[Any], Object]) -> dict[Any, list[Object]]:
    """Objects by the parent their rows name."""
    made: dict[Any, list[Object]] = {}
    for row in rows:
        made.setdefault(row[place], []).append(make(row))
    return made


def message(row: Any) -> Object:
    return {"id": row[0], "senderType": row[2], "content": row[4], "timestamp": row[5]}


async def customers(connection: Connection, rows: Iterable[Any]) -> dict[Any, Object]:
    found = await connection.fetch(CUSTOMERS, keys(rows, 1))
    return {row[0]: {"id": row[0], "fullName": row[1], "email": row[2]} for row in found}


async def items(connection: Connection, orders: Iterable[Any], *, price: bool) -> dict[Any, list[Object]]:
    found = await connection.fetch(ITEMS, [order[0] for order in orders])
    products = {
        row[0]: {"id": row[0], "name": row[1], **({"price": row[2]} if price else {})}
        for row in await connection.fetch(PRODUCTS, keys(found, 2))
    }
    return group(
        found,
        1,
        lambda row: {
            "id": row[0],
            "quantity": row[3],
            "priceAtPurchase": row[4],
            "product": products[row[2]],
        },
    )


async def chat(connection: Connection, variables: Variables) -> Object:
    row = await connection.fetchrow(CHATS + "where chat_id = $1", variables["id"])
    channel = await connection.fetchrow(CHANNELS, [row[2]])
    known = await customers(connection, [row])
    return {
        "chat": {
            "id": row[0],
            "status": row[3],
            "lastMessageAt": row[4],
            "customer": known[row[1]],
            "channel": {"id": channel[0], "channelName": channel[1], "platformType": channel[2]},
        }
    }


async def inbox(connection: Connection, variables: Variables) -> Object:
    rows = await connection.fetch(CHATS_OF_USER, variables["userId"], 50)
    known = await customers(connection, rows)
    channels = {row[0]: {"channelName": row[1]} for row in await connection.fetch(CHANNELS, keys(rows, 2))}
    newest = group(await connection.fetch(NEWEST_MESSAGES, [row[0] for row in rows], 1), 1, message)
    return {
        "chats": [
            {
                "id": row[0],
                "status": row[3],
                "lastMessageAt": row[4],
                "customer": {"fullName": known[row[1]]["fullName"]},
                "channel": channels[row[2]],
                "messages": newest.get(row[0], []),
            }
            for row in rows
        ]
    }


async def inbox_deep(connection: Connection, variables: Variables) -> Object:
    rows = await connection.fetch(CHATS_OF_USER, variables["userId"], 20)
    known = await customers(connection, rows)
    newest = group(await connection.fetch(NEWEST_MESSAGES, [row[0] for row in rows], 20), 1, message)
    orders = await connection.fetch(NEWEST_ORDERS, list(known), 5)
    lines = await items(connection, orders, price=False)
    of_customers = group(
        orders,
        1,
        lambda row: {
            "id": row[0],
            "orderStatus": row[2],
            "totalAmount": row[3],
            "createdAt": row[4],
            "items": lines.get(row[0], []),
        },
    )
    for id, customer in known.items():
        customer["orders"] = of_customers.get(id, [])
    return {
        "chats": [
            {
                "id": row[0],
                "status": row[3],
                "lastMessageAt": row[4],
                "messages": newest.get(row[0], []),
                "customer": known[row[1]],
            }
            for row in rows
        ]
    }


async def orders_of_user(connection: Connection, variables: Variables) -> Object:
    rows = await connection.fetch(ORDERS, variables["userId"], variables["status"], 100)
    known = await customers(connection, rows)
    lines = await items(connection, rows, price=True)
    return {
        "orders": [
            {
                "id": row[0],
                "orderStatus": row[2],
                "totalAmount": row[3],
                "currency": row[4],
                "createdAt": row[5],
                "customer": known[row[1]],
                "items": lines.get(row[0], []),
            }
            for row in rows
        ]
    }


async def transcript(connection: Connection, variables: Variables) -> Object:
    rows = await connection.fetch(NEWEST_MESSAGES, [variables["id"]], 1_000)
    said = [{**message(row), "chatId": row[1], "contentType": row[3]} for row in rows]
    return {"chat": {"id": variables["id"], "messages": said}}


async def send(connection: Connection, variables: Variables) -> Object:
    async with connection.transaction():
        row = await connection.fetchrow(INSERT + MESSAGE, variables["chatId"], variables["content"])
        await connection.execute(UPDATE, variables["chatId"], row[5])
    sent = {**message(row), "chatId": row[1]}
    return {"sendMessage": {"message": sent, "chat": {"id": row[1], "lastMessageAt": row[5]}}}


OPERATIONS: Final[dict[str, Callable[[Connection, Variables], Awaitable[Object]]]] = {
    "Chat": chat,
    "Inbox": inbox,
    "InboxDeep": inbox_deep,
    "Orders": orders_of_user,
    "Transcript": transcript,
    "Send": send,
}


async def answer(pool: Pool, name: str, variables: Variables) -> bytes:
    async with pool.acquire() as connection:
        data = await OPERATIONS[name](connection, variables)
    # asyncpg's UUID is a class of its own, which orjson does not know.
    return orjson.dumps({"data": data}, default=str)


app = application(answer)
