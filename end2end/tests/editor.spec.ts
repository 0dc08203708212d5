// The editor where two meet: another tab that saved first, a delivery that is caught, a command that is pasted.
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
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
