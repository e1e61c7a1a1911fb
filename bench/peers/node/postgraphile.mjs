// PostGraphile 5 with the Amber preset and simplified names, on Node's own HTTP server.
import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { PgSimplifyInflectionPreset } from '@graphile/simplify-inflection'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { extendSchema, gql } from 'postgraphile/utils'
import { context, lambda, listen, get } from 'postgraphile/grafast'
import { jsonParse } from 'postgraphile/@dataplan/json'
const Subs = extendSchema((build) => {
  const { messages } = build.input.pgRegistry.pgResources
  return {
    typeDefs: gql`extend type Subscription { messageAdded(chatId: UUID!): MessageAdded } type MessageAdded { message: Message }`,
    objects: {
      Subscription: { plans: { messageAdded: {
        subscribePlan (_$root, { $chatId }) {
          const $topic = lambda($chatId, (id) => 'chat:' + id)
          return listen(context().get('pgSubscriber'), $topic, jsonParse) },
        plan ($event) { return $event } } } },
      MessageAdded: { plans: { message ($event) { return messages.get({ message_id: get($event, 'message_id') }) } } } } }
})

const POOL = 10
const preset = {
  extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset],
  plugins: [Subs],
  pgServices: [makePgService({ connectionString: `postgres://${process.env.PGUSER}@/${process.env.PGDATABASE}?host=${encodeURIComponent(process.env.PGHOST)}`, schemas: ['public'], pubsub: true, poolConfig: { max: POOL, min: 2, idleTimeoutMillis: 0 } })],
  grafast: { explain: false },
  grafserv: { port: +process.env.PORT, graphqlPath: '/graphql', websockets: true, graphiql: false, watch: false } }
const pgl = postgraphile(preset)
const serv = pgl.createServ(grafserv)
const server = createServer()
await serv.addTo(server)
server.listen(+process.env.PORT, '127.0.0.1')
