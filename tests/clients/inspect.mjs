// Compares two schemas with GraphQL Inspector: node inspect.mjs OLD NEW. Prints each change as a JSON line.
import { readFileSync } from 'node:fs';
import { diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { print } from './operations.mjs';

const [before, after] = process.argv.slice(2).map((file) => buildSchema(readFileSync(file, 'utf8')));
for (const { type, path, criticality } of await diff(before, after)) print({ type, path, level: criticality.level });
