// How GraphiQL sends: what is written in the editor now, over HTTP, or over WebSocket where it is a subscription.

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { Kind, parse } from "graphql";
import { planned } from "./plan.jsx";

export function createFetcher(session) {
  const send = createGraphiQLFetcher({
    url: "/graphql",
    fetch: session.fetch,
    wsClient: session.sockets,
    enableIncrementalDelivery: false,
  });
  planned.tell(null);
  return (request, options) => {
    const [asked, told] = current(request, options);
    if (!planned.isShown) return send(asked, told);
    const answer = send(asked, { ...told, headers: { ...told.headers, "X-Plan": "1" } });
    return answer instanceof Promise ? answer.then(planned.take) : answer; // a subscription is told over its socket
  };
}

/** GraphiQL reads the document a moment after it has changed: who runs it at once would run it as something else. */
function current(request, options) {
  let documentAST;
  try {
    documentAST = parse(request.query);
  } catch {
    return [{ ...request, operationName: undefined }, { ...options }]; // the server says what is wrong with it
  }
  return [{ ...request, operationName: chosen(documentAST, request.operationName) }, { ...options, documentAST }];
}

/** The operation of that name, where the document has one by now, else its first. */
export function chosen(documentAST, name) {
  const names = documentAST.definitions
    .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .map((operation) => operation.name?.value);
  return names.includes(name) ? name : names[0];
}
