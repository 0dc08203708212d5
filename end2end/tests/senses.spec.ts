// For other eyes and hands: forced colours, less motion, twice the size, and the keyboard alone.
import type { Page } from '@playwright/test';
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { shot } from '../support/shots';
import { type Person, enter, expect, listen, test, visit } from '../support/test';

const person: Person = { name: 'Louis', email: 'louis@example.com', password: 'six dots are enough for all', workspace: 'Raised dots' };

/** The pages of a workspace with a published flow, a failed run and a live one. */
async function pages(page: Page, url: string): Promise<Record<string, string>> {
  const api = new Api(page.request, url);
  const flow = await api.publish(
    definition(
      'fails',
      {
        go: { kind: 'trigger.manual@1' },
        no: { kind: 'flow.fail@1', config: { message: 'as it should' } },
        pause: { kind: 'flow.wait@1', config: { for: '1h' } },
      },
      ['go -> no', 'go -> pause'],
    ),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, { 'idempotency-key': 'one' });
  await api.reaches(run.id, 'failed');
  return {
    home: '/',
    flows: '/flows',
    editor: `/flows/${flow.id}`,
    versions: `/flows/${flow.id}/versions`,
    runs: '/runs',
    run: `/runs/${run.id}`,
    connection: '/connections?new=connection',
    token: '/tokens?new=token',
    settings: '/settings',
  };
}

const modes = {
  'forced colours': { forcedColors: 'active', viewport: { width: 1280, height: 800 } },
  'less motion': { reducedMotion: 'reduce', viewport: { width: 1280, height: 800 } },
  // A window of 1280 x 800 at 200 %.
  'twice the size': { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
} as const;

for (const [mode, options] of Object.entries(modes)) {
  test(`every page with ${mode}`, async ({ browser, server }) => {
    test.slow();
    const context = await browser.newContext({ baseURL: server.url, ...options });
    const page = await context.newPage();
    const complaints = listen(page);
    await enter(page, server, person);
    const all = Object.entries(await pages(page, server.url));
    // Less motion changes nothing that another mode's look at the page would not find.
    const looked = mode === 'less motion' ? all.filter(([name]) => ['home', 'editor', 'run'].includes(name)) : all;
    for (const [name, path] of looked) {
      await test.step(name, async () => {
        await visit(page, path);
        if (name === 'editor' || name === 'run') await expect(page.locator('#node-no')).toBeVisible();
        if (mode !== 'less motion') await accessible(page);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(wider, 'nothing reaches past the right edge').toBeLessThanOrEqual(0);
        if (mode === 'less motion') {
          const moving = await page.evaluate(() =>
            document
              .getAnimations()
              .filter(({ effect, playState }) => playState === 'running' && Number(effect?.getComputedTiming().activeDuration) > 1)
              .map((animation) => (animation as CSSAnimation).animationName ?? (animation as CSSTransition).transitionProperty),
          );
          expect(moving).toEqual([]);
        }
        await shot(page, `${name}-${mode.replaceAll(' ', '-')}`);
      });
    }
    expect(complaints).toEqual([]);
    await context.close();
  });
}

test('with forced colours, what is chosen differs from what is not', async ({ browser, server }) => {
  const context = await browser.newContext({ baseURL: server.url, forcedColors: 'active' });
  const page = await context.newPage();
  await enter(page, server, person);
  const { run = '' } = await pages(page, server.url);
  await visit(page, run);
  const edge = (name: string) =>
    page.getByRole('tab', { name }).evaluate((tab) => `${getComputedStyle(tab).borderBottomColor} ${getComputedStyle(tab).borderBottomWidth}`);
  expect(await edge('Nodes')).not.toBe(await edge('Journal'));
  const ring = (selected: boolean) =>
    page.getByRole('option', { selected }).first().evaluate((row) => getComputedStyle(row).outlineStyle);
  expect(await ring(true)).toBe('solid');
  expect(await ring(false)).toBe('none');
  await context.close();
});

test('at twice the size a node can be added, and the flow published', async ({ browser, server }) => {
  const context = await browser.newContext({ baseURL: server.url, ...modes['twice the size'] });
  const page = await context.newPage();
  await enter(page, server, person);
  const flow = await new Api(page.request, server.url).ok<{ id: string }>('POST', '/flows', { name: 'small window' });
  await visit(page, `/flows/${flow.id}`);
  await expect(page.locator('#node-start')).toBeVisible();
  const find = page.getByRole('combobox', { name: 'Add a node' });
  await find.fill('set fields');
  await find.press('Enter');
  await expect(page.locator('#node-set')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Run now' })).toBeVisible();
  await page.getByRole('button', { name: 'Publish' }).click();
  const dialog = page.getByRole('dialog', { name: 'Publish a version' });
  await expect(dialog.getByRole('button', { name: 'Publish' })).toBeInViewport();
  await context.close();
});

test('the keyboard alone goes through the editor and out of it', async ({ page, server }) => {
  await enter(page, server);
  const flow = await new Api(page.request, server.url).ok<{ id: string }>('POST', '/flows', { name: 'by hand' });
  await visit(page, `/flows/${flow.id}`);
  const canvas = page.getByRole('application', { name: 'Flow canvas' });

  await test.step('the canvas has the focus, / adds, and what is added follows', async () => {
    await expect(canvas).toBeFocused();
    for (const words of ['set fields', 'template']) {
      await page.keyboard.press('/');
      await page.keyboard.type(words);
      await page.keyboard.press('Enter');
      await expect(canvas).toBeFocused();
    }
    await expect(page.locator('.edge')).toHaveCount(2);
  });

  await test.step('Enter leads to the settings, Escape back', async () => {
    await page.keyboard.press('Enter');
    await expect(page.getByRole('textbox', { name: 'Key' })).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(canvas).toBeFocused();
  });

  await test.step('Tab goes on: to the drawer, to the inspector, and to the end of the page', async () => {
    const seen = new Set<string>();
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press('Tab');
      const part = await page.evaluate(() => {
        const active = document.activeElement;
        const found = ['.drawer', '.editor-inspector'].find((selector) => active?.closest(selector));
        return found ?? (active === document.body ? 'end' : '');
      });
      seen.add(part);
      if (part === 'end') break;
    }
    expect([...seen]).toEqual(expect.arrayContaining(['.drawer', '.editor-inspector']));
  });
});
