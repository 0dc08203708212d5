// A draft, tried on recorded runs in the browser.
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { Receiver } from '../support/receiver';
import { shots } from '../support/shots';
import { enter, expect, test, visit } from '../support/test';

const limit = (over: number) => ({ kind: 'when@1', config: { if: { $cel: `input.sum > ${over}` } } });
const mark = (word: string) => ({ kind: 'data.set@1', config: { fields: { size: word } } });

test('a draft is tried on recorded runs, and those that would end differently are named', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const endpoint = await Receiver.start(() => ({ status: 200, body: { ok: true } }));
  const ask = { kind: 'http.request@1', config: { method: 'POST', url: `${endpoint.url}/ask` } };
  const draft = (over: number, more: Record<string, unknown> = {}, edges: string[] = []) =>
    definition(
      'sizes',
      { go: { kind: 'trigger.manual@1' }, ask, back: { kind: 'data.set@1', config: { keep: false, fields: { sum: { $cel: 'nodes.go.sum' } } } }, big: limit(over), large: mark('large'), small: mark('small'), ...more },
      ['go -> ask', 'ask -> back', 'back -> big', 'big.true -> large', 'big.false -> small', ...edges],
    );
  const flow = await api.publish(draft(100));
  for (const sum of [50, 80, 120, 150, 300]) {
    const { id } = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { sum } }, { 'idempotency-key': `sum-${sum}` });
    await api.reaches(id, 'completed');
  }
  const asked = endpoint.received.length;
  const save = async (definition: unknown) => {
    const { revision } = await api.ok<{ revision: number }>('GET', `/flows/${flow.id}`);
    await api.ok('PUT', `/flows/${flow.id}`, definition, { 'if-match': `"${revision}"` });
  };
  await save(draft(140));
  await visit(page, `/flows/${flow.id}/versions`);
  await page.getByRole('link', { name: 'Back-test the draft' }).click();
  await page.getByRole('button', { name: 'Back-test the draft' }).click();
  await expect(page.getByText(/^5 runs tried in/)).toBeVisible();
  const verdict = (name: string) => page.getByRole('group', { name: 'Which runs' }).getByRole('button', { name });
  await expect(verdict('End differently')).toContainText('1');
  await expect(verdict('The same')).toContainText('4');
  const row = page.locator('table.data tbody tr');
  await expect(row).toHaveCount(1);
  await expect(row).toContainText('First at');
  await accessible(page);
  await shots(page, 'backtest');
  await row.getByRole('button').click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('First step that differs: big');
  await expect(dialog.getByRole('region', { name: 'What came out' }).first()).toBeVisible();
  await accessible(page);
  await shots(page, 'backtest-run');
  await page.keyboard.press('Escape');

  // From a run: it is tried with the others, and told first.
  const [newest] = (await api.runs(flow.id)).map((run) => run.id);
  await visit(page, `/runs/${newest}`);
  await page.getByRole('button', { name: /^More actions/ }).click();
  await page.getByRole('menuitem', { name: 'Back-test from here' }).click();
  await page.waitForURL(`**/flows/${flow.id}/backtest?run=${newest}`);
  await expect(page.getByText(/^5 runs tried in/)).toBeVisible();
  const mine = page.getByRole('status').filter({ hasText: 'The run you came from:' });
  await expect(mine).toContainText('The same');
  await accessible(page);
  await shots(page, 'backtest-from-run');
  await mine.getByRole('button', { name: 'In detail' }).click();
  await expect(page.getByRole('dialog')).toContainText('As recorded');
  await page.keyboard.press('Escape');

  // What was never recorded stays open, and nothing outside is asked.
  await save(draft(100, { tell: { kind: 'http.request@1', config: { method: 'POST', url: `${endpoint.url}/tell` } } }, ['large -> tell']));
  await visit(page, `/flows/${flow.id}/backtest`);
  await page.getByRole('button', { name: 'Back-test the draft' }).click();
  await expect(page.getByText(/^5 runs tried in/)).toBeVisible();
  await expect(verdict('Not known')).toContainText('3');
  await expect(row.first()).toContainText('tell');
  expect(endpoint.received.length).toBe(asked);
  endpoint.close();
});

test('a thousand recorded runs are tried in the browser, and it can be stopped', async ({ page, server }) => {
  test.setTimeout(360_000);
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const draft = (over: number) =>
    definition(
      'many',
      { hook: { kind: 'trigger.webhook@1', config: { method: 'POST' } }, sum: { kind: 'data.set@1', config: { keep: false, fields: { sum: { $cel: 'input.body.sum' } } } }, big: limit(over), large: mark('large'), small: mark('small') },
      ['hook -> sum', 'sum -> big', 'big.true -> large', 'big.false -> small'],
    );
  const flow = await api.publish(draft(500));
  for (let from = 0; from < 1_000; from += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const answer = await page.request.post(flow.hooks[0] ?? '', { data: { sum: from + at } });
        expect(answer.status()).toBeLessThan(300);
      }),
    );
  }
  const { revision } = await api.ok<{ revision: number }>('GET', `/flows/${flow.id}`);
  await api.ok('PUT', `/flows/${flow.id}`, draft(600), { 'if-match': `"${revision}"` });
  await visit(page, `/flows/${flow.id}/backtest`);
  await page.getByLabel('How many runs').selectOption('1000');
  // All journals but the first are held back, so that there is time to stop.
  let asked = 0;
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route('**/api/v1/runs/*/journal*', async (route) => {
    asked += 1;
    if (asked > 20) await held;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Back-test the draft' }).click();
  await expect(page.getByRole('progressbar')).toBeVisible();
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByText(/^Stopped: /)).toBeVisible();
  letGo();
  // From here on requests go to the server without a stop in the test.
  await page.unrouteAll({ behavior: 'wait' });
  await page.getByRole('button', { name: 'Back-test the draft' }).click();
  const done = page.getByText(/^1,000 runs tried in/);
  // Half a minute on a machine with nothing else to do: how fast it is is measured elsewhere.
  await expect(done).toBeVisible({ timeout: 180_000 });
  console.log(await done.textContent());
  await expect(page.getByRole('button', { name: /End differently/ })).toContainText('100');
  await shots(page, 'backtest-thousand');
});
