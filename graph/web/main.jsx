// The page at /graphql: sign in, then GraphiQL as that person.

import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./style.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { Cost } from "./cost.jsx";
import { createFetcher } from "./fetcher.js";
import { GALLERY, SessionContext } from "./gallery.jsx";
import { memory } from "./memory.js";
import { NewTabStops, useMended, useReadableComments } from "./mend.js";
import { PLAN } from "./plan.jsx";
import { SignIn } from "./sign_in.jsx";

const PLUGINS = [GALLERY, explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN, PLAN];
const WELCOME = `# Welcome. Ready operations are in the gallery; Control and Space completes, Control and Enter runs.

query Welcome {
  viewer {
    user { displayName }
    workspace { name }
    permissions
  }
}
`;

function Page() {
  const [session, setSession] = useState(null);
  const [notice, setNotice] = useState("");

  function leave(message) {
    setNotice(message);
    setSession(null);
  }

  if (!session) return <SignIn notice={notice} onSession={setSession} onEnd={leave} />;
  return <Workbench session={session} onLeave={leave} />;
}

function Workbench({ session, onLeave }) {
  const fetcher = useMemo(() => createFetcher(session), [session]);
  const workbench = useRef(null);
  useMended(workbench);
  useReadableComments();

  async function signOut() {
    try {
      await session.signOut();
      onLeave("");
    } catch (failure) {
      onLeave(`You are signed out here, but the server did not hear of it: ${failure.message}`);
    }
  }

  return (
    <SessionContext value={session}>
      <header className="who">
        <h1>
          <img src="/graphiql/icon.svg" alt="" width="22" height="22" /> Switchboard
        </h1>
        <p>
          {session.isSignedIn ? (
            <>
              <strong>{session.name}</strong> <span>{session.workspace}</span>
            </>
          ) : (
            <span>not signed in</span>
          )}
        </p>
        <button type="button" onClick={signOut}>{session.isSignedIn ? "Sign out" : "Sign in"}</button>
      </header>
      <main className="workbench" ref={workbench}>
        <GraphiQL
          fetcher={fetcher}
          plugins={PLUGINS}
          visiblePlugin={GALLERY}
          storage={memory}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          defaultEditorToolsVisibility="variables"
          defaultQuery={WELCOME}
          inputValueDeprecation
          schemaDescription
        >
          <GraphiQL.Logo>
            <NewTabStops />
          </GraphiQL.Logo>
          <GraphiQL.Toolbar>
            {({ prettify, copy, merge }) => (
              <>
                <Cost />
                {prettify}
                {merge}
                {copy}
              </>
            )}
          </GraphiQL.Toolbar>
        </GraphiQL>
      </main>
    </SessionContext>
  );
}

createRoot(document.getElementById("root")).render(<Page />);
