// Draws three screens with Apollo Client: node apollo.mjs URL TOKEN CHAT_ID ORDER_ID. Prints, one JSON line each:
// the inbox of two pages; how many customers are left of two pages asked for as nodes; the order's status before and after a mutation; the chat's last line, live, until it says
// "bye"; and how many requests went out over HTTP.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
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
const http = new HttpLink({
  uri: url,
  headers: { authorization },
  fetch: (...request) => { requests += 1; return fetch(...request); },
});
const client = new ApolloClient({
  link: ApolloLink.split(({ operationType }) => operationType === 'subscription', new GraphQLWsLink(socket), http),
  cache: new InMemoryCache({
    possibleTypes: { Actor: ['User', 'Customer'], Conversation: ['Chat'] },
    typePolicies: { Query: { fields: {
      chats: relayStylePagination(['where', 'sort']),
      customers: relayStylePagination(['where', 'sort']),
    } } },
  }),
});

/** Prints what a screen shows of a query, each time it changes; resolves at the value that `matches`. */
function screen(watched, pick, matches) {
  let over = false;
  return new Promise((resolve, reject) => {
    watched.subscribe(({ data, error, loading }) => {
      if (error) reject(error);
      if (error || loading || over) return;
      const value = pick(data);
      print(value);
      over = matches(value);
      if (over) resolve();
    });
  });
}

await client.query({ query: operations.Inbox, variables: { first: 2 } });
const inbox = client.watchQuery({ query: operations.Inbox, variables: { first: 2 } });
const scrolled = screen(
  inbox,
  ({ chats }) => ({ inbox: chats.edges.map(({ node }) => node.number), more: chats.pageInfo.hasNextPage }),
  ({ more }) => !more,
);
const { chats } = client.readQuery({ query: operations.Inbox, variables: { first: 2 } });
await inbox.fetchMore({ variables: { after: chats.pageInfo.endCursor } });
await scrolled;

const NODES = gql`query ($after: String) {
  customers(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
}`;
const { data: page } = await client.query({ query: NODES });
const after = page.customers.pageInfo.endCursor;
await client.query({ query: NODES, variables: { after }, fetchPolicy: 'network-only' });
print({ nodes: client.readQuery({ query: NODES }).customers.nodes.length });

await client.query({ query: operations.OrderList, variables: { first: 10 } });
const shown = screen(
  client.watchQuery({ query: operations.OrderList, variables: { first: 10 } }),
  ({ orders }) => {
    const { status, version, allowedTransitions } = orders.edges.find(({ node }) => node.id === orderId).node;
    return { order: status, version, next: allowedTransitions, requests };
  },
  ({ order }) => order === 'PROCESSING',
);
const changed = await client.mutate({
  mutation: operations.TransitionOrder,
  variables: { id: orderId, to: 'PROCESSING', expectedVersion: 1 },
});
print({ userErrors: changed.data.orderTransition.userErrors });
await shown;

const window = screen(
  client.watchQuery({ query: operations.Inbox, variables: { first: 2 } }),
  ({ chats }) => ({ last: chats.edges.find(({ node }) => node.id === chatId).node.lastMessage.content }),
  ({ last }) => last === 'bye',
);
client.subscribe({ query: operations.FollowChat, variables: { conversationId: chatId, after: 1 } }).subscribe({
  error: (error) => { throw error; },
});
await window;
print({ requests });
client.stop();
await socket.dispose();
