// Compiles a TypeScript program with --strict and runs it: node run_ts.mjs FILE ARGUMENT…
// It finds the packages of this folder wherever it lies itself.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const [file] = process.argv.splice(2, 1);
const folder = mkdtempSync(join(tmpdir(), 'switchboard-ts-'));
try {
  symlinkSync(join(dirname(fileURLToPath(import.meta.url)), 'node_modules'), join(folder, 'node_modules'));
  const source = join(folder, 'program.ts');
  copyFileSync(file, source);
  const options = {
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  };
  const program = ts.createProgram([source], { ...options, noEmit: true });
  const found = ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  if (found.length) throw new Error(found.join('\n'));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), { compilerOptions: options });
  writeFileSync(join(folder, 'program.js'), outputText);
  await import(pathToFileURL(join(folder, 'program.js')));
} finally {
  rmSync(folder, { recursive: true });
}
