// How long one edit takes in the preview's module: `node bench.mjs <folder of preview.js and preview_bg.wasm> [--json]`.
// An edit is a whole message: read, validate, run on samples, write. The page's own work is not in it.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A chain of pure nodes with a `when` and a `switch` now and then, as people draw them. */
export function chain(count, prefix = 'n') {
  const nodes = {};
  const edges = [];
  let last = null;
  for (let at = 0; at < count; at += 1) {
    const key = `${prefix}${at}`;
    const turn = at % 10;
    if (at === 0 && prefix === 'n') {
      nodes[key] = { kind: 'trigger.manual@1', config: {} };
    } else if (turn === 4) {
      nodes[key] = { kind: 'when@1', config: { if: { $cel: 'input.sum >= 0' } } };
    } else if (turn === 7) {
      nodes[key] = { kind: 'text.template@1', config: { text: { $text: 'Order {{ input.sum }} of {{ input.name }}' } } };
    } else {
      nodes[key] = {
        kind: 'data.set@1',
        config: { keep: false, fields: { sum: { $cel: `${at} + 1` }, name: { $cel: '"a" + "b"' }, list: { $cel: '[1, 2, 3].map(x, x * 2)' } } },
      };
    }
    if (last) edges.push({ from: last, to: `${key}.in` });
    last = turn === 4 ? `${key}.true` : `${key}.out`;
  }
  return { nodes, edges };
}

/** A flow of `count` nodes; with `items`, a map over so many of them in the middle. */
export function flow(count, items = 0) {
  const graph = chain(items ? count - 4 : count);
  const samples = { n0: { name: 'bench', lines: Array.from({ length: items }, (_, qty) => ({ qty, price: '19.90' })) } };
  if (items) {
    const body = chain(3, 'b');
    graph.nodes.each = { kind: 'map@1', config: { items: { $cel: 'nodes.n0.lines' }, concurrency: 8 }, bodies: { body } };
    graph.edges.push({ from: `n${count - 5}.out`, to: 'each.in' });
  }
  return { holon: 1, name: 'bench', ...graph, samples };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function main() {
  const folder = resolve(process.argv[2] ?? '.');
  const { default: init, handle } = await import(pathToFileURL(join(folder, 'preview.js')).href);
  await init({ module_or_path: readFileSync(join(folder, 'preview_bg.wasm')) });
  const cases = [
    { name: 'preview.edit_50_nodes', flow: flow(50), must: 5 },
    { name: 'preview.edit_200_nodes_map_100', flow: flow(200, 100), must: 12 },
  ];
  for (const { name, flow: definition, must } of cases) {
    const times = [];
    for (let round = 0; round < 80; round += 1) {
      definition.nodes.n1.config.fields.sum = { $cel: `${round} + 1` };
      const message = JSON.stringify({ id: round, ask: { preview: { definition } } });
      const start = performance.now();
      const answer = handle(message);
      const took = performance.now() - start;
      if (round === 0) {
        const { ok, error } = JSON.parse(answer);
        if (error || ok.status !== 'completed') throw new Error(`${name}: ${error ?? JSON.stringify(ok.error ?? ok.diagnostics)}`);
      }
      if (round >= 20) times.push(took);
    }
    const value = Number(median(times).toFixed(3));
    console.log(JSON.stringify({ name, value, unit: 'ms', must, ok: value <= must }));
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
