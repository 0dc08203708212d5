// A worker for Holon: takes tasks of a pool and does them. Needs Node 18 or newer and nothing else.
import { hostname } from 'node:os';

const { HOLON = 'http://localhost:8080', HOLON_TOKEN, HOLON_POOL = 'texts' } = process.env;
const NAME = process.env.HOLON_WORKER ?? `${hostname()} ${process.pid}`;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// What is done for each task, by its name. `task.key` is the same if it is ever done again.
const DOES = {
  async count_words(task, say) {
    const words = task.input.text.split(/\s+/).filter(Boolean);
    await say({ counted: words.length });
    return { words: words.length, longest: [...words].sort((a, b) => b.length - a.length)[0] ?? '' };
  },
};

async function ask(path, body) {
  const headers = { authorization: `Bearer ${HOLON_TOKEN}`, 'content-type': 'application/json' };
  const sent = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(60_000) };
  const answer = await fetch(HOLON + path, sent);
  const text = await answer.text();
  if (!answer.ok) throw Object.assign(new Error(`${answer.status} ${text}`), { status: answer.status });
  return text && JSON.parse(text);
}

// Says what became of a task until the server has heard it. 409: somebody else has the task, or nobody wants it.
async function tell(task, what, body) {
  for (;;) {
    try {
      return await ask(`${task.at}/${what}`, body);
    } catch (wrong) {
      console.error(`${task.key}: ${wrong.message}`);
      if (wrong.status < 500 && wrong.status !== 429) return;
      await pause(2_000);
    }
  }
}

async function work(task) {
  const say = async (progress) => (await ask(`${task.at}/heartbeat`, { progress })).wanted;
  const keep = setInterval(() => say(null).catch(console.error), task.heartbeat_ms / 3);
  try {
    await tell(task, 'complete', { output: await DOES[task.name](task, say) });
  } catch (wrong) {
    await tell(task, 'fail', { code: 'worker_error', message: String(wrong).slice(0, 500) });
  } finally {
    clearInterval(keep);
  }
}

for (;;) {
  try {
    const { tasks } = await ask('/api/v1/workers/claims', { pool: HOLON_POOL, worker: NAME });
    for (const task of tasks) await work(task);
  } catch (wrong) {
    console.error(`no tasks: ${wrong.message}`);
    await pause(2_000);
  }
}
