// Finding runs, doing something to many of them, holding one, forking one, and running one again on another input.
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { Receiver } from '../support/receiver';
import { shots } from '../support/shots';
import { enter, expect, test, visit } from '../support/test';

const key = (name: string) => ({ 'idempotency-key': name });

test('runs are found by status, start, time, label and correlation, and the address keeps what was asked', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition('found again', { go: { kind: 'trigger.manual@1' }, out: { kind: 'data.set@1', config: { fields: {} } } }, ['go -> out']),
  );
  const begin = (number: number, labels: Record<string, string>, correlation?: string) =>
    api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { number }, labels, correlation }, key(`found-${number}`));
  const seven = await begin(7, { team: 'ops', tier: 'gold' }, 'order 7');
  const eight = await begin(8, { team: 'ops' }, 'order 8');
  const nine = await begin(9, { team: 'shop' });
  for (const { id } of [seven, eight, nine]) await api.reaches(id, 'completed');
  await visit(page, `/runs?flow=${flow.id}`);
  const rows = page.locator('table.runs tbody tr');
  await expect(rows).toHaveCount(3);
  await expect(rows.filter({ hasText: 'order 7' })).toContainText('team:ops');

  const find = page.getByRole('searchbox', { name: 'Find by label or correlation' });
  await find.fill('team:ops');
  await find.press('Enter');
  await expect(rows).toHaveCount(2);
  await expect(page).toHaveURL(/label=team%3Aops/);
  await find.fill('order 8');
  await find.press('Enter');
  await expect(rows).toHaveCount(1);
  await page.getByLabel('Status').selectOption('completed');
  await page.getByLabel('Time', { exact: true }).selectOption('24h');
  await page.getByLabel('Started by').selectOption('trigger.manual');
  await expect(page).toHaveURL(/within=24h/);
  await expect(rows).toHaveCount(1);
  await accessible(page);
  await shots(page, 'runs-filtered');
  // The address is all there is to it.
  await page.reload();
  await expect(rows).toHaveCount(1);
  await expect(page.getByLabel('Status')).toHaveValue('completed');
  await page.getByRole('link', { name: 'Remove filter: order 8' }).click();
  await expect(rows).toHaveCount(2);
  await page.getByLabel('Started by').selectOption('trigger.webhook');
  await expect(page.getByRole('heading', { name: 'No run fits these filters' })).toBeVisible();
  await page.getByRole('link', { name: 'Clear filters' }).click();
  await expect(page).toHaveURL(/\/runs$/);

  await visit(page, `/runs/${seven.id}`);
  await page.getByRole('link', { name: 'team:ops' }).click();
  await expect(page).toHaveURL(/\/runs\?label=team%3Aops$/);
  await expect(rows.filter({ hasText: 'found again' })).toHaveCount(2);
});

test('failed runs are selected one by one, as a range and all, and retried together; each failure is named', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  let broken = true;
  const endpoint = await Receiver.start(() => ({ status: broken ? 500 : 200, body: {} }));
  const flow = await api.publish(
    definition(
      'breaks',
      { go: { kind: 'trigger.manual@1' }, call: { kind: 'http.request@1', config: { method: 'POST', url: `${endpoint.url}/x` } } },
      ['go -> call'],
    ),
  );
  const runs: string[] = [];
  for (let number = 0; number < 6; number += 1) {
    const { id } = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { number } }, key(`bulk-${number}`));
    await api.reaches(id, 'failed');
    runs.push(id);
  }
  broken = false;
  await visit(page, `/runs?flow=${flow.id}&status=failed`);
  const rows = page.locator('table.runs tbody tr');
  await expect(rows).toHaveCount(6);
  const bar = page.getByRole('toolbar', { name: 'With the selected runs' });
  await expect(bar).toHaveCount(0);
  const box = (at: number) => rows.nth(at).getByRole('checkbox');
  await box(1).check();
  await box(3).click({ modifiers: ['Shift'] });
  await expect(bar).toContainText('3 selected');
  await page.getByRole('checkbox', { name: 'Select all that are shown' }).check();
  await expect(bar).toContainText('6 selected');
  await box(5).uncheck();
  await expect(bar).toContainText('5 selected');
  // The keyboard alone does it too.
  await rows.nth(5).getByRole('link').first().focus();
  await page.keyboard.press('x');
  await expect(bar).toContainText('6 selected');
  await accessible(page);
  await shots(page, 'runs-selected');

  await bar.getByRole('button', { name: 'Retry' }).click();
  const dialog = page.getByRole('dialog', { name: 'Retry 6 runs?' });
  await accessible(page);
  await shots(page, 'runs-bulk-ask');
  await dialog.getByRole('button', { name: 'Retry' }).click();
  const results = page.getByRole('dialog', { name: 'What became of them' });
  await expect(results).toContainText('6 runs retried.');
  await shots(page, 'runs-bulk-done');
  await results.getByRole('button', { name: 'Close', exact: true }).last().click();
  await expect.poll(async () => (await api.runs(flow.id)).filter(({ status }) => status === 'completed').length).toBe(6);

  // A failure of some does not stop the others, and is told by name.
  await page.route('**/api/v1/runs/bulk', async (route) => {
    const results = runs.map((run, at) =>
      at === 0
        ? { run, ok: false, problem: { code: 'conflict', title: 'Not possible', detail: 'The run is not over any more.' } }
        : { run, ok: true },
    );
    await route.fulfill({ json: { results } });
  });
  await visit(page, `/runs?flow=${flow.id}&status=failed`);
  await page.getByRole('checkbox', { name: 'Select all that are shown' }).check();
  await bar.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
  await expect(results).toContainText('5 runs retried, 1 not.');
  await expect(results.getByRole('listitem').first()).toContainText('The run is not over any more.');
  await accessible(page);
  await shots(page, 'runs-bulk-partly');
  endpoint.close();
});

test('a run is paused and resumed, and another is ended at once', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition('holds', { go: { kind: 'trigger.manual@1' }, pause: { kind: 'flow.wait@1', config: { for: '1h' } } }, ['go -> pause']),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, key('held'));
  await api.reaches(run.id, 'waiting');
  await visit(page, `/runs/${run.id}`);
  const says = (word: string) => page.getByRole('status').filter({ hasText: new RegExp(`^${word}$`) });
  await page.getByRole('button', { name: 'Pause' }).click();
  const dialog = page.getByRole('dialog', { name: 'Pause this run?' });
  await expect(dialog.getByRole('textbox', { name: 'Reason' })).toBeFocused();
  await page.keyboard.type('stocktaking');
  await accessible(page);
  await page.keyboard.press('Enter');
  await expect(says('Paused')).toBeVisible();
  await expect(page.getByText('stocktaking')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Pause' })).toHaveCount(0);
  await shots(page, 'run-paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(says('Waiting')).toBeVisible();
  await expect(page.getByText('stocktaking')).toHaveCount(0);

  await page.getByRole('button', { name: /^More actions/ }).click();
  await page.getByRole('menuitem', { name: 'Terminate' }).click();
  await page.getByRole('dialog', { name: 'Terminate this run?' }).getByRole('button', { name: 'Terminate' }).click();
  await expect(says('Terminated')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Retry from where it stopped' })).toBeVisible();
});

test('a run is forked from one of its inputs, after it was checked step by step', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const endpoint = await Receiver.start(({ path }) => ({ status: 200, body: { path } }));
  const call = (path: string) => ({ kind: 'http.request@1', config: { method: 'POST', url: `${endpoint.url}/${path}` } });
  const draft = (second: string) =>
    definition('forks', { go: { kind: 'trigger.manual@1' }, one: call('one'), two: call(second) }, ['go -> one', 'one -> two']);
  const flow = await api.publish(draft('two'));
  const first = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, key('forked'));
  await api.reaches(first.id, 'completed');
  // A second version, in which the second call goes elsewhere.
  const { revision } = await api.ok<{ revision: number }>('GET', `/flows/${flow.id}`);
  await api.ok('PUT', `/flows/${flow.id}`, draft('elsewhere'), { 'if-match': `"${revision}"` });
  await api.ok('POST', `/flows/${flow.id}/publish`, { message: 'elsewhere' });

  await visit(page, `/runs/${first.id}?at=2`);
  await expect(page.getByRole('heading', { name: 'Input 2' })).toBeVisible();
  await page.getByRole('button', { name: 'Fork from here' }).click();
  const dialog = page.getByRole('dialog', { name: 'Fork from here' });
  await dialog.getByLabel('Version').selectOption('2');
  await expect(dialog).toContainText('Only the first');
  await expect(dialog.getByRole('button', { name: 'Fork', exact: true })).toHaveCount(0);
  await accessible(page);
  await shots(page, 'run-fork-misfit');
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Previous input' }).click();
  await page.getByRole('button', { name: 'Fork from here' }).click();
  await dialog.getByLabel('Version').selectOption('2');
  await expect(dialog).toContainText('All of it fits: 2 inputs');
  await shots(page, 'run-fork');
  await dialog.getByRole('button', { name: 'Fork', exact: true }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(first.id));
  await api.reaches(page.url().split('/').pop() ?? '', 'completed');
  expect(endpoint.received.map(({ path }) => path)).toEqual(['/one', '/two', '/elsewhere']);
  await expect(page.getByText('after input 1')).toBeVisible();
  endpoint.close();
});

test('a run is run again with another input, whose mistakes are told by line and column', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition(
      'adds again',
      { go: { kind: 'trigger.manual@1' }, sum: { kind: 'data.set@1', config: { fields: { sum: { $cel: 'input.a + input.b' } } } } },
      ['go -> sum'],
    ),
  );
  const first = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { a: 4, b: 5 } }, key('edited'));
  await api.reaches(first.id, 'completed');
  await visit(page, `/runs/${first.id}`);
  await page.getByRole('button', { name: /^More actions/ }).click();
  await page.getByRole('menuitem', { name: 'Run again with edited input' }).click();
  const dialog = page.getByRole('dialog', { name: 'Run again with edited input' });
  const text = dialog.getByRole('textbox', { name: 'Input' });
  await expect(text).toHaveValue(/"a": 4/);
  await text.fill('{\n  "a": 40,\n  "b" 2\n}');
  await expect(dialog).toContainText('line 3, column 7');
  await accessible(page);
  await shots(page, 'run-again-edited');
  await text.fill('{"a": 40, "b": 2}');
  await dialog.getByRole('button', { name: 'Run again' }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(first.id));
  const second = await api.reaches(page.url().split('/').pop() ?? '', 'completed', 'failed');
  expect(second.output).toEqual({ a: 40, b: 2, sum: 42 });
});
