// Generates TypeScript for a folder of operations with the client preset, and compiles what uses it with --strict:
// node generate.mjs SCHEMA OPERATIONS FOLDER FILE… The files are in the folder; prints one JSON line with what was wrong
// in the operations, and in each file.
import { generate } from '@graphql-codegen/cli';
import { preset } from '@graphql-codegen/client-preset';
import ts from 'typescript';
import { print } from './operations.mjs';

const [schema, documents, folder, ...files] = process.argv.slice(2);
try {
  await generate({
    schema,
    documents: [`${documents}/*.graphql`],
    silent: true,
    generates: { [`${folder}/graph/`]: {
      preset,
      config: {
        strictScalars: true,
        scalars: { DateTime: 'string', Decimal: 'string', CurrencyCode: 'string', URL: 'string', EventCursor: 'string', JSON: 'unknown' },
        enumsAsTypes: true,
        useTypeImports: true,
      },
    } },
  }, true);
} catch (error) {
  print({ generated: [error.errors ?? error].flat().map(({ message }) => message) });
  process.exit();
}
const program = ts.createProgram(files.map((file) => `${folder}/${file}`), {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
});
const compiled = Object.fromEntries(files.map((file) => [file, []]));
for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
  const name = file?.fileName.split('/').at(-1);
  (compiled[name] ??= []).push(ts.flattenDiagnosticMessageText(messageText, ' '));
}
print({ generated: [], compiled });
