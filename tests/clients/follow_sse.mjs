// Runs one operation over graphql-sse, distinct connections: node follow_sse.mjs URL TOKEN DOCUMENT VARIABLES COUNT
// Prints each payload as a JSON line, and how it ended where that was before COUNT of them.
import { createClient } from 'graphql-sse';

const [url, token, query, variables, count] = process.argv.slice(2);
const print = (value) => console.log(JSON.stringify(value));
const client = createClient({
  url,
  headers: token ? { authorization: `Bearer ${token}` } : {},
  retryAttempts: 0,
});

let missing = Number(count);
client.subscribe({ query, variables: JSON.parse(variables) }, {
  next: (payload) => {
    print(payload);
    missing -= 1;
    if (missing === 0) client.dispose();
  },
  error: (end) => print({ refused: { status: end.response?.status, message: end.message } }),
  complete: () => missing > 0 && print({ complete: true }),
});
