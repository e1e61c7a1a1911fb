// Follows a conversation to sequence LAST on a line that breaks after every EVERY messages, each time resuming after
// the last one it has seen: node resume_ws.mjs URL TOKEN CONVERSATION_ID LAST EVERY. Prints a JSON line for each message.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, conversationId, last, every] = process.argv.slice(2);
const query = `subscription ($conversationId: ID!, $after: Int) {
  messageAdded(conversationId: $conversationId, after: $after) { sequence content }
}`;
// The client sends this object again after a reconnect, as it is then.
const variables = { conversationId, after: 0 };
let line;
let connections = 0;
let seen = 0;
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${token}` },
  retryAttempts: 1000,
  retryWait: async () => {},
  on: { opened: (socket) => { line = socket; connections += 1; } },
});

client.subscribe({ query, variables }, {
  next: ({ data, errors }) => {
    if (errors) throw new Error(JSON.stringify(errors));
    const message = data.messageAdded;
    console.log(JSON.stringify({ ...message, connections }));
    variables.after = message.sequence;
    seen += 1;
    if (message.sequence === Number(last)) client.dispose();
    else if (seen % Number(every) === 0) line.terminate();
  },
  error: (end) => { throw end instanceof Error ? end : new Error(JSON.stringify(end)); },
  complete: () => {},
});
