// What the browser remembers between two visits: tabs, history and settings, and never a secret.

const SECRET = /password|token|authorization|secret/i;
const WRITTEN_OUT = /(password|token|secret)\w*"?\s*:\s*\\?"[^"]/i;
const LISTS = ["queries", "favorites", "tabs"];

/** An entry of the history or of the tabs without its headers; nothing where it holds a secret. */
function harmless({ headers, ...entry }) {
  return SECRET.test(entry.variables ?? "") || WRITTEN_OUT.test(entry.query ?? "") ? [] : [entry];
}

function withoutSecrets(text) {
  let kept;
  try {
    kept = JSON.parse(text);
  } catch {
    return WRITTEN_OUT.test(text) ? "" : text; // a document
  }
  const lists = LISTS.filter((name) => Array.isArray(kept?.[name]));
  if (!lists.length) return SECRET.test(text) ? "" : text; // variables
  for (const name of lists) kept[name] = kept[name].flatMap(harmless);
  if (kept.tabs) kept.activeTabIndex = Math.max(0, Math.min(kept.activeTabIndex, kept.tabs.length - 1));
  return JSON.stringify(kept);
}

const keys = () => Object.keys(localStorage).filter((key) => key.startsWith("graphiql:"));

/** `localStorage` for GraphiQL, which would keep what is typed into headers and variables. */
export const memory = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => localStorage.setItem(key, withoutSecrets(value)),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => keys().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return keys().length;
  },
};
