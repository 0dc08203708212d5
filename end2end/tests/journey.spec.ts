// The main journey: a newcomer signs up, draws a flow, sees its data while drawing, publishes it, and watches a delivery run.
import { accessible } from '../support/axe';
import { shots } from '../support/shots';
import { ada, expect, hydrated, signUp, test } from '../support/test';

test('from sign-up to a delivery that runs', async ({ page }) => {
  test.slow();
  await signUp(page, { ...ada, email: 'newcomer@example.com', workspace: 'Invoices' });
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Flows' }).click();
  await page.waitForURL('**/flows');

  await page.getByRole('button', { name: 'New flow' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('Invoice totals');
  await page.getByRole('button', { name: 'Create flow' }).click();
  await page.waitForURL('**/flows/flow_*');

  const canvas = page.getByRole('application', { name: 'Flow canvas' });
  const settings = page.getByRole('complementary', { name: 'Settings' });
  const select = async (key: string) => {
    await canvas.getByRole('button', { name: 'Show all' }).click();
    await page.locator(`#node-${key}`).click({ position: { x: 100, y: 10 } });
  };

  await test.step('nodes from the palette, and the trigger of an empty flow goes', async () => {
    const find = page.getByRole('combobox', { name: 'Add a node' });
    await find.fill('webhook');
    await find.press('Enter');
    await expect(page.locator('#node-webhook')).toBeVisible();
    await find.fill('set fields');
    await find.press('Enter');
    await expect(page.locator('#node-set')).toBeVisible();
    await select('start');
    await page.keyboard.press('Delete');
    await expect(page.locator('#node-start')).toHaveCount(0);
  });

  await test.step('what is drawn runs, on a sample that can be edited', async () => {
    const sample = { method: 'POST', path: '/', query: {}, headers: {}, content_type: 'application/json', body: { qty: 3 } };
    await page.getByRole('textbox', { name: 'Sample' }).fill(JSON.stringify(sample));
    await select('set');
    await settings.getByRole('button', { name: 'Compute with an expression' }).first().click();
    await settings.getByRole('tabpanel').locator('textarea').first().fill('{"total": trigger.body.qty * 19.90}');
    await settings.getByRole('tab', { name: 'Data' }).click();
    // Exact: three times 19.90 is 59.70, not 59.699999999999996.
    await expect(settings).toContainText('total:59.70');
    await expect(page.getByRole('status').filter({ hasText: /^Saved/ })).toBeVisible();
    await accessible(page);
    await shots(page, 'editor-drawn');
  });

  await test.step('published, with the address to deliver to', async () => {
    await page.getByRole('button', { name: 'Publish' }).click();
    const dialog = page.getByRole('dialog', { name: 'Publish a version' });
    await dialog.getByRole('textbox').fill('First totals');
    await dialog.getByRole('button', { name: 'Publish' }).click();
    await expect(page.getByText(/\/hooks\/[0-9a-f]{32}/).first()).toBeVisible();
  });

  const flow = page.url().split('/').pop() ?? '';
  const { webhooks } = await (await page.request.get(`/api/v1/flows/${flow}`)).json();
  const delivered = await page.request.post(webhooks[0].url, { data: { qty: 5 } });
  expect(delivered.status(), await delivered.text()).toBeLessThan(300);

  await test.step('the run is there, and its hash is confirmed by this browser', async () => {
    await page.goto('/runs');
    await hydrated(page);
    await page.getByRole('link', { name: /Invoice totals/ }).first().click();
    await page.waitForURL('**/runs/run_*');
    await expect(page.getByText('Completed').first()).toBeVisible();
    await expect(page.getByText(/^Confirmed in this browser/)).toBeVisible();
    const id = page.url().split('/').pop();
    expect((await (await page.request.get(`/api/v1/runs/${id}`)).json()).output).toMatchObject({ total: 99.5 });
    await accessible(page);
    await shots(page, 'run-of-a-delivery');
  });
});
