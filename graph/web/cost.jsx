// What the operation in the editor would cost, below the button that runs it and before it is run.

import { useGraphiQL } from "@graphiql/react";
import { parse } from "graphql";
import { useContext, useEffect, useState } from "react";
import { chosen } from "./fetcher.js";
import { SessionContext } from "./gallery.jsx";

const WAIT_MS = 500;
const EXPLAIN = `query Explain($document: String!, $operationName: String, $variables: JSON) {
  explain(document: $document, operationName: $operationName, variables: $variables) { cost fits missingPermissions }
}`;

export function Cost() {
  const session = useContext(SessionContext);
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const operationName = useGraphiQL((state) => state.operationName);
  const [found, setFound] = useState(null);

  useEffect(() => {
    if (!queryEditor || !variableEditor) return;
    let timer;
    let isOver = false;
    async function look() {
      const answer = await explained(session, queryEditor.getValue(), operationName, variableEditor.getValue());
      if (!isOver) setFound(answer?.explain ?? null);
    }
    function later() {
      clearTimeout(timer);
      timer = setTimeout(look, WAIT_MS);
    }
    later();
    const heard = [queryEditor, variableEditor].map((editor) => editor.onDidChangeModelContent(later));
    return () => {
      isOver = true;
      clearTimeout(timer);
      heard.forEach((each) => each.dispose());
    };
  }, [session, queryEditor, variableEditor, operationName]);

  const told = found ? words(found) : "";
  return (
    <p className="cost" data-fits={found?.fits} title={told}>
      {found && <span aria-hidden="true">{found.cost.toLocaleString("en")}</span>}
      <span className="visually-hidden" role="status">{told}</span>
    </p>
  );
}

/** Null for what is half written: it has no cost. */
async function explained(session, document, name, variables) {
  try {
    const operationName = chosen(parse(document), name);
    return await session.ask(EXPLAIN, { document, operationName, variables: read(variables) });
  } catch {
    return null;
  }
}

function words({ cost, fits, missingPermissions }) {
  const missing = missingPermissions.length ? ` It needs ${missingPermissions.join(", ")}.` : "";
  return `This would cost ${cost.toLocaleString("en")}${fits ? "" : ": more than you may ask for"}.${missing}`;
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
