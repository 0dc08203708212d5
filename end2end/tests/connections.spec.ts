// A secret goes in, is used, is replaced, and is never shown.
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { Receiver } from '../support/receiver';
import { shots } from '../support/shots';
import { enter, expect, test, visit } from '../support/test';

test('a secret is made and replaced with the keyboard, and the next request carries the new one', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const endpoint = await Receiver.start();

  await visit(page, '/connections?new=connection');
  const making = page.getByRole('dialog', { name: 'New connection' });
  await expect(making.getByRole('textbox', { name: 'Name' })).toBeFocused();
  // The address asked once: a reload does not ask again.
  await expect(page).toHaveURL(/\/connections$/);
  await page.keyboard.type('bank');
  await making.getByRole('textbox', { name: 'Secret' }).fill('the first secret');
  await making.getByRole('textbox', { name: 'Hosts' }).fill('127.0.0.1');
  await making.getByRole('button', { name: 'Create connection' }).click();
  await expect(making).toBeHidden();

  const flow = await api.publish(
    definition(
      'asks the bank',
      { go: { kind: 'trigger.manual@1' }, ask: { kind: 'http.request@1', config: { method: 'GET', url: endpoint.url, connection: 'bank' } } },
      ['go -> ask'],
    ),
  );
  const ask = async (key: string) => {
    const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, { 'idempotency-key': key });
    await api.reaches(run.id, 'completed', 'failed');
    return endpoint.received.at(-1)?.headers.authorization;
  };
  expect(await ask('before')).toBe('Bearer the first secret');

  await page.getByRole('button', { name: 'bank', exact: true }).press('Enter');
  const replacing = page.getByRole('dialog', { name: 'Replace secret · bank' });
  const secret = replacing.getByRole('textbox', { name: 'Secret' });
  await expect(secret).toBeFocused();
  await expect(secret).toHaveValue('');
  await accessible(page);
  await shots(page, 'connection-replace');
  await page.keyboard.type('the second secret');
  await page.keyboard.press('Enter');
  await expect(replacing).toBeHidden();
  await expect(page.getByText('Secret replaced')).toBeVisible();
  expect(await ask('after')).toBe('Bearer the second secret');

  const listed = await (await page.request.get('/api/v1/connections')).text();
  expect(listed + (await page.content())).not.toMatch(/the (first|second) secret/);
  endpoint.close();
});

test.describe('a host that is none', () => {
  // Chromium reports every refused request.
  test.use({ expected: ['422'] });
  test('is told at its field, also when the form has scrolled away from it', async ({ page, server }) => {
    await enter(page, server);
    await visit(page, '/connections');
    await page.setViewportSize({ width: 640, height: 400 });
    await page.getByRole('button', { name: 'New connection' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('wrong');
    await dialog.getByRole('textbox', { name: 'Secret' }).fill('x');
    const hosts = dialog.getByRole('textbox', { name: 'Hosts' });
    await hosts.fill('https://example.com/path');
    await dialog.getByRole('button', { name: 'Create connection' }).click();
    await expect(hosts).toHaveAttribute('aria-invalid', 'true');
    await expect(hosts).toBeFocused();
    await expect(hosts).toBeInViewport();
  });
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
