// A secret that was pasted stays out of the flow, and a connection that is not there is told before anything is published.
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { shots } from '../support/shots';
import { enter, expect, test, visit } from '../support/test';

test('a secret in a pasted command is left out, and it is said where it belongs', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.ok<{ id: string }>('POST', '/flows', { name: 'pasted' });
  await visit(page, `/flows/${flow.id}`);
  await expect(page.locator('#node-start')).toBeVisible();
  const find = page.getByRole('combobox', { name: 'Add a node' });
  await find.fill('http request');
  await find.press('Enter');
  await page.getByText('Paste a cURL command').click();
  await page
    .getByRole('textbox', { name: 'Paste a cURL command' })
    .fill(`curl https://api.example.com/orders -H 'Authorization: Bearer pasted-by-mistake' -H 'accept: application/json'`);
  await page.getByRole('button', { name: 'Fill in' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Authorization' })).toBeVisible();
  await accessible(page);
  await shots(page, 'import-left-out');
  type Flow = { definition: { nodes: Record<string, { config?: Record<string, unknown> }> } };
  const kept = () => api.ok<Flow>('GET', `/flows/${flow.id}`);
  await expect.poll(async () => (await kept()).definition.nodes.request?.config).toMatchObject({ headers: { accept: 'application/json' } });
  expect(JSON.stringify(await kept())).not.toContain('pasted-by-mistake');
});

test.describe('a connection that is not there', () => {
  // Chromium reports the refused publishing.
  test.use({ expected: ['422'] });
  test('is told with its place, and publishing goes through when it is there', async ({ page, server }) => {
    await enter(page, server);
    const api = new Api(page.request, server.url);
    const ask = { kind: 'http.request@1', config: { method: 'GET', url: 'https://api.example.com', connection: 'shop' } };
    const flow = await api.ok<{ id: string }>('POST', '/flows', {
      definition: definition('asks the shop', { go: { kind: 'trigger.manual@1' }, ask }, ['go -> ask']),
    });
    await visit(page, `/flows/${flow.id}`);
    await expect(page.locator('#node-ask')).toBeVisible();
    const publish = page.getByRole('button', { name: 'Publish', exact: true });
    await publish.first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
    await expect(dialog.getByRole('alert')).toContainText('shop');
    await accessible(page);
    await shots(page, 'publish-refused');
    await dialog.getByRole('alert').getByRole('button').first().press('Enter');
    await expect(dialog).toBeHidden();
    await expect(page.getByRole('combobox', { name: 'Connection' })).toBeVisible();

    await api.ok('POST', '/connections', { name: 'shop', kind: 'http_bearer', secret: 's', hosts: ['api.example.com'] });
    await publish.first().click();
    await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
    await expect.poll(async () => (await api.ok<{ published?: unknown }>('GET', `/flows/${flow.id}`)).published ?? null).not.toBeNull();
  });
});
