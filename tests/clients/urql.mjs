// Draws two screens with urql and its normalised cache: node urql.mjs URL TOKEN CHAT_ID ORDER_ID. Prints, one JSON line
// each: the order's status before and after a mutation; the chat's last line, live, until it says "bye"; and how many
// requests went out over HTTP.
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { operations, print } from './operations.mjs';

const [url, token, chatId, orderId] = process.argv.slice(2);
const authorization = `Bearer ${token}`;
const socket = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  retryAttempts: 0,
});
let requests = 0;
const whole = () => null;
const client = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: { headers: { authorization } },
  fetch: (...request) => { requests += 1; return fetch(...request); },
  exchanges: [
    // What has no id is kept inside of what has one.
    cacheExchange({ keys: { Money: whole, Address: whole, UserError: whole } }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

/** What a screen shows of a query, each time it changes; `ready` at the first value, `done` at the one that `matches`. */
function screen(query, variables, pick, matches) {
  const [ready, done] = [deferred(), deferred()];
  const { unsubscribe } = client.query(query, variables).subscribe(({ data, error }) => {
    if (error) throw error;
    const value = pick(data);
    print(value);
    ready.resolve();
    if (matches(value)) done.resolve();
  });
  return { ready: ready.promise, done: done.promise.then(unsubscribe) };
}

function deferred() {
  let resolve;
  const promise = new Promise((given) => { resolve = given; });
  return { promise, resolve };
}

const orders = screen(
  operations.OrderList,
  { first: 10 },
  (data) => {
    const { status, version, allowedTransitions } = data.orders.edges.find(({ node }) => node.id === orderId).node;
    return { order: status, version, next: allowedTransitions, requests };
  },
  ({ order }) => order === 'PROCESSING',
);
await orders.ready;
const changed = await client.mutation(operations.TransitionOrder, { id: orderId, to: 'PROCESSING', expectedVersion: 1 });
if (changed.error) throw changed.error;
print({ userErrors: changed.data.orderTransition.userErrors });
await orders.done;

const inbox = screen(
  operations.Inbox,
  { first: 10 },
  ({ chats }) => ({ last: chats.edges.find(({ node }) => node.id === chatId).node.lastMessage.content }),
  ({ last }) => last === 'bye',
);
await inbox.ready;
const line = client.subscription(operations.FollowChat, { conversationId: chatId, after: 1 }).subscribe(({ error }) => {
  if (error) throw error;
});
await inbox.done;
print({ requests });
line.unsubscribe();
await socket.dispose();
