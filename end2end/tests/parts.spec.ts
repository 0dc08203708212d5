// Pages are modules of their own: what they need is announced, comes once, and its loss is said.
import { Api, definition } from '../support/api';
import { enter, expect, hydrated, test, visit } from '../support/test';

const small = definition('parts', { go: { kind: 'trigger.manual@1' }, out: { kind: 'data.set@1', config: { fields: { a: 1 } } } }, ['go -> out']);

test('a page names its parts in its head, and every one of them is there', async ({ page, server }) => {
  await enter(page, server);
  const flow = await new Api(page.request, server.url).publish(small);
  for (const path of [`/flows/${flow.id}`, '/connections']) {
    const html = await (await page.request.get(`${server.url}${path}`)).text();
    const parts = [...html.matchAll(/href="(\/pkg\/[^"]*\.wasm)"/g)].map(([, href]) => href as string);
    expect(parts.some((part) => part.includes('/split_')), `${path} announces its part: ${parts.join(' ')}`).toBe(true);
    for (const part of parts) {
      const answer = await page.request.get(`${server.url}${part}`);
      expect(answer.status(), part).toBe(200);
      expect(answer.headers()['content-type']).toBe('application/wasm');
      expect(answer.headers()['cache-control']).toContain('immutable');
    }
  }
});

test('the first page does not fetch the editor, and opening the editor fetches it once', async ({ page, server }) => {
  const fetched: string[] = [];
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
  await enter(page, server);
  await visit(page, '/flows');
  expect(fetched.filter((path) => path.includes('split_editor'))).toEqual([]);
  const flow = await new Api(page.request, server.url).publish(small);
  await page.reload();
  await hydrated(page);
  await page.locator(`a[href="/flows/${flow.id}"]`).first().click();
  await expect(page.locator('#node-out')).toBeVisible();
  expect(fetched.filter((path) => path.includes('split_editor'))).toHaveLength(1);
});

test('modules of another build are not found, so that no tab mixes two builds', async ({ page, server }) => {
  await visit(page, '/sign-in');
  const script = await page.locator('link[rel=modulepreload]').first().getAttribute('href');
  const old = (script ?? '').replace(/^\/pkg\/[^/]+\//, '/pkg/000000000000/');
  expect((await page.request.get(`${server.url}${script}`)).status()).toBe(200);
  expect((await page.request.get(`${server.url}${old}`)).status()).toBe(404);
});

test.describe('a page whose module does not come', () => {
  // The browser and the loader report the lost file.
  test.use({ expected: ['ERR_FAILED', 'Failed to fetch', 'net::'] });
  test('says so and offers to load the page again', async ({ page, server }) => {
    await enter(page, server);
    await visit(page, '/flows');
    await page.route('**/split_workspace.wasm', (route) => route.abort());
    await page.getByRole('navigation').getByRole('link', { name: 'Connections' }).click();
    await expect(page.getByRole('alert')).toContainText('did not load');
    await page.unroute('**/split_workspace.wasm');
    await page.getByRole('button', { name: 'Reload' }).click();
    await expect(page.getByRole('heading', { name: 'Connections', exact: true })).toBeVisible();
  });

  test('says so above what the server rendered when it is the first page', async ({ page, server }) => {
    await enter(page, server);
    await page.route('**/split_workspace.wasm', (route) => route.abort());
    await page.goto('/connections');
    await expect(page.getByRole('alert')).toContainText('did not load');
    await page.unroute('**/split_workspace.wasm');
    await page.getByRole('alert').getByRole('link', { name: 'Reload' }).click();
    await hydrated(page);
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
});
