// A finger on a narrow screen: whatever can be pressed is large enough for it, on every page and in every part of the editor.
import type { Page } from '@playwright/test';
import { Api, definition } from '../support/api';
import { everything } from '../support/pages';
import { shot } from '../support/shots';
import { fingersFit } from '../support/targets';
import { enter, expect, test, visit } from '../support/test';

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

const orders = definition(
  'orders',
  {
    hook: { kind: 'trigger.webhook@1' },
    totals: { kind: 'data.set@1', config: { fields: { sum: { $cel: 'input.body.lines.map(l, l.qty).sum()' }, of: 'shop' } } },
    big: { kind: 'when@1', config: { if: { $cel: 'input.sum > 10' } } },
    call: { kind: 'http.request@1', config: { url: 'https://api.example.com/orders', method: 'POST' } },
  },
  ['hook -> totals', 'totals -> big', 'big.true -> call'],
  { samples: { hook: { body: { lines: [{ qty: 3 }] } } } },
);

test('every page has room for a finger', async ({ page, server }) => {
  await enter(page, server, { name: 'Tove', email: 'tove@example.com', password: 'a comet comes in the winter', workspace: 'Fingers' });
  const { pages, close } = await everything(new Api(page.request, server.url));
  for (const [name, path] of Object.entries(pages)) {
    await test.step(name, async () => {
      await visit(page, path);
      await fingersFit(page, name);
      await shot(page, `touch-${name}`);
    });
  }
  close();
});

test('the pages before the first page have, too', async ({ page }) => {
  for (const path of ['/sign-in', '/sign-up']) {
    await visit(page, path);
    await fingersFit(page, path);
    await shot(page, `touch${path.replace('/', '-')}`);
  }
});

/** The editor of a flow with something of everything. */
async function editor(page: Page, api: Api): Promise<void> {
  const { id } = await api.ok<{ id: string }>('POST', '/flows', { definition: orders });
  await visit(page, `/flows/${id}`);
  await expect(page.locator('#node-call')).toBeVisible();
}

test('every part of the editor has', async ({ page, server }) => {
  await enter(page, server);
  await editor(page, new Api(page.request, server.url));
  await fingersFit(page, 'the editor');
  await shot(page, 'touch-editor');

  await page.getByRole('combobox', { name: 'Add a node' }).fill('a');
  await expect(page.getByRole('listbox', { name: 'Add a node' }).getByRole('option').first()).toBeVisible();
  await fingersFit(page, 'the palette');
  await page.keyboard.press('Escape');

  // Before a node is picked, whose settings then lie over the drawer.
  for (const tab of await page.locator('.drawer-tab').all()) {
    await tab.click();
    await fingersFit(page, `the drawer's ${await tab.innerText()}`);
  }

  for (const node of ['hook', 'totals', 'big', 'call']) {
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.locator(`#node-${node} .node-title`).click();
    const settings = page.getByRole('complementary', { name: 'Settings' });
    await expect(settings.getByRole('textbox', { name: 'Key', exact: true })).toHaveValue(node);
    for (const tab of await settings.getByRole('tab').all()) {
      await tab.click();
      await fingersFit(page, `the inspector of ${node}, ${await tab.innerText()}`);
      await shot(page, `touch-inspector-${node}-${(await tab.innerText()).toLowerCase()}`);
    }
  }
});
