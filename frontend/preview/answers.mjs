// What the worker's module answers: `node answers.mjs <folder of preview.js and preview_bg.wasm> <file of messages, one a line>`.
import { readFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, file] = process.argv.slice(2).map((path) => resolve(path));
const { default: init, handle } = await import(pathToFileURL(join(folder, 'preview.js')).href);
await init({ module_or_path: readFileSync(join(folder, 'preview_bg.wasm')) });
for (const message of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
  const line = Buffer.from(`${handle(message)}\n`);
  for (let at = 0; at < line.length; ) at += writeSync(1, line, at);
}
