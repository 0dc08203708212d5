// Walking along a run in the browser, and holding its journal against what the browser's engine computes.
import type { Page } from '@playwright/test';
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { Receiver } from '../support/receiver';
import { shots } from '../support/shots';
import { enter, expect, test, visit } from '../support/test';

const start = { 'idempotency-key': 'walked' };

/** Three calls one after the other for each of the input's items; the third call is refused once. */
async function orders(api: Api): Promise<{ flow: string; run: string; close: () => void }> {
  const endpoint = await Receiver.start(({ path }, number) => ({ status: path === '/price' && number === 3 ? 503 : 200, body: { path, number } }));
  const call = (path: string) => ({
    kind: 'http.request@1',
    config: { method: 'POST', url: `${endpoint.url}/${path}` },
    policies: { retry: { attempts: 3, initial: '10ms', jitter: false } },
  });
  const flow = await api.publish(
    definition(
      'order totals',
      {
        go: { kind: 'trigger.manual@1' },
        each: {
          kind: 'map@1',
          config: { items: { $cel: 'input.lines' }, concurrency: 1 },
          bodies: { body: { nodes: { price: call('price'), stock: call('stock') }, edges: [{ from: 'price.out', to: 'stock.in' }] } },
        },
        total: { kind: 'data.set@1', config: { keep: false, fields: { count: { $cel: 'size(nodes.each)' } } } },
      },
      ['go -> each', 'each -> total'],
    ),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { lines: [{ sku: 'a' }, { sku: 'b' }, { sku: 'c' }] } }, start);
  await api.reaches(run.id, 'completed');
  return { flow: flow.id, run: run.id, close: () => endpoint.close() };
}

const scrubber = (page: Page) => page.getByRole('slider', { name: 'Input after which the run is shown' });
const node = (page: Page, key: string) => page.locator(`#node-${key}`);

test('a run is walked along forward and back, by buttons, keys, list and address', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const { run, close } = await orders(api);
  await visit(page, `/runs/${run}`);
  await page.getByRole('link', { name: 'Step through' }).click();
  await expect(page).toHaveURL(new RegExp(`/runs/${run}\\?at=0$`));
  await expect(page.getByRole('heading', { name: 'Input 0' })).toBeVisible();
  // The start, six answers and the pause of the one that was refused.
  await expect(scrubber(page)).toHaveAttribute('max', '8');
  await expect(node(page, 'each')).toHaveClass(/is-running/);
  await expect(node(page, 'total')).toHaveClass(/is-pending/);
  const first = page.getByRole('listbox', { name: 'Inputs' });
  await expect(first.getByRole('option')).toHaveCount(9);
  await expect(first.getByRole('option', { selected: true })).toContainText('Started');

  await page.getByRole('button', { name: 'Next input' }).click();
  await expect(page.getByRole('heading', { name: 'Input 1' })).toBeVisible();
  // What the node was told stands beside what came in and went out, as it was then.
  const panel = page.locator('.panel');
  await expect(panel.getByRole('heading', { name: 'price' })).toBeVisible();
  await expect(panel.getByRole('region', { name: 'Config' })).toContainText('/price');
  await expect(page.getByRole('region', { name: 'What this input did' })).toContainText('each[0]/price succeeded');

  await page.keyboard.press('End');
  await expect(page.getByRole('heading', { name: 'Input 8' })).toBeVisible();
  await expect(node(page, 'total')).toHaveClass(/is-succeeded/);
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('heading', { name: 'Input 7' })).toBeVisible();
  await expect(node(page, 'total')).toHaveClass(/is-pending/);
  await page.keyboard.press('Home');
  await expect(page.getByRole('heading', { name: 'Input 0' })).toBeVisible();

  const options = first.getByRole('option');
  await options.nth(0).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(options.nth(2)).toBeFocused();
  await expect(page.getByRole('heading', { name: 'Input 2' })).toBeVisible();
  await expect(page).toHaveURL(/\?at=2$/);

  await scrubber(page).fill('3');
  await expect(options.nth(3)).toHaveAttribute('aria-selected', 'true');
  await expect(options.nth(3)).toContainText('failure');
  await expect(page).toHaveURL(/\?at=3$/);
  await accessible(page);
  await shots(page, 'run-step-through');

  // The link keeps the moment; one that leads behind the end leads to the end.
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Input 3' })).toBeVisible();
  await visit(page, `/runs/${run}?at=900`);
  await expect(page.getByRole('heading', { name: 'Input 8' })).toBeVisible();
  await page.getByRole('link', { name: 'Leave stepping' }).click();
  await expect(page.getByRole('tab', { name: 'Journal' })).toBeVisible();
  await expect(page.getByText(/^Confirmed in this browser: 9 inputs/)).toBeVisible();
  close();
});

test('an edge shows what went over it at that point', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const { run, close } = await orders(api);
  await visit(page, `/runs/${run}?at=0`);
  const edge = page.locator('[data-edge="each.out>total.in"] .edge-hit');
  await expect(node(page, 'each')).toBeVisible();
  // On a busy machine the canvas may still be fitting what it shows when it is clicked for the first time.
  await expect(async () => {
    await edge.click({ force: true });
    await expect(page.locator('.panel')).toContainText('Nothing has gone over it yet', { timeout: 3_000 });
  }).toPass();
  await scrubber(page).focus();
  await page.keyboard.press('End');
  await expect(page.getByRole('region', { name: 'What went over it' })).toContainText('3 items');
  await shots(page, 'run-step-edge');
  close();
});

test('the first difference between journal and engine is named, and one can step to it', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const { run, close } = await orders(api);
  // A journal in which one input has another time than the run took it at.
  await page.route(`**/api/v1/runs/${run}/journal*`, async (route) => {
    const answer = await route.fetch();
    const journal = (await answer.json()) as { data: { seq: number; at: number | string; log_hash: string }[] };
    const row = journal.data[5];
    if (row) row.log_hash = `0${row.log_hash.slice(1, -1)}0`;
    await route.fulfill({ response: answer, json: journal });
  });
  await visit(page, `/runs/${run}`);
  await expect(page.getByText('Differs from input 5 on')).toBeVisible();
  await page.getByRole('button', { name: 'Show the difference' }).click();
  const dialog = page.getByRole('dialog', { name: 'The first difference' });
  await expect(dialog).toContainText('5 inputs');
  await expect(dialog).toContainText('Recorded');
  await expect(dialog).toContainText("This browser's engine gives");
  await accessible(page);
  await shots(page, 'run-difference');
  await dialog.getByRole('link', { name: 'Step to this input' }).click();
  await expect(page.getByRole('heading', { name: 'Input 5' })).toBeVisible();
  close();
});

test('a run of a thousand inputs is walked without waiting, and verifying it can be stopped', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition(
      'a thousand waits',
      {
        go: { kind: 'trigger.manual@1' },
        each: {
          kind: 'map@1',
          config: { items: { $cel: 'input' }, concurrency: 50 },
          bodies: { body: { nodes: { pause: { kind: 'flow.wait@1', config: { for: '1ms' } } }, edges: [] } },
        },
      },
      ['go -> each'],
    ),
  );
  const items = Array.from({ length: 1_000 }, (_, item) => item);
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: items }, start);
  await api.reaches(run.id, 'completed');

  // One page of the journal is held back, so that there is time to stop.
  let pages = 0;
  let let_go = () => {};
  const held = new Promise<void>((resolve) => {
    let_go = resolve;
  });
  await page.route(`**/api/v1/runs/${run.id}/journal*`, async (route) => {
    pages += 1;
    if (pages === 3) await held;
    await route.continue();
  });
  await visit(page, `/runs/${run.id}`);
  await expect(page.getByText('Replaying in this browser: 400 of 1,001')).toBeVisible();
  await page.getByRole('button', { name: 'Stop' }).click();
  let_go();
  await expect(page.getByText(/^Stopped after \d+ of 1,001: no difference so far/)).toBeVisible();
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByText('Confirmed in this browser: 1,001 inputs replayed')).toBeVisible();

  await page.getByRole('link', { name: 'Step through' }).click();
  await expect(scrubber(page)).toHaveAttribute('max', '1000');
  await scrubber(page).focus();
  const times: number[] = [];
  for (const key of ['End', 'ArrowLeft', 'ArrowLeft', 'Home', 'ArrowRight', 'PageUp', 'End', 'PageDown']) {
    const before = await page.evaluate(() => performance.now());
    await page.keyboard.press(key);
    const at = await scrubber(page).inputValue();
    await expect(page.getByRole('heading', { name: `Input ${at}`, exact: true })).toBeVisible();
    times.push((await page.evaluate(() => performance.now())) - before);
  }
  console.log(`walking a run of 1,001 inputs: ${times.map((time) => Math.round(time)).join(', ')} ms a key`);
  await accessible(page);
  await shots(page, 'run-step-thousand');
});
