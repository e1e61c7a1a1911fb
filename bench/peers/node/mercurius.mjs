// Mercurius + graphql-jit + built-in loaders, the documented way.
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { GraphQLScalarType } from 'graphql'
import { sql, sendMessage, one, many, typeDefs, scalarCfg, fieldResolvers } from './database.mjs'
const app = Fastify({ logger: false })
const R = structuredClone({}); for (const [t, f] of Object.entries(fieldResolvers)) R[t] = { ...f }
const resolvers = {
  ...R,
  DateTime: new GraphQLScalarType(scalarCfg.DateTime), Decimal: new GraphQLScalarType(scalarCfg.Decimal),
  Query: {
    chat: async (_, { id }) => (await sql.chatById([[id]]))[0],
    chats: (_, { userId, first }) => sql.chatsOfUser([userId, first]),
    orders: (_, { userId, status, first }) => sql.ordersOfUser([userId, status, first]) },
  Mutation: { sendMessage: async (_, { chatId, content }, { pubsub }) => {
    const r = await sendMessage(chatId, content)
    await pubsub.publish({ topic: 'chat:' + chatId, payload: { messageAdded: r.message } })
    return r } },
  Subscription: { messageAdded: { subscribe: (_, { chatId }, { pubsub }) => pubsub.subscribe('chat:' + chatId) } } }
const uniq = (a) => [...new Set(a)]
const toOne = (fk, fn, key) => async (queries) => {
  const ids = queries.map((x) => x.obj[fk]); return one(ids, await fn([uniq(ids)]), key) }
const loaders = {
  Chat: {
    customer: toOne('customer_id', sql.customers, 'customer_id'),
    channel: toOne('channel_id', sql.channels, 'channel_id'),
    messages: async (queries) => { const ids = queries.map((x) => x.obj.chat_id); return many(ids, await sql.lastMessages([uniq(ids), queries[0].params.first]), 'chat_id') } },
  Customer: { orders: async (queries) => { const ids = queries.map((x) => x.obj.customer_id); return many(ids, await sql.lastOrders([uniq(ids), queries[0].params.first]), 'customer_id') } },
  Order: {
    customer: toOne('customer_id', sql.customers, 'customer_id'),
    items: async (queries) => { const ids = queries.map((x) => x.obj.order_id); return many(ids, await sql.itemsOfOrders([uniq(ids)]), 'order_id') } },
  OrderItem: { product: toOne('product_id', sql.products, 'product_id') } }
app.register(mercurius, { schema: typeDefs, resolvers, loaders, jit: 1, subscription: true })
await app.listen({ port: +process.env.PORT, host: '127.0.0.1' })
