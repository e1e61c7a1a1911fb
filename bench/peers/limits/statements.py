"""The other limit: one statement for each operation, whose JSON PostgreSQL builds; the server passes it on."""

from typing import Final

from bench.peers.limits.shell import Pool, Variables, application

CUSTOMER: Final = "json_build_object('id', cu.customer_id, 'fullName', cu.full_name, 'email', cu.email)"
MESSAGE: Final = (
    "'id', m.message_id, 'senderType', m.sender_type, 'content', m.content, 'timestamp', m.timestamp"
)


def data(name: str, expression: str) -> str:
    """The whole answer as text."""
    return f"json_build_object('data', json_build_object('{name}', {expression}))::text"


def items(price: str = "") -> str:
    """The lines of order `o`."""
    return f"""(
        select coalesce(json_agg(json_build_object(
            'id', i.order_item_id, 'quantity', i.quantity, 'priceAtPurchase', i.price_at_purchase::text,
            'product', json_build_object('id', p.product_id, 'name', p.name{price})) order by i.order_item_id), '[]')
        from order_items i join products p using (product_id) where i.order_id = o.order_id)"""


def messages(columns: str, count: int) -> str:
    """The newest messages of chat `c`."""
    return f"""(
        select coalesce(json_agg(json_build_object({columns})), '[]') from (
            select * from messages where chat_id = c.chat_id order by "timestamp" desc limit {count}) m)"""


CHAT: Final = f"""
    select {
    data(
        "chat",
        f'''json_build_object(
        'id', c.chat_id, 'status', c.status, 'lastMessageAt', c.last_message_at, 'customer', {CUSTOMER},
        'channel', json_build_object(
            'id', ch.channel_id, 'channelName', ch.channel_name, 'platformType', ch.platform_type))''',
    )
}
    from chats c join customers cu using (customer_id)
    join connected_channels ch on ch.channel_id = c.channel_id where c.chat_id = $1"""
INBOX: Final = f"""
    select {
    data(
        "chats",
        f'''coalesce(json_agg(json_build_object(
        'id', c.chat_id, 'status', c.status, 'lastMessageAt', c.last_message_at,
        'customer', json_build_object('fullName', cu.full_name),
        'channel', json_build_object('channelName', ch.channel_name),
        'messages', {messages(MESSAGE, 1)}) order by c.last_message_at desc), '[]')''',
    )
}
    from (select * from chats where user_id = $1 order by last_message_at desc limit 50) c
    join customers cu using (customer_id) join connected_channels ch on ch.channel_id = c.channel_id"""
ORDERS_OF_CUSTOMER: Final = f"""(
    select coalesce(json_agg(json_build_object(
        'id', o.order_id, 'orderStatus', o.order_status, 'totalAmount', o.total_amount::text,
        'createdAt', o.created_at, 'items', {items()}) order by o.created_at desc), '[]')
    from (select * from orders where customer_id = cu.customer_id order by created_at desc limit 5) o)"""
INBOX_DEEP: Final = f"""
    select {
    data(
        "chats",
        f'''coalesce(json_agg(json_build_object(
        'id', c.chat_id, 'status', c.status, 'lastMessageAt', c.last_message_at,
        'messages', {messages(MESSAGE, 20)},
        'customer', json_build_object('id', cu.customer_id, 'fullName', cu.full_name, 'email', cu.email,
            'orders', {ORDERS_OF_CUSTOMER})) order by c.last_message_at desc), '[]')''',
    )
}
    from (select * from chats where user_id = $1 order by last_message_at desc limit 20) c
    join customers cu using (customer_id)"""
ORDERS: Final = f"""
    select {
    data(
        "orders",
        f'''coalesce(json_agg(json_build_object(
        'id', o.order_id, 'orderStatus', o.order_status, 'totalAmount', o.total_amount::text,
        'currency', o.currency, 'createdAt', o.created_at, 'customer', {CUSTOMER},
        'items', {items(", 'price', p.price::text")}) order by o.created_at desc), '[]')''',
    )
}
    from (select * from orders where user_id = $1 and order_status = $2::text::order_status
        order by created_at desc limit 100) o join customers cu using (customer_id)"""
TRANSCRIPT: Final = f"""
    select {
    data(
        "chat",
        f'''json_build_object('id', c.chat_id,
        'messages', {messages(f"{MESSAGE}, 'chatId', m.chat_id, 'contentType', m.content_type", 1_000)})''',
    )
}
    from chats c where c.chat_id = $1"""
SEND: Final = f"""
    with m as (
        insert into messages (message_id, chat_id, sender_type, content_type, content, "timestamp")
        values (gen_random_uuid(), $1, 'AGENT', 'TEXT', $2, now() at time zone 'utc') returning *),
    c as (
        update chats set last_message_at = m."timestamp" from m where chats.chat_id = m.chat_id returning chats.*)
    select {
    data(
        "sendMessage",
        f'''json_build_object(
        'message', json_build_object({MESSAGE}, 'chatId', m.chat_id),
        'chat', json_build_object('id', c.chat_id, 'lastMessageAt', c.last_message_at))''',
    )
} from m, c"""
STATEMENTS: Final = {
    "Chat": (CHAT, ("id",)),
    "Inbox": (INBOX, ("userId",)),
    "InboxDeep": (INBOX_DEEP, ("userId",)),
    "Orders": (ORDERS, ("userId", "status")),
    "Transcript": (TRANSCRIPT, ("id",)),
    "Send": (SEND, ("chatId", "content")),
}
"""Each operation's statement, and the variables it takes in order."""


async def answer(pool: Pool, name: str, variables: Variables) -> bytes:
    statement, names = STATEMENTS[name]
    found: str = await pool.fetchval(statement, *[variables[name] for name in names])
    return found.encode()


app = application(answer)
