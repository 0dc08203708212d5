// Every page: rendered by the server, taken over by the script without a complaint, and accessible in both colour schemes.
import { Api, definition } from '../support/api';
import { accessibleInBothSchemes } from '../support/axe';
import { everything } from '../support/pages';
import { shots } from '../support/shots';
import { enter, expect, hydrated, listen, test, visit } from '../support/test';

test('the pages before the first page', async ({ page }) => {
  for (const path of ['/sign-in', '/sign-up']) {
    await visit(page, path);
    await accessibleInBothSchemes(page);
    await shots(page, path.slice(1));
  }
});

test('every page of a workspace', async ({ page, server }) => {
  // Each page is read by axe in two schemes and, when pictures are wanted, drawn in them and three widths: a quarter of a minute a page.
  test.setTimeout(15 * 60_000);
  await enter(page, server, { name: 'Emmy', email: 'emmy@example.com', password: 'every symmetry keeps something', workspace: 'Everything' });
  const { pages, close } = await everything(new Api(page.request, server.url));
  for (const [name, path] of Object.entries(pages)) {
    await test.step(name, async () => {
      await visit(page, path);
      // The whole title is the page's name and ours; a page without one is not finished.
      await expect(page).toHaveTitle(/Holon/);
      // What is drawn comes after the frame around it.
      if (['editor', 'run', 'run-step'].includes(name)) await expect(page.locator('#node-totals')).toBeVisible();
      await accessibleInBothSchemes(page);
      await shots(page, name);
    });
  }
  close();
});

test('the pages of an empty workspace say how to fill them', async ({ browser, server }) => {
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  const complaints = listen(page);
  await enter(page, server, { name: 'Grace', email: 'grace@example.com', password: 'nanoseconds are short', workspace: 'Empty' });
  for (const path of ['/', '/flows', '/runs', '/tasks', '/schedules', '/events', '/workers', '/connections', '/tokens']) {
    await visit(page, path);
    await accessibleInBothSchemes(page);
    await shots(page, `empty${path.replace('/', '-')}`);
  }
  expect(complaints).toEqual([]);
  await context.close();
});

test('the first page calls nothing fine while a step cannot be undone, and nothing done where nothing is', async ({ browser, server }) => {
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await enter(page, server, { name: 'Mary', email: 'mary@example.com', password: 'steps in the right order', workspace: 'Stuck' });
  await visit(page, '/');
  const heading = page.getByRole('heading', { level: 1 });
  await expect(heading).toContainText('Nothing here yet');
  await expect(heading).not.toHaveClass(/is-succeeded/);
  const fail = (message: string) => ({ nodes: { no: { kind: 'flow.fail@1', config: { message } } }, edges: [] });
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition(
      'stuck',
      {
        go: { kind: 'trigger.manual@1' },
        trip: {
          kind: 'saga@1',
          config: { steps: [{ step: 'flight', compensate: 'cancel', retry: { attempts: 1 } }, { step: 'hotel' }] },
          bodies: {
            flight: { nodes: { set: { kind: 'data.set@1', config: { fields: { a: 1 } } } }, edges: [] },
            cancel: fail('not today'),
            hotel: fail('no room'),
          },
        },
      },
      ['go -> trip'],
    ),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, { 'idempotency-key': 'stuck' });
  await api.task(run.id);
  await visit(page, '/');
  await expect(heading).toContainText('1 step could not be undone and waits for a decision.');
  await expect(page.getByRole('region', { name: 'To look at' })).toContainText('A step could not be undone');
  await accessibleInBothSchemes(page);
  await shots(page, 'home-stuck');
  await context.close();
});

test('the rail says what pressing its button does', async ({ page, server }) => {
  await enter(page, server);
  await visit(page, '/flows');
  const rail = page.getByRole('navigation', { name: 'Pages' });
  await rail.getByRole('button', { name: 'Show the words' }).click();
  await rail.getByRole('button', { name: 'Hide the words' }).click();
  await expect(rail.getByRole('button', { name: 'Show the words' })).toBeVisible();
});

test.describe('an address without a page', () => {
  // Chromium reports every answer of 404, also the page's own.
  test.use({ expected: ['404'] });
  test('says so, and leads home', async ({ page, server }) => {
    await enter(page, server);
    const answer = await page.goto('/nowhere');
    expect(answer?.status()).toBe(404);
    await hydrated(page);
    await accessibleInBothSchemes(page);
    await shots(page, 'not-found');
    await page.getByRole('link', { name: 'Go to home' }).click();
    await page.waitForURL('**/');
  });
});
