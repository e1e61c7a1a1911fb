// How GraphiQL sends: what is written in the editor now, over HTTP, or over WebSocket where it is a subscription.

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { Kind, parse } from "graphql";

export function createFetcher(session) {
  const send = createGraphiQLFetcher({
    url: "/graphql",
    fetch: session.fetch,
    wsClient: session.sockets,
    enableIncrementalDelivery: false,
  });
  return (request, options) => send(...current(request, options));
}

/** GraphiQL reads the document a moment after it has changed: who runs it at once would run it as something else. */
function current(request, options) {
  let documentAST;
  try {
    documentAST = parse(request.query);
  } catch {
    return [{ ...request, operationName: undefined }, options]; // the server says what is wrong with it
  }
  const names = documentAST.definitions
    .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .map((operation) => operation.name?.value);
  const operationName = names.includes(request.operationName) ? request.operationName : names[0];
  return [{ ...request, operationName }, { ...options, documentAST }];
}
