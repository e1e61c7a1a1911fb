// Compiles the operations as Relay has them: node relay.mjs SCHEMA FOLDER. Every list of theirs that is paged becomes a
// @connection, every operation gets the name that Relay wants, and one fragment is refetched through `node`. Prints one
// JSON line: what the compiler was given, whether it was content, and what it said.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import compiler from 'relay-compiler';
import { parse, print as write, visit } from 'graphql';
import { operations, print } from './operations.mjs';

const [schema, folder] = process.argv.slice(2);
const HISTORY = `fragment History_chat on Chat
  @argumentDefinitions(last: {type: "Int", defaultValue: 20}, before: {type: "String"})
  @refetchable(queryName: "HistoryQuery") {
  messages(last: $last, before: $before) @connection(key: "History_messages") {
    edges { node { id sequence content } }
  }
}`;
let connections = 0;

function connection(name, field) {
  const { directives } = parse(`{ a @connection(key: "${name}_${field}") }`).definitions[0].selectionSet.selections[0];
  connections += 1;
  return directives;
}

function suited(name, document) {
  return visit(document, {
    OperationDefinition: (node) => {
      const suffix = node.operation[0].toUpperCase() + node.operation.slice(1);
      return { ...node, name: { ...node.name, value: name + suffix } };
    },
    Field: (node) => {
      const asked = node.selectionSet?.selections.map((selection) => selection.name?.value) ?? [];
      return asked.includes('edges') ? { ...node, directives: connection(name, node.name.value) } : undefined;
    },
  });
}

const source = `${folder}/source`;
mkdirSync(source, { recursive: true });
const given = { History: HISTORY };
for (const [name, document] of Object.entries(operations)) given[name] = write(suited(name, document));
for (const [name, text] of Object.entries(given)) {
  writeFileSync(`${source}/${name}.js`, `import { graphql } from 'relay-runtime';\ngraphql\`${text}\`;\n`);
}
const config = { src: 'source', schema, language: 'typescript', artifactDirectory: 'made' };
writeFileSync(`${folder}/relay.json`, JSON.stringify(config));
mkdirSync(`${folder}/made`, { recursive: true });
const { status, stdout, stderr } = spawnSync(compiler, [`${folder}/relay.json`], { encoding: 'utf8', cwd: folder });
print({ operations: Object.keys(given).length, connections, content: status === 0, said: stdout + stderr });
