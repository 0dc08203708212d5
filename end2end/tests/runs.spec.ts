// What a person does with a run: stop it, retry it, run it again, and read its journal and its version.
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { Receiver } from '../support/receiver';
import { shots } from '../support/shots';
import { type Page } from '@playwright/test';
import { enter, expect, test, visit } from '../support/test';

const start = { 'idempotency-key': 'first' };

/** Runs all of it again: a question comes before. */
async function again(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Run again' }).click();
  await page.getByRole('dialog', { name: 'Run all of it again?' }).getByRole('button', { name: 'Run again' }).click();
}

test('a run that waits is cancelled, and says so without an alarm', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition('waits', { go: { kind: 'trigger.manual@1' }, pause: { kind: 'flow.wait@1', config: { for: '1h' } } }, ['go -> pause']),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, start);
  await api.reaches(run.id, 'waiting', 'running');
  await visit(page, `/runs/${run.id}`);

  const cancel = page.getByRole('button', { name: 'Cancel run' });
  await cancel.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Cancel this run?' });
  await expect(dialog.getByRole('textbox', { name: 'Reason' })).toBeFocused();
  await page.keyboard.type('ordered twice');
  await accessible(page);
  await page.keyboard.press('Enter');

  await expect(page.getByRole('status').filter({ hasText: /^Cancelled$/ })).toBeVisible();
  await expect(page.locator('.notice').filter({ hasText: 'cancelled' })).toHaveRole('status');
  await expect(cancel).toHaveCount(0);
  // The button is gone; the focus is not lost with it.
  await expect(page.getByRole('heading', { level: 1, name: 'waits' })).toBeFocused();
  expect((await api.run(run.id)).nodes.map(({ path, status }) => [path, status])).toEqual([
    ['go', 'succeeded'],
    ['pause', 'cancelled'],
  ]);
  // Why stands in the journal, for whoever looks later.
  await page.getByRole('tab', { name: 'Journal' }).click();
  await expect(page.getByRole('tabpanel')).toContainText('ordered twice');
  await accessible(page);
  await shots(page, 'run-cancelled');
});

test('a failed run is retried with the key it had, and what completed is not done again', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  // The second step is refused once.
  const endpoint = await Receiver.start(({ path }, number) => ({ status: path === '/pay' && number === 2 ? 500 : 200, body: { number } }));
  const flow = await api.publish(
    definition(
      'pays',
      {
        go: { kind: 'trigger.manual@1' },
        reserve: { kind: 'http.request@1', config: { method: 'POST', url: `${endpoint.url}/reserve` } },
        pay: { kind: 'http.request@1', config: { method: 'POST', url: `${endpoint.url}/pay` } },
      },
      ['go -> reserve', 'reserve -> pay'],
    ),
  );
  const first = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, start);
  await api.reaches(first.id, 'failed');
  await visit(page, `/runs/${first.id}`);
  // What failed is what is shown.
  await expect(page.getByRole('option', { selected: true })).toContainText('pay');

  // Where a retry would not help, it can be started anew.
  await expect(page.getByRole('button', { name: 'Run again' })).toBeVisible();
  await page.getByRole('button', { name: 'Retry from the failed step' }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(first.id));
  await expect(page.getByRole('status').filter({ hasText: /^Completed$/ })).toBeVisible();
  await expect(page.getByText('Retries')).toBeVisible();
  await page.getByRole('definition').getByRole('link').click();
  await page.waitForURL(`**/runs/${first.id}`);

  const asked = endpoint.received.map(({ path, headers }) => [path, headers['idempotency-key']]);
  expect(asked.map(([path]) => path)).toEqual(['/reserve', '/pay', '/pay']);
  expect(asked[2]?.[1]).toBe(asked[1]?.[1]);
  endpoint.close();
});

test('a run that would fail again at the same place is not offered a retry, and says why', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition('cannot', { go: { kind: 'trigger.manual@1' }, no: { kind: 'flow.fail@1', config: { code: 'out_of_stock', message: 'nothing is left' } } }, ['go -> no']),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, start);
  await api.reaches(run.id, 'failed');
  await visit(page, `/runs/${run.id}`);
  // The words are the heading, the code stands beside them.
  await expect(page.locator('.run-head .notice.bad .sentence')).toHaveText('nothing is left');
  await expect(page.getByText('it called nothing that could answer differently')).toBeVisible();
  await expect(page.getByRole('button', { name: /^Retry/ })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Run again' })).toHaveClass(/primary/);
  // Somebody started it, not the trigger by itself.
  await expect(page.getByRole('definition').filter({ hasText: 'Ada Lovelace' })).toBeVisible();
  await shots(page, 'run-no-retry');
});

test('a completed run is run again on the same input, as a run of its own', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition(
      'adds',
      { go: { kind: 'trigger.manual@1' }, sum: { kind: 'data.set@1', config: { fields: { sum: { $cel: 'input.a + input.b' } } } } },
      ['go -> sum'],
    ),
  );
  const first = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { a: 4, b: 5 } }, start);
  await api.reaches(first.id, 'completed');
  await visit(page, `/runs/${first.id}`);
  await again(page);
  await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(first.id));
  const second = await api.reaches(page.url().split('/').pop() ?? '', 'completed', 'failed');
  expect(second.output).toEqual({ a: 4, b: 5, sum: 9 });
  expect((await api.runs(flow.id)).length).toBe(2);
});

test('a run of a webhook is run again from the webhook, also where the flow can be started by hand', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition(
      'two ways in',
      {
        go: { kind: 'trigger.manual@1' },
        hook: { kind: 'trigger.webhook@1', config: { method: 'POST' } },
        out: { kind: 'data.set@1', config: { fields: { order: { $cel: 'trigger.body.order' } } } },
      },
      ['hook -> out'],
    ),
  );
  const delivered = await page.request.post(flow.hooks[0] ?? '', { data: { order: 7 } });
  expect(delivered.status(), await delivered.text()).toBeLessThan(300);
  await expect.poll(async () => (await api.runs(flow.id)).map(({ status }) => status)).toEqual(['completed']);
  const [first] = await api.runs(flow.id);
  await visit(page, `/runs/${first?.id}`);
  await again(page);
  await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(first?.id ?? ''));
  const second = await api.reaches(page.url().split('/').pop() ?? '', 'completed', 'failed');
  expect(second.output).toMatchObject({ out: { order: 7 } });
});

test.describe('a stream that the server refuses', () => {
  // Chromium reports the refusals.
  test.use({ expected: ['503'] });
  test('is asked for again, and what happened meanwhile is shown', async ({ page, server }) => {
    await enter(page, server);
    const api = new Api(page.request, server.url);
    const flow = await api.publish(
      definition('meanwhile', { go: { kind: 'trigger.manual@1' }, out: { kind: 'data.set@1', config: { fields: {} } } }, ['go -> out']),
    );
    const stream = '**/api/v1/events/runs*';
    await page.route(stream, (route) => route.fulfill({ status: 503 }));
    await visit(page, `/runs?flow=${flow.id}`);
    await expect(page.getByText('Not connected: trying again')).toBeVisible();
    const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, start);
    await api.reaches(run.id, 'completed');
    await expect(page.locator(`a[href="/runs/${run.id}"]`)).toHaveCount(0);
    await page.unroute(stream);
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
    await expect(page.getByRole('row').filter({ has: page.locator(`a[href="/runs/${run.id}"]`) })).toContainText('Completed');
  });
});

test('the journal of a run and the definition of a version open, close, and give the focus back', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition('kept', { go: { kind: 'trigger.manual@1' }, out: { kind: 'data.set@1', config: { fields: { answer: 42 } } } }, ['go -> out']),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { asked: true } }, start);
  const done = await api.reaches(run.id, 'completed');

  await test.step('a row of the journal', async () => {
    await visit(page, `/runs/${run.id}`);
    await page.getByRole('tab', { name: 'Journal' }).click();
    const row = page.getByRole('button', { name: 'start', exact: true });
    await row.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: '0 · start' });
    // The last log hash of the journal is the run's.
    await expect(dialog).toContainText(done.log_hash);
    await expect(dialog.locator(':focus')).toHaveCount(1);
    await dialog.getByRole('button', { name: 'input', exact: true }).click();
    await expect(dialog).toContainText('asked:true');
    await accessible(page);
    await shots(page, 'run-journal-row');
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(row).toBeFocused();
  });

  await test.step('a version', async () => {
    await visit(page, `/flows/${flow.id}/versions`);
    await expect(page.getByRole('row').filter({ hasText: 'for a test' })).toContainText('in force');
    await page.getByRole('button', { name: 'v1', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Version 1' });
    await dialog.getByText('Raw').click();
    await expect(dialog).toContainText('"answer": 42');
    await accessible(page);
    await shots(page, 'version-definition');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect(dialog).toBeHidden();
  });
});

test('why a run failed stands before what was asked, and before its code, wherever there is one line for it', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const endpoint = await Receiver.start();
  endpoint.close();
  const flow = await api.publish(
    definition(
      'reaches nobody',
      { go: { kind: 'trigger.manual@1' }, call: { kind: 'http.request@1', config: { method: 'POST', url: `${endpoint.url}/orders` } } },
      ['go -> call'],
    ),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, start);
  await api.reaches(run.id, 'failed');
  const why = `Cannot connect to ${endpoint.url.slice('http://'.length)}: Connection refused (POST ${endpoint.url}/orders)`;
  await visit(page, `/runs/${run.id}`);
  await expect(page.locator('#node-call .node-foot')).toHaveText(why);
  await expect(page.locator('#node-call .node-line')).toHaveText(`POST ${endpoint.url.slice('http://'.length)}/orders`);
  await visit(page, `/runs?flow=${flow.id}`);
  await expect(page.getByRole('cell', { name: why })).toBeVisible();
  // Nothing is selected by whoever presses a key now.
  await expect(page.locator('body')).toBeFocused();
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(page.getByText(why, { exact: true })).toBeVisible();
  const select = page.getByRole('combobox', { name: 'Started by' });
  expect(await select.evaluate((select) => select.getBoundingClientRect().width), 'its words fit').toBeGreaterThan(140);
  await shots(page, 'runs-failed');
});
