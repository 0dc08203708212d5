// Where the time of a gesture goes by function, for whoever wants to make it shorter: only when HOLON_BENCH_PROFILE names a folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Functions that are told. */
const MOST = 25;
/** Microseconds between two looks. */
const EVERY = 200;

/** Does `gesture` under the profiler; leaves what its tools open, and a list of the functions that took most themselves. */
export async function profiled(page, folder, name, gesture) {
  const session = await page.context().newCDPSession(page);
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: EVERY });
  await session.send('Profiler.start');
  await gesture();
  const { profile } = await session.send('Profiler.stop');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.cpuprofile`), JSON.stringify(profile));
  const told = functions(profile).slice(0, MOST).map(({ share, where }) => `${(share * 100).toFixed(1).padStart(5)} %  ${where}`);
  writeFileSync(join(folder, `${name}.txt`), `${told.join('\n')}\n`);
}

/** Functions by their own share of the time in which the page's thread was in one: style, layout and paint are in the trace. */
function functions({ nodes, samples, timeDeltas }) {
  const called = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const own = new Map();
  let all = 0;
  for (const [index, id] of samples.entries()) {
    const { functionName, url } = called.get(id);
    if (functionName === '(idle)' || functionName === '(program)') continue;
    const where = `${functionName || '(anonymous)'} ${url.split('/').at(-1)}`.trim();
    own.set(where, (own.get(where) ?? 0) + timeDeltas[index]);
    all += timeDeltas[index];
  }
  return [...own].map(([where, time]) => ({ where, share: time / all })).sort((a, b) => b.share - a.share);
}
