// A screen that loses nothing, with graphql-ws: loads the inbox, follows everything from there, and goes on after
// every broken line. Arguments: URL TOKEN CHANGES BREAK_EVERY.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

declare const process: { argv: string[]; exitCode?: number };

interface Inbox {
  eventCursor: string;
  chats: { nodes: { id: string; lastSequence: number }[] };
}
interface Change {
  __typename: 'ChangeEvent';
  cursor: string;
  kind: 'MESSAGE' | 'CHAT' | 'ORDER' | 'CUSTOMER';
  change: 'CREATED' | 'UPDATED' | 'REMOVED';
  nodeId: string;
  message: { sequence: number; content: string; chat: { id: string } } | null;
}
interface Other {
  __typename: 'CaughtUp' | 'Heartbeat';
  cursor: string;
}
type Followed = { events: Change | Other };

const [url = '', token = '', changes = '20', breakEvery = '0'] = process.argv.slice(2);
const authorization = `Bearer ${token}`;

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function ask<Data>(query: string): Promise<Data> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  if (answer.status === 429 || answer.status === 503) {
    await wait(Number(answer.headers.get('retry-after') ?? 1));
    return ask(query);
  }
  const { data, errors } = (await answer.json()) as { data?: Data; errors?: unknown };
  if (!data || errors) throw errors;
  return data;
}

// The cursor is older than everything else in the answer: nothing falls between it and the subscription.
const inbox = await ask<Inbox>('{ eventCursor chats(first: 50) { nodes { id lastSequence } } }');
// The last message of each chat. The next one has the next number: anything else would be a loss.
const sequences = new Map(inbox.chats.nodes.map(({ id, lastSequence }) => [id, lastSequence]));

let line: WebSocket | undefined;
let connections = 0;
let seen = 0;
const client = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  retryAttempts: Infinity,
  retryWait: () => Promise.resolve(),
  on: {
    opened: (socket) => {
      line = socket as WebSocket;
      connections += 1;
    },
  },
});

function take(change: Change): void {
  if (change.change !== 'CREATED' || !change.message) return;
  const { sequence, content, chat } = change.message;
  const last = sequences.get(chat.id) ?? sequence - 1;
  if (sequence <= last) return; // the inbox had it already
  if (sequence !== last + 1) throw new Error(`${chat.id}: ${sequence} came after ${last}. That never happens.`);
  sequences.set(chat.id, sequence);
  console.log(JSON.stringify({ chat: chat.id, sequence, content, connections }));
}

// The client sends this object again after a reconnect, as it is then.
const variables = { after: inbox.eventCursor };
const query = `subscription Follow($after: EventCursor) {
  events(after: $after) {
    __typename
    cursor
    ... on ChangeEvent { kind change nodeId message { sequence content chat { id } } }
  }
}`;
async function follow(): Promise<void> {
  for await (const { data, errors } of client.iterate<Followed>({ query, variables })) {
    if (!data || errors) throw new Error(JSON.stringify(errors));
    variables.after = data.events.cursor;
    if (data.events.__typename !== 'ChangeEvent') continue;
    take(data.events);
    seen += 1;
    if (seen === Number(changes)) break;
    if (seen % Number(breakEvery) === 0) line?.terminate(); // as a train in a tunnel would
  }
}
while (seen < Number(changes)) {
  try {
    await follow();
  } catch (problem) {
    const told = Array.isArray(problem) ? problem[0]?.extensions?.retryAfter : undefined;
    if (told === undefined) throw problem;
    await wait(told);
  }
}
console.log(JSON.stringify({ changes: seen, connections, missing: 0 }));
await client.dispose();
