// Ready operations, one click from running: a pane of GraphiQL beside documentation and history.

import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { createContext, useContext, useState } from "react";
import text from "./gallery.graphql?raw";

export const SessionContext = createContext(null);

/** Groups of operations, as gallery.graphql has them: blocks between blank lines, `## ` before a group. */
const GROUPS = text
  .trim()
  .split(/\n\n+/)
  .reduce((groups, block) => {
    if (block.startsWith("## ")) return [...groups, { title: block.slice(3), operations: [] }];
    groups.at(-1)?.operations.push(operation(block));
    return groups;
  }, []);

function operation(block) {
  const lines = block.split("\n");
  const comments = lines.filter((line) => line.startsWith("# ")).map((line) => line.slice(2));
  const given = comments.find((line) => line.startsWith("variables: "));
  return {
    title: comments[0],
    name: block.match(/^(?:query|mutation|subscription) (\w+)/m)[1],
    about: comments.slice(1).filter((line) => line !== given).join(" "),
    variables: given ? JSON.parse(given.slice("variables: ".length)) : null,
    document: `# ${comments[0]}\n${lines.filter((line) => !line.startsWith("# ")).join("\n")}\n`,
  };
}

/** Where an example finds something of yours to be about; a string such as `$chat.id` stands for it. */
const SOURCES = {
  $viewer: "viewer { user { id } }",
  $chat: "chats(first: 1, sort: [{field: LAST_MESSAGE_AT, direction: DESC}]) { nodes { id lastSequence } }",
  $customer: "customers(first: 1, sort: [{field: LAST_SEEN_AT, direction: DESC}]) { nodes { id } }",
  $contact: "customers(first: 1, where: {email: {isNull: false}}) { nodes { email } }",
  $channel: "channels(first: 1) { nodes { id } }",
  $product: "products(first: 1) { nodes { id sku } }",
  $pending: "orders(first: 1, where: {status: [PENDING]}, sort: [{field: CREATED_AT, direction: DESC}]) { nodes { id } }",
  $processing: "orders(first: 1, where: {status: [PROCESSING]}, sort: [{field: CREATED_AT, direction: DESC}]) { nodes { id } }",
  $order: "orders(first: 1, sort: [{field: CREATED_AT, direction: DESC}]) { nodes { id } }",
};
const EXAMPLE = /"(\$\w+)\.(\w+)"/g;

/** Variables as text, with what the viewer has. What there is none of stays to be filled in. */
async function fill(variables, session) {
  const written = JSON.stringify(variables, null, 2).replaceAll("$random", Math.random().toString(36).slice(2, 10));
  const found = {};
  for (const name of new Set([...written.matchAll(EXAMPLE)].map((match) => match[1]))) {
    try {
      const [answer] = Object.values(await session.ask(`query Example { ${SOURCES[name]} }`));
      found[name] = answer?.user ?? answer?.nodes?.[0];
    } catch {
      // Who may not read customers, or is offline, may still look at an operation about one.
    }
  }
  return written.replaceAll(EXAMPLE, (_, name, field) =>
    JSON.stringify(found[name] ? (found[name][field] ?? null) : `<${field} of a ${name.slice(1)}>`),
  );
}

function Gallery() {
  const session = useContext(SessionContext);
  const { addTab, setVisiblePlugin, stop, updateActiveTabValues } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const [loaded, setLoaded] = useState("");

  async function load({ title, name, document, variables }) {
    const filled = variables ? await fill(variables, session) : "";
    // A subscription that still runs would write into the new tab, and take its first run for “stop”.
    stop();
    addTab();
    queryEditor.setValue(document);
    variableEditor.setValue(filled);
    updateActiveTabValues({ query: document, variables: filled, operationName: name });
    setLoaded(`${title} is in a new tab. Control and Enter runs it.`);
    // Where there is room for one of them only, it is the editor now.
    if (matchMedia("(max-width: 720px)").matches) setVisiblePlugin(null);
    queryEditor.focus();
  }

  return (
    <section className="gallery" aria-label="Gallery">
      <h2 className="gallery-title">Gallery</h2>
      <p className="visually-hidden" role="status">{loaded}</p>
      {GROUPS.map((group) => (
        <section key={group.title}>
          <h3>{group.title}</h3>
          <ul>
            {group.operations.map((each) => (
              <li key={each.title}>
                <button type="button" disabled={!queryEditor || !variableEditor} onClick={() => load(each)}>
                  <strong>{each.title}</strong>
                  <span>{each.about}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

function GalleryIcon(props) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" {...props}>
      <rect x="3" y="3" width="7.5" height="7.5" rx="1.5" />
      <rect x="13.5" y="3" width="7.5" height="7.5" rx="1.5" />
      <rect x="3" y="13.5" width="7.5" height="7.5" rx="1.5" />
      <path d="M14 15h7M14 20h7" />
    </svg>
  );
}

export const GALLERY = { title: "Gallery", icon: GalleryIcon, content: Gallery };
