// The list of flows, and what the editor says at the field that holds a mistake.
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { enter, expect, test, visit } from '../support/test';

test('a flow is duplicated from the list with the keyboard alone, and is a draft of its own', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const original = await api.publish(definition('copied', { hook: { kind: 'trigger.webhook@1', config: { method: 'POST' } } }, []));
  await visit(page, '/flows');
  await page.getByRole('button', { name: 'More actions: copied' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Duplicate' })).toBeVisible();
  await accessible(page);
  await page.getByRole('menuitem', { name: 'Duplicate' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname.startsWith('/flows/flow_') && !url.pathname.endsWith(original.id));
  await expect(page.locator('#node-hook')).toBeVisible();
  const copy = await api.ok<{ name: string; published?: unknown; webhooks: unknown[] }>('GET', `/flows/${page.url().split('/').pop()}`);
  expect(copy.name).toBe('copied (copy)');
  expect(copy.published ?? null).toBeNull();
  expect(copy.webhooks).toEqual([]);
});

test('a time zone that is none is told at its own field, and the firings come back with a right one', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const nightly = definition('nightly zone', { at: { kind: 'trigger.schedule@1', config: { cron: '30 3 * * *' } } }, []);
  const { id } = await api.ok<{ id: string }>('POST', '/flows', { definition: nightly });
  await visit(page, `/flows/${id}`);
  await page.locator('#node-at').click({ position: { x: 100, y: 10 } });
  const settings = page.getByRole('complementary', { name: 'Settings' });
  await expect(settings.getByText('Next ten firings')).toBeVisible();
  const zone = settings.getByRole('combobox', { name: 'Time zone' });
  await zone.fill('Mars/Olympus');
  const said = settings.getByText('There is no time zone Mars/Olympus');
  await expect(said).toBeVisible();
  const [field, message] = [await zone.boundingBox(), await said.boundingBox()];
  expect(message?.y ?? 0).toBeGreaterThan(field?.y ?? Number.MAX_VALUE);
  await expect(settings.getByText('The next firings stand here once the time zone is right.')).toBeVisible();
  await zone.fill('Europe/Berlin');
  await expect(said).toBeHidden();
  await expect(settings.getByText('Next ten firings')).toBeVisible();
});
