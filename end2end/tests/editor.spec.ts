// The editor where two meet: another tab that saved first, a delivery that is caught, a command that is pasted. And where
// something goes wrong: saves that are refused or never answered, an engine that does not load, input that is none.
import type { Page } from '@playwright/test';
import { Api, type Node, definition } from '../support/api';
import { accessible } from '../support/axe';
import type { HolonServer } from '../support/server';
import { shots } from '../support/shots';
import { enter, expect, listen, test, visit } from '../support/test';

const hooked = definition('hooked', { start: { kind: 'trigger.manual@1' }, hook: { kind: 'trigger.webhook@1', config: { method: 'POST' } } }, []);

test.describe('a stale tab', () => {
  // Chromium reports every refused request.
  test.use({ expected: ['412'] });
  test('overwrites nothing, explains itself as often as it is asked, and keeps its work as a copy', async ({ page, server }) => {
    await enter(page, server);
    const api = new Api(page.request, server.url);
    const flow = await api.ok<{ id: string }>('POST', '/flows', { definition: { ...hooked, name: 'two tabs' } });
    const other = await page.context().newPage();
    const complaints = listen(other);
    for (const tab of [page, other]) {
      await visit(tab, `/flows/${flow.id}`);
      await expect(tab.locator('#node-hook')).toBeVisible();
    }
    await other.getByRole('textbox', { name: 'Description' }).fill('first');
    await expect(other.getByRole('status').filter({ hasText: /^Saved/ })).toBeVisible();
    await expect.poll(async () => (await api.ok<{ revision: number }>('GET', `/flows/${flow.id}`)).revision).toBeGreaterThan(1);

    await page.getByRole('textbox', { name: 'Description' }).fill('second');
    const dialog = page.getByRole('dialog', { name: 'Somebody saved a newer revision' });
    await expect(dialog).toBeVisible();
    // What loses nothing is what Enter does.
    await expect(dialog.getByRole('button', { name: 'Save mine as a copy' })).toBeFocused();
    await accessible(page);
    await shots(page, 'editor-stale');
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await page.getByRole('button', { name: 'Not saved: changed elsewhere' }).click();
    await expect(dialog).toBeVisible();
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname.startsWith('/flows/flow_') && !url.pathname.endsWith(flow.id));
    const copy = await api.ok<{ definition: { name: string; description: string } }>('GET', `/flows/${page.url().split('/').pop()}`);
    expect(copy.definition).toMatchObject({ name: 'two tabs (copy)', description: 'second' });
    const kept = await api.ok<{ definition: { description: string } }>('GET', `/flows/${flow.id}`);
    expect(kept.definition.description).toBe('first');
    expect(complaints).toEqual([]);
  });
});

test('a delivery that is caught becomes the sample of the webhook, whatever starts the preview', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.ok<{ id: string }>('POST', '/flows', { definition: { ...hooked, name: 'caught' } });
  await visit(page, `/flows/${flow.id}`);
  await expect(page.locator('#node-hook')).toBeVisible();
  await page.getByRole('combobox', { name: 'Started by' }).selectOption('start');
  await page.getByRole('button', { name: 'Catch the next delivery' }).click();
  const address = await page.getByText(/\/hooks\/test\/[0-9a-f]{32}$/).first().innerText();
  const sent = await page.request.post(address, { data: { order: 7 } });
  expect(sent.status(), await sent.text()).toBe(200);
  await expect(page.getByText('Caught a delivery')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Sample' })).toHaveValue(/"order": 7/);
  type Samples = { definition: { samples?: Record<string, { body?: unknown }> } };
  const samples = async () => (await api.ok<Samples>('GET', `/flows/${flow.id}`)).definition.samples;
  await expect.poll(async () => (await samples())?.hook?.body).toEqual({ order: 7 });
  expect((await samples())?.start).toBeUndefined();
});

test('a cURL command fills the form of a request', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.ok<{ id: string }>('POST', '/flows', { name: 'pasted' });
  await visit(page, `/flows/${flow.id}`);
  await expect(page.locator('#node-start')).toBeVisible();
  const find = page.getByRole('combobox', { name: 'Add a node' });
  await find.fill('http request');
  await find.press('Enter');
  await page.getByText('Paste a cURL command').click();
  const paste = page.getByRole('textbox', { name: 'Paste a cURL command' });
  const command = `curl -X PUT 'https://api.example.com/orders/7?dry=1' -H 'content-type: application/json' -H "x-trace: a b" -d '{"qty": 3}'`;

  await paste.fill(`${command} --insecure`);
  await page.getByRole('button', { name: 'Fill in' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'certificates are always checked' })).toBeVisible();

  await paste.fill(command);
  await page.getByRole('button', { name: 'Fill in' }).click();
  type Kept = { definition: { nodes: Record<string, { config: unknown }> } };
  await expect
    .poll(async () => (await api.ok<Kept>('GET', `/flows/${flow.id}`)).definition.nodes.request?.config)
    .toMatchObject({ method: 'PUT', url: 'https://api.example.com/orders/7?dry=1', body: { json: { qty: 3 } }, headers: { 'x-trace': 'a b' } });
});

type Kept<T> = { revision: number; definition: T };
const flows: { go: Node; out: Node } = { go: { kind: 'trigger.manual@1' }, out: { kind: 'data.set@1', config: { fields: { a: 1 } } } };

/** Opens the editor of a new flow of these nodes; gives its id. */
async function opened(page: Page, server: HolonServer, name: string, nodes: Record<string, Node> = flows, edges = ['go -> out']): Promise<string> {
  await enter(page, server);
  const { id } = await new Api(page.request, server.url).ok<{ id: string }>('POST', '/flows', { definition: definition(name, nodes, edges) });
  await visit(page, `/flows/${id}`);
  await expect(page.locator(`#node-${Object.keys(nodes).pop()}`)).toBeVisible();
  return id;
}

const described = (page: Page) => page.getByRole('textbox', { name: 'Description' });
const saved = (page: Page) => page.getByRole('status').filter({ hasText: /^Saved/ });
const toFlows = (page: Page) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Flows' });

test('what was typed last is kept when the editor is left at once', async ({ page, server }) => {
  const id = await opened(page, server, 'left at once');
  await described(page).fill('typed last');
  await toFlows(page).click();
  await page.waitForURL('**/flows');
  await page.locator(`a[href="/flows/${id}"]`).first().click();
  await expect(described(page)).toHaveValue('typed last');
  await expect(saved(page)).toBeVisible();
});

test.describe('a save that is refused for good', () => {
  // Chromium reports every refused request.
  test.use({ expected: ['422'] });
  test('says why where everybody reads it, is not left without asking, and is sent again when it is asked for', async ({ page, server }) => {
    const id = await opened(page, server, 'refused');
    let sent = 0;
    await page.route('**/commands', (route) => {
      sent += 1;
      const problem = { type: '/docs/errors/validation_failed', title: 'Some fields are not valid', status: 422, code: 'validation_failed' };
      return route.fulfill({ status: 422, contentType: 'application/problem+json', body: JSON.stringify({ ...problem, detail: 'The `description` is too odd.' }) });
    });
    await described(page).fill('odd');
    const alert = page.getByRole('alert').filter({ hasText: 'Not saved' });
    await expect(alert).toContainText('The description is too odd.');
    await expect(alert.locator('code')).toHaveText('description');
    await accessible(page);
    await shots(page, 'editor-refused');

    await toFlows(page).click();
    const dialog = page.getByRole('dialog', { name: 'The last changes are not saved' });
    await expect(dialog.getByRole('button', { name: 'Stay' })).toBeFocused();
    await accessible(page);
    await page.keyboard.press('Enter');
    await expect(dialog).toBeHidden();
    expect(page.url()).toContain(id);
    expect(sent).toBe(1);

    await page.unroute('**/commands');
    await alert.getByRole('button', { name: 'Try again' }).click();
    await expect(saved(page)).toBeVisible();
    await expect(alert).toHaveCount(0);
    const kept = await new Api(page.request, server.url).ok<Kept<{ description: string }>>('GET', `/flows/${id}`);
    expect(kept.definition.description).toBe('odd');
  });
});

test.describe('a save whose answer is lost', () => {
  // Chromium reports the answer that never came, and the request that is refused because it came.
  test.use({ expected: ['net::', '412'] });
  test(`is nobody else's: what came since is saved on top of it`, async ({ page, server }) => {
    const id = await opened(page, server, 'answer lost');
    const api = new Api(page.request, server.url);
    const kept = () => api.ok<Kept<{ description: string }>>('GET', `/flows/${id}`);
    let lost = 0;
    await page.route('**/commands', async (route) => {
      lost += 1;
      if (lost > 1) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await described(page).fill('first');
    await expect(page.getByRole('alert').filter({ hasText: 'Not saved' })).toBeVisible();
    expect((await kept()).definition.description).toBe('first');
    await described(page).fill('first and second');
    await expect(saved(page)).toBeVisible();
    await expect(page.getByRole('dialog', { name: 'Somebody saved a newer revision' })).toHaveCount(0);
    expect((await kept()).definition.description).toBe('first and second');
    // And it goes on from there.
    await described(page).fill('third');
    await expect.poll(async () => (await kept()).definition.description).toBe('third');
  });
});

test.describe('an engine that does not load', () => {
  // Chromium reports the lost file.
  test.use({ expected: ['net::', 'Failed to load'] });
  test('is said, starts no run without a sample, and is loaded when it is asked for again', async ({ page, server }) => {
    await enter(page, server);
    const api = new Api(page.request, server.url);
    const { id } = await api.publish(definition('no engine', flows, ['go -> out']));
    await page.route('**/preview-worker.js', (route) => route.abort());
    await visit(page, `/flows/${id}`);
    const again = page.locator('.kinds').getByRole('button', { name: 'Try again' });
    await expect(again).toBeVisible();
    await page.getByRole('button', { name: 'Run now' }).click();
    await expect(page.getByRole('alert').filter({ hasText: 'no sample to start with' })).toBeVisible();
    expect(await api.runs(id)).toEqual([]);
    await page.unroute('**/preview-worker.js');
    await again.click();
    await expect(page.getByRole('listbox', { name: 'Add a node' }).getByRole('option').first()).toBeVisible();
    await page.locator('#node-out').click({ position: { x: 100, y: 10 } });
    await expect(page.getByRole('complementary', { name: 'Settings' }).getByText('Fields').first()).toBeVisible();
  });
});

test('a body of a saga that is renamed keeps its step, and one that goes takes it along', async ({ page, server }) => {
  const step = { nodes: { set: { kind: 'data.set@1', config: { fields: { a: 1 } } } }, edges: [] };
  const id = await opened(
    page,
    server,
    'saga renamed',
    {
      go: { kind: 'trigger.manual@1' },
      trip: {
        kind: 'saga@1',
        config: { steps: [{ step: 'book', compensate: 'cancel' }, { step: 'pay' }] },
        bodies: { book: step, cancel: step, pay: step },
      },
    },
    ['go -> trip'],
  );
  type Trip = { nodes: { trip: { config: { steps: unknown[] }; bodies: Record<string, unknown> } } };
  const trip = async () => (await new Api(page.request, server.url).ok<Kept<Trip>>('GET', `/flows/${id}`)).definition.nodes.trip;
  await page.locator('#node-trip').click({ position: { x: 100, y: 10 } });
  const bodies = page.getByRole('region', { name: 'Inside' });
  const first = bodies.getByRole('textbox', { name: 'Name' }).first();
  await expect(first).toHaveValue('book');
  await first.fill('reserve');
  await first.press('Enter');
  await expect.poll(async () => (await trip()).config.steps[0]).toEqual({ step: 'reserve', compensate: 'cancel' });
  await bodies.getByRole('button', { name: 'Remove pay' }).click();
  await expect.poll(async () => (await trip()).config.steps).toEqual([{ step: 'reserve', compensate: 'cancel' }]);
  await bodies.getByRole('button', { name: 'Remove cancel' }).click();
  await expect.poll(async () => (await trip()).config.steps).toEqual([{ step: 'reserve' }]);
  expect(Object.keys((await trip()).bodies)).toEqual(['reserve']);
  await accessible(page);
});

test('a time limit with a fallback keeps it when the limit changes, and wrong input is put back with a reason', async ({ page, server }) => {
  const fallback = { skipped: true };
  const out = { ...flows.out, policies: { timeout: { after: '5s', fallback }, retry: { attempts: 2 } } };
  const id = await opened(page, server, 'limited', { ...flows, out });
  type Limited = { nodes: { out: { policies: { timeout: unknown } } } };
  const timeout = async () =>
    (await new Api(page.request, server.url).ok<Kept<Limited>>('GET', `/flows/${id}`)).definition.nodes.out.policies.timeout;
  await page.locator('#node-out').click({ position: { x: 100, y: 10 } });
  const settings = page.getByRole('complementary', { name: 'Settings' });
  await settings.getByRole('tab', { name: 'Options' }).click();
  const limit = settings.getByLabel('Time limit');
  await expect(limit).toHaveValue('5s');
  await expect(settings.getByLabel('Instead of failing')).toHaveValue(/"skipped": true/);
  await limit.fill('10s');
  await limit.press('Enter');
  await expect.poll(timeout).toEqual({ after: '10s', fallback });
  const attempts = settings.getByLabel('Attempts in all');
  await attempts.fill('500');
  await attempts.press('Enter');
  await expect(settings.getByRole('alert')).toContainText('from 1 to 100');
  await expect(attempts).toHaveValue('2');
  await accessible(page);
});

test('publishing what did not change says so, and an older version can be the draft again', async ({ page, server }) => {
  const id = await opened(page, server, 'published twice');
  const publish = async () => {
    await page.getByRole('button', { name: 'Publish' }).click();
    const dialog = page.getByRole('dialog', { name: 'Publish a version' });
    await dialog.getByRole('button', { name: 'Publish' }).click();
    return dialog;
  };
  const dialog = await publish();
  await expect(dialog.getByRole('status').filter({ hasText: 'Published version 1' })).toBeVisible();
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  await publish();
  await expect(dialog.getByRole('status').filter({ hasText: 'Nothing changed since version 1' })).toBeVisible();
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();

  await described(page).fill('a detour');
  await expect(saved(page)).toBeVisible();
  await page.locator(`a[href="/flows/${id}/versions"]`).click();
  await page.getByRole('button', { name: 'v1', exact: true }).click();
  await page.getByRole('dialog', { name: 'Version 1' }).getByRole('button', { name: 'Use as draft' }).click();
  await page.waitForURL(`**/flows/${id}`);
  await expect(described(page)).toHaveValue('');
});

test('the canvas shows its focus to those who use keys, and to nobody who only opened the page', async ({ page, server }) => {
  await opened(page, server, 'focused');
  const ring = () => page.locator('#canvas').evaluate((canvas) => getComputedStyle(canvas, '::after').content);
  await expect(page.locator('#canvas')).toBeFocused();
  expect(await ring()).toBe('none');
  await page.keyboard.press('ArrowRight');
  await expect.poll(ring).not.toBe('none');
});
