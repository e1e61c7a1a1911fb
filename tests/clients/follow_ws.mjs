// Runs one operation over graphql-transport-ws: node follow_ws.mjs URL TOKEN DOCUMENT VARIABLES COUNT
// Prints each payload as a JSON line, and how it ended where that was before COUNT of them.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, query, variables, count] = process.argv.slice(2);
const print = (value) => console.log(JSON.stringify(value));
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: token ? { authorization: `Bearer ${token}` } : {},
  retryAttempts: 0,
});

let missing = Number(count);
client.subscribe({ query, variables: JSON.parse(variables) }, {
  next: (payload) => {
    print(payload);
    missing -= 1;
    if (missing === 0) client.dispose();
  },
  // An `error` frame is a list of errors, a socket that was closed an event.
  error: (end) => print(Array.isArray(end) ? { error: end } : { closed: { code: end.code, reason: end.reason } }),
  complete: () => missing > 0 && print({ complete: true }),
});
