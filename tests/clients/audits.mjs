// Runs the audits of GraphQL over HTTP against a server: node audits.mjs URL. One JSON line for each.
import { auditServer } from 'graphql-http';

const [url] = process.argv.slice(2);
for (const { id, name, status, reason } of await auditServer({ url })) {
  console.log(JSON.stringify({ id, name, status, reason }));
}
