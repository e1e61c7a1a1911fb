// The operations of the folder, by name.
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'graphql';

const folder = new URL('operations/', import.meta.url);

/** Each operation as a parsed document, under the operation's own name. */
export const operations = Object.fromEntries(
  readdirSync(folder).sort().map((file) => {
    const document = parse(readFileSync(new URL(file, folder), 'utf8'));
    return [document.definitions[0].name.value, document];
  }),
);

/** Prints a value as a JSON line, at once. */
export const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
