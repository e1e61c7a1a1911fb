// What the hand-written Node peers share: the pool, one prepared statement for each loader, and the schema's text.
// PGHOST, PGUSER and PGDATABASE say where the database is.
import pg from 'pg'

const TIMESTAMP = 1114
// A timestamp without a zone is UTC here.
pg.types.setTypeParser(TIMESTAMP, (text) => new Date(text.replace(' ', 'T') + 'Z'))

export const POOL = 10
export const pool = new pg.Pool({ max: POOL, min: 2, idleTimeoutMillis: 0 })

const prepared = (name, text) => async (values) => (await pool.query({ name, text, values })).rows

const CHAT = 'chat_id, customer_id, channel_id, user_id, status, last_message_at'
const MESSAGE = 'message_id, chat_id, sender_type, content_type, content, "timestamp"'
const ORDER = 'order_id, customer_id, order_status, total_amount, currency, created_at'

const newest = (table, columns, parent, order) => `
  select newest.* from unnest($1::uuid[]) parent(id) cross join lateral (
    select ${columns} from ${table} where ${parent} = parent.id order by ${order} desc limit $2
  ) newest`

export const sql = {
  chatById: prepared('chatById', `select ${CHAT} from chats where chat_id = any($1::uuid[])`),
  chatsOfUser: prepared('chatsOfUser', `
    select ${CHAT} from chats where user_id = $1 order by last_message_at desc limit $2`),
  ordersOfUser: prepared('ordersOfUser', `
    select ${ORDER} from orders where user_id = $1 and order_status = $2 order by created_at desc limit $3`),
  customers: prepared('customers', `
    select customer_id, channel_id, full_name, email from customers where customer_id = any($1::uuid[])`),
  channels: prepared('channels', `
    select channel_id, channel_name, platform_type from connected_channels where channel_id = any($1::uuid[])`),
  products: prepared('products', 'select product_id, name, price from products where product_id = any($1::uuid[])'),
  itemsOfOrders: prepared('itemsOfOrders', `
    select order_item_id, order_id, product_id, quantity, price_at_purchase from order_items
    where order_id = any($1::uuid[]) order by order_item_id`),
  lastMessages: prepared('lastMessages', newest('messages', MESSAGE, 'chat_id', '"timestamp"')),
  lastOrders: prepared('lastOrders', newest('orders', ORDER, 'customer_id', 'created_at'))
}

const INSERT = `
  insert into messages(message_id, chat_id, sender_type, content_type, content, "timestamp")
  values (gen_random_uuid(), $1, 'AGENT', 'TEXT', $2, now() at time zone 'utc') returning ${MESSAGE}`
const UPDATE = `update chats set last_message_at = $2 where chat_id = $1 returning ${CHAT}`

export async function sendMessage (chatId, content) {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const sent = await client.query({ name: 'insertMessage', text: INSERT, values: [chatId, content] })
    const message = sent.rows[0]
    const changed = await client.query({ name: 'updateChat', text: UPDATE, values: [chatId, message.timestamp] })
    await client.query('commit')
    return { message, chat: changed.rows[0] }
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

export function one (ids, rows, key) {
  const found = new Map(rows.map((row) => [row[key], row]))
  return ids.map((id) => found.get(id) ?? null)
}

export function many (ids, rows, key) {
  const found = new Map(ids.map((id) => [id, []]))
  for (const row of rows) found.get(row[key]).push(row)
  return ids.map((id) => found.get(id))
}

export const typeDefs = `
scalar DateTime
scalar Decimal
enum PlatformType { WHATSAPP INSTAGRAM SHOPIFY }
enum OrderStatus { PENDING PROCESSING SHIPPED DELIVERED CANCELLED REFUNDED }
enum ChatStatus { OPEN PENDING RESOLVED CLOSED }
enum SenderType { CUSTOMER AGENT SYSTEM }
enum ContentType { TEXT IMAGE VIDEO AUDIO FILE LOCATION STICKER }
type Channel { id: ID! channelName: String platformType: PlatformType! }
type Customer { id: ID! fullName: String email: String orders(first: Int!): [Order!]! }
type Product { id: ID! name: String! price: Decimal! }
type OrderItem { id: ID! quantity: Int! priceAtPurchase: Decimal! product: Product! }
type Order { id: ID! orderStatus: OrderStatus! totalAmount: Decimal! currency: String! createdAt: DateTime! customer: Customer! items: [OrderItem!]! }
type Message { id: ID! chatId: ID! senderType: SenderType! contentType: ContentType! content: String! timestamp: DateTime! }
type Chat { id: ID! status: ChatStatus! lastMessageAt: DateTime customer: Customer! channel: Channel! messages(first: Int!): [Message!]! }
type SendMessagePayload { message: Message! chat: Chat! }
type Query { chat(id: ID!): Chat chats(userId: ID!, first: Int!): [Chat!]! orders(userId: ID!, status: OrderStatus!, first: Int!): [Order!]! }
type Mutation { sendMessage(chatId: ID!, content: String!): SendMessagePayload! }
type Subscription { messageAdded(chatId: ID!): Message! }`
export const scalarCfg = {
  DateTime: { name: 'DateTime', serialize: (v) => v.toISOString() },
  Decimal: { name: 'Decimal', serialize: (v) => String(v) } }
export const fieldResolvers = { // column name -> field name, as every hand-written server has
  Channel: { id: (row) => row.channel_id, channelName: (row) => row.channel_name, platformType: (row) => row.platform_type },
  Customer: { id: (row) => row.customer_id, fullName: (row) => row.full_name },
  Product: { id: (row) => row.product_id },
  OrderItem: { id: (row) => row.order_item_id, priceAtPurchase: (row) => row.price_at_purchase },
  Order: { id: (row) => row.order_id, orderStatus: (row) => row.order_status, totalAmount: (row) => row.total_amount, createdAt: (row) => row.created_at },
  Message: { id: (row) => row.message_id, chatId: (row) => row.chat_id, senderType: (row) => row.sender_type, contentType: (row) => row.content_type },
  Chat: { id: (row) => row.chat_id, lastMessageAt: (row) => row.last_message_at } }
