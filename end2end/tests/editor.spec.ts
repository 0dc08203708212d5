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
    // The focus comes with the next frame.
    await expect(dialog.getByRole('button', { name: 'Save mine as a copy' })).toBeFocused();
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
  const sent = await page.request.post(address, { data: { order: 7 }, headers: { 'x-api-key': 'S3CRET', 'x-trace': 'a' } });
  expect(sent.status(), await sent.text()).toBe(200);
  // A sample travels with its flow: what proves who sent it is not in it, and that is said.
  await expect(page.getByText('Caught a delivery. It is the sample now, without the values of x-api-key.')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Sample' })).toHaveValue(/"order": 7/);
  type Samples = { definition: { samples?: Record<string, { body?: unknown; headers?: unknown }> } };
  const samples = async () => (await api.ok<Samples>('GET', `/flows/${flow.id}`)).definition.samples;
  await expect.poll(async () => (await samples())?.hook?.body).toEqual({ order: 7 });
  expect((await samples())?.hook?.headers).toMatchObject({ 'x-api-key': '(left out)', 'x-trace': 'a' });
  expect((await samples())?.start).toBeUndefined();
});

/** A new flow with a request to fill in from a pasted command; `stored`: the flow as the server has it, `kept`: the request's settings in it. */
async function pasting(page: Page, server: HolonServer) {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.ok<{ id: string }>('POST', '/flows', { name: 'pasted' });
  await visit(page, `/flows/${flow.id}`);
  await expect(page.locator('#node-start')).toBeVisible();
  const find = page.getByRole('combobox', { name: 'Add a node' });
  await find.fill('http request');
  await find.press('Enter');
  await page.getByText('Paste a cURL command').click();
  type Kept = { definition: { nodes: Record<string, { config?: unknown }> } };
  const stored = () => api.ok<Kept>('GET', `/flows/${flow.id}`);
  const kept = async () => (await stored()).definition.nodes.request?.config;
  return { paste: page.getByRole('textbox', { name: 'Paste a cURL command' }), stored, kept };
}

test('a cURL command fills the form of a request', async ({ page, server }) => {
  const { paste, kept } = await pasting(page, server);
  const command = `curl -X PUT 'https://api.example.com/orders/7?dry=1' -H 'content-type: application/json' -H "x-trace: a b" -d '{"qty": 3}'`;

  await paste.fill(`${command} --insecure`);
  await page.getByRole('button', { name: 'Fill in' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'certificates are always checked' })).toBeVisible();

  await paste.fill(command);
  await page.getByRole('button', { name: 'Fill in' }).click();
  await expect
    .poll(kept)
    .toMatchObject({ method: 'PUT', url: 'https://api.example.com/orders/7?dry=1', body: { json: { qty: 3 } }, headers: { 'x-trace': 'a b' } });
});

test('a secret in a pasted command is left out, and it is said where it belongs', async ({ page, server }) => {
  const { paste, stored, kept } = await pasting(page, server);
  await paste.fill(`curl https://api.example.com/orders -H 'Authorization: Bearer pasted-by-mistake' -H 'accept: application/json'`);
  await page.getByRole('button', { name: 'Fill in' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Authorization' })).toBeVisible();
  await accessible(page);
  await shots(page, 'import-left-out');
  await expect.poll(kept).toMatchObject({ headers: { accept: 'application/json' } });
  expect(JSON.stringify(await stored())).not.toContain('pasted-by-mistake');
});

type Kept<T> = { revision: number; definition: T };
const flows: { go: Node; out: Node } = { go: { kind: 'trigger.manual@1' }, out: { kind: 'data.set@1', config: { fields: { a: 1 } } } };

/** Opens the editor of a new flow of these nodes; gives its id. */
async function opened(
  page: Page,
  server: HolonServer,
  name: string,
  nodes: Record<string, Node> = flows,
  edges = ['go -> out'],
  more: Record<string, unknown> = {},
): Promise<string> {
  await enter(page, server);
  const { id } = await new Api(page.request, server.url).ok<{ id: string }>('POST', '/flows', { definition: definition(name, nodes, edges, more) });
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

test('what did not change is not there to be published, and an older version can be the draft again', async ({ page, server }) => {
  const id = await opened(page, server, 'published twice');
  const dialog = page.getByRole('dialog', { name: 'Publish a version' });
  await page.getByRole('button', { name: 'Publish' }).click();
  await dialog.getByRole('button', { name: 'Publish' }).click();
  await expect(dialog.getByRole('status').filter({ hasText: 'Published version 1' })).toBeVisible();
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Publish' }).click();
  await expect(dialog.getByRole('status').filter({ hasText: 'Nothing that runs is different from version 1' })).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Publish' })).toBeDisabled();
  await accessible(page);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();

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

test('a result of several expressions stays what it is while it is looked at, and is edited as JSON or as one expression', async ({ page, server }) => {
  const result = { told: { $cel: 'nodes.out' }, as: 'text' };
  const id = await opened(page, server, 'several results', flows, ['go -> out'], { result });
  type Result = { result?: unknown };
  const kept = async () => (await new Api(page.request, server.url).ok<Kept<Result>>('GET', `/flows/${id}`)).definition.result;
  const settings = page.getByRole('complementary', { name: 'Settings' });
  const field = settings.getByRole('textbox', { name: 'Result' });
  await expect(field).toHaveValue(/"\$cel": "nodes\.out"/);
  // What it gives, not what it is made of.
  const gives = settings.locator('.expression-result');
  await expect(gives).toContainText('{"as":"text","told":{"a":1}}');
  await field.press('End');
  await page.keyboard.type('  ');
  await page.keyboard.press('Backspace');
  await described(page).fill('looked at');
  type Described = Kept<{ description: string }>;
  await expect
    .poll(async () => (await new Api(page.request, server.url).ok<Described>('GET', `/flows/${id}`)).definition.description)
    .toBe('looked at');
  expect(await kept()).toEqual(result);

  await field.fill('{ "told": { "$cel": "nodes.out.a + 1" } }');
  await expect(gives).toContainText('{"told":2}');
  await expect.poll(kept).toEqual({ told: { $cel: 'nodes.out.a + 1' } });
  await field.fill('{ "told": ');
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await field.fill('{ "told": { "$cel": "nodes.out.a + 2" } }');
  await accessible(page);
  await settings.getByRole('button', { name: 'Compute with an expression' }).click();
  await expect(field).toHaveValue('{"told": nodes.out.a + 2}');
  await expect(gives).toContainText('{"told":3}');
  await expect.poll(kept).toEqual({ $cel: '{"told": nodes.out.a + 2}' });
});

test('the address of a webhook stands with its trigger, and before there is one, when it comes', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.ok<{ id: string }>('POST', '/flows', { definition: { ...hooked, name: 'addressed' } });
  await visit(page, `/flows/${flow.id}`);
  const settings = page.getByRole('complementary', { name: 'Settings' });
  await page.locator('#node-start').click({ position: { x: 100, y: 10 } });
  await expect(settings.getByRole('textbox', { name: 'Key' })).toHaveValue('start');
  await expect(settings.getByText('Address', { exact: true })).toHaveCount(0);
  await page.locator('#node-hook').click({ position: { x: 100, y: 10 } });
  await expect(settings).toContainText('Publishing the flow gives it one.');
  await api.ok('POST', `/flows/${flow.id}/publish`, { message: '' });
  const { webhooks } = await api.ok<{ webhooks: { url: string }[] }>('GET', `/flows/${flow.id}`);
  await page.reload();
  await page.locator('#node-hook').click({ position: { x: 100, y: 10 } });
  await expect(settings.getByText(webhooks[0]?.url ?? 'none', { exact: true })).toBeVisible();
  await expect(settings.getByRole('button', { name: 'Copy the webhook address' })).toBeVisible();
  await accessible(page);
});

test('a flow that is opened is seen whole where its cards can be read, else its beginning, and what does not fit is counted', async ({ page, server }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await enter(page, server);
  const api = new Api(page.request, server.url);
  for (const [example, whole] of [['order-intake', false], ['csv-report', true], ['signed-push', true], ['travel-booking', true]] as const) {
    await test.step(example, async () => {
      const { id } = await api.ok<{ id: string }>('POST', '/flows', { example });
      await visit(page, `/flows/${id}`);
      await expect(page.locator('.node').first()).toBeVisible();
      const canvas = await page.locator('#canvas').boundingBox();
      if (!canvas) throw new Error('the canvas is not there');
      for (const node of await page.locator('.node').all()) {
        const box = await node.boundingBox();
        if (!box) throw new Error('a node is not there');
        expect(box.x).toBeGreaterThanOrEqual(canvas.x);
        if (whole) expect(box.x + box.width).toBeLessThanOrEqual(canvas.x + canvas.width);
        const title = await node.locator('.node-title').evaluate((title) => title.getBoundingClientRect().height);
        expect(title, 'a line of text of 10 px or more').toBeGreaterThanOrEqual(11);
        // What it is and how it went can be seen from here.
        await expect(node.locator('.node-icon')).toBeVisible();
      }
      await expect(page.getByRole('button', { name: /outside the view/ })).toHaveCount(whole ? 0 : 1);
      await shots(page, `editor-${example}`);
    });
  }
  const keys = Array.from({ length: 20 }, (_, at) => `n${at}`);
  const nodes = Object.fromEntries(keys.map((key) => [key, { kind: 'data.set@1', config: { fields: { a: 1 } } }]));
  const edges = keys.slice(1).map((key, at) => `n${at} -> ${key}`);
  const { id } = await api.ok<{ id: string }>('POST', '/flows', { definition: definition('long', { go: { kind: 'trigger.manual@1' }, ...nodes }, ['go -> n0', ...edges]) });
  await visit(page, `/flows/${id}`);
  await expect(page.locator('#node-go')).toBeInViewport();
  await page.getByRole('button', { name: /nodes outside the view/ }).click();
  await expect(page.getByRole('button', { name: /outside the view/ })).toHaveCount(0);
});

test('a body is named where it is looked at, and the other bodies of its scope are one step away', async ({ page, server }) => {
  const body = (key: string) => ({ nodes: { [key]: { kind: 'data.set@1', config: { fields: { a: 1 } } } }, edges: [] });
  await opened(
    page,
    server,
    'two bodies',
    { go: { kind: 'trigger.manual@1' }, trip: { kind: 'saga@1', config: { steps: [{ step: 'car' }, { step: 'hotel' }] }, bodies: { car: body('rent'), hotel: body('book') } } },
    ['go -> trip'],
  );
  await page.locator('#node-trip').getByRole('button', { name: /^car/ }).click();
  const settings = page.getByRole('complementary', { name: 'Settings' });
  await expect(settings.getByRole('heading')).toHaveText('Inside trip · car');
  await expect(settings).toContainText('What this body gives its scope.');
  await expect(page.locator('#node-rent')).toBeVisible();
  await page.getByRole('combobox', { name: 'Another body of trip' }).selectOption('hotel');
  await expect(page.locator('#node-book')).toBeVisible();
  await expect(settings.getByRole('heading')).toHaveText('Inside trip · hotel');
  await accessible(page);
});

test('what is typed after "Add a node here" goes to the search, and Home leads to the trigger', async ({ page, server }) => {
  const id = await opened(page, server, 'by keys', { alone: { kind: 'data.set@1', config: { fields: { a: 1 } } }, ...flows });
  const canvas = page.getByRole('application', { name: 'Flow canvas' });
  await expect(canvas).toBeFocused();
  const selected = page.locator('.node.selected');
  await page.keyboard.press('Home');
  await expect(selected).toHaveAttribute('data-node', 'go');
  await page.keyboard.press('End');
  await expect(selected).toHaveAttribute('data-node', 'out');
  await page.keyboard.press('c');
  const add = page.getByRole('dialog').getByRole('button', { name: 'Add a node here' });
  await expect(page.getByRole('dialog').getByRole('button', { name: 'alone.in' })).toBeFocused();
  await page.keyboard.press('End');
  await expect(add).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('combobox', { name: 'Add a node' })).toBeFocused();
  await page.keyboard.type('respond');
  await page.keyboard.press('Enter');
  await expect(page.locator('#node-respond')).toBeVisible();
  type Drawn = { nodes: Record<string, { disabled?: boolean }>; edges: { from: string; to: string }[] };
  const drawn = async () => (await new Api(page.request, server.url).ok<Kept<Drawn>>('GET', `/flows/${id}`)).definition;
  await expect.poll(async () => (await drawn()).edges).toContainEqual({ from: 'out.out', to: 'respond.in' });
  // What is new is selected, and still shows it when the preview has given it a state.
  await expect(page.locator('#node-respond')).toHaveClass(/ is-(succeeded|skipped) /);
  await expect(selected).toHaveAttribute('data-node', 'respond');
  expect((await drawn()).nodes.out?.disabled ?? false).toBe(false);
});

test('a preview of which a part could not run is not called completed', async ({ page, server }) => {
  await opened(page, server, 'in part', { ...flows, bare: { kind: 'data.set@1', config: { fields: { a: { $cel: '1 +' } } } } });
  const drawer = page.getByRole('region', { name: 'Run drawer' });
  await expect(drawer).toContainText('Ran in part: see Problems');
  await expect(drawer).not.toContainText('Completed');
});

test('what is added is right at once on an empty sample, and what is wrong is told in a sentence', async ({ page, server }) => {
  await opened(page, server, 'greets');
  await page.locator('#node-out').click({ position: { x: 100, y: 10 } });
  const find = page.getByRole('combobox', { name: 'Add a node' });
  await find.fill('template');
  await find.press('Enter');
  const added = page.locator('#node-template');
  await expect(added).toHaveClass(/ is-succeeded /);
  const settings = page.getByRole('complementary', { name: 'Settings' });
  await expect(settings).toContainText('string "Hello world"');
  await settings.getByRole('textbox', { name: /^Text/ }).fill('Hello {{ input.name }}');
  await expect(settings).toContainText('There is no field name (character 10): the fields are a; if it may be absent');
  await expect(added.locator('.node-foot')).toHaveText(/^There is no field name/);
  await accessible(page);
});

test.describe('a form', () => {
  // What is missing is refused.
  test.use({ expected: ['422'] });
  test('shows its fields in the order in which its schema was written, and marks what is missing', async ({ page, server }) => {
    const id = await opened(page, server, 'asks', { form: { kind: 'trigger.form@1', config: { title: 'Leave', schema: { type: 'object', properties: {} } } } }, []);
    await page.locator('#node-form').click({ position: { x: 100, y: 10 } });
    const field = (type: string) => ({ type });
    const schema = { type: 'object', required: ['days', 'from'], properties: { name: field('string'), from: field('string'), days: field('integer') } };
    await page.getByRole('complementary', { name: 'Settings' }).getByRole('textbox', { name: /^Schema/ }).fill(JSON.stringify(schema));
    const api = new Api(page.request, server.url);
    type Form = { nodes: { form: { config: { schema: object } } } };
    const kept = async () => (await api.ok<Kept<Form>>('GET', `/flows/${id}`)).definition.nodes.form.config.schema;
    await expect.poll(kept).toEqual({ ...schema, 'x-holon-order': ['name', 'from', 'days'] });
    await page.getByRole('button', { name: 'Publish' }).click();
    const dialog = page.getByRole('dialog', { name: 'Publish a version' });
    await dialog.getByRole('button', { name: 'Publish' }).click();
    await expect(dialog.getByRole('status').filter({ hasText: 'Published version 1' })).toBeVisible();
    const { webhooks } = await api.ok<{ webhooks: { url: string }[] }>('GET', `/flows/${id}`);
    await page.goto(webhooks[0]?.url ?? '');
    await expect(page.locator('form label')).toHaveText([/^Name/, /^From/, /^Days/]);
    await page.getByRole('button', { name: 'Send' }).click();
    await expect(page.getByRole('alert')).toContainText('What is missing or not right is marked below.');
  });
});

test('on a phone the editor says what the flow is called, and all that can be done with it is in reach', async ({ page, server }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await opened(page, server, 'orders of the northern shops');
  const name = page.getByRole('navigation', { name: 'Flows' }).getByText('orders of the northern shops');
  expect(await name.evaluate((name) => name.scrollWidth - name.clientWidth), 'nothing of it is cut off').toBeLessThanOrEqual(0);
  for (const act of ['Undo', 'Redo', 'Run now', 'Publish']) {
    await expect(page.locator('.editor-bar').getByRole('button', { name: act })).toBeInViewport({ ratio: 1 });
  }
  await accessible(page);
  await shots(page, 'editor-phone');
});
