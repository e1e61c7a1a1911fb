// GraphQL Yoga + DataLoader + pg, the documented way (its own parser/validation cache is on by default).
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { useServer } from 'graphql-ws/use/ws'
import { createYoga, createSchema, createPubSub } from 'graphql-yoga'
import DataLoader from 'dataloader'
import { GraphQLScalarType } from 'graphql'
import { sql, sendMessage, one, many, typeDefs, scalarCfg, fieldResolvers } from './database.mjs'
const pubsub = createPubSub()
const byId = (fn, key) => new DataLoader(async (ids) => one(ids, await fn([ids]), key))
const makeLoaders = () => {
  const l = { customer: byId(sql.customers, 'customer_id'), channel: byId(sql.channels, 'channel_id'), product: byId(sql.products, 'product_id'),
    items: new DataLoader(async (ids) => many(ids, await sql.itemsOfOrders([ids]), 'order_id')), messages: {}, orders: {} }
  l.messagesOf = (n) => (l.messages[n] ??= new DataLoader(async (ids) => many(ids, await sql.lastMessages([ids, n]), 'chat_id')))
  l.ordersOf = (n) => (l.orders[n] ??= new DataLoader(async (ids) => many(ids, await sql.lastOrders([ids, n]), 'customer_id')))
  return l }
const F = fieldResolvers
const resolvers = {
  ...F, DateTime: new GraphQLScalarType(scalarCfg.DateTime), Decimal: new GraphQLScalarType(scalarCfg.Decimal),
  Chat: { ...F.Chat, customer: (o, _, c) => c.l.customer.load(o.customer_id), channel: (o, _, c) => c.l.channel.load(o.channel_id), messages: (o, { first }, c) => c.l.messagesOf(first).load(o.chat_id) },
  Customer: { ...F.Customer, orders: (o, { first }, c) => c.l.ordersOf(first).load(o.customer_id) },
  Order: { ...F.Order, customer: (o, _, c) => c.l.customer.load(o.customer_id), items: (o, _, c) => c.l.items.load(o.order_id) },
  OrderItem: { ...F.OrderItem, product: (o, _, c) => c.l.product.load(o.product_id) },
  Query: {
    chat: async (_, { id }) => (await sql.chatById([[id]]))[0],
    chats: (_, { userId, first }) => sql.chatsOfUser([userId, first]),
    orders: (_, { userId, status, first }) => sql.ordersOfUser([userId, status, first]) },
  Mutation: { sendMessage: async (_, { chatId, content }) => { const r = await sendMessage(chatId, content); pubsub.publish('chat:' + chatId, r.message); return r } },
  Subscription: { messageAdded: { subscribe: (_, { chatId }) => pubsub.subscribe('chat:' + chatId), resolve: (m) => m } } }
const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), context: () => ({ l: makeLoaders() }), logging: false, graphiql: false })
const server = createServer(yoga)
const wss = new WebSocketServer({ server, path: '/graphql' })
useServer({ execute: (a) => a.rootValue.execute(a), subscribe: (a) => a.rootValue.subscribe(a),
  onSubscribe: async (ctx, _id, params) => {
    const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({ ...ctx, req: ctx.extra.request, socket: ctx.extra.socket, params })
    const args = { schema, operationName: params.operationName, document: parse(params.query), variableValues: params.variables, contextValue: await contextFactory(), rootValue: { execute, subscribe } }
    const errors = validate(args.schema, args.document); return errors.length ? errors : args } }, wss)
server.listen(+process.env.PORT, '127.0.0.1')
