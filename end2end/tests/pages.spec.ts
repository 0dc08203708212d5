// Every page: rendered by the server, taken over by the script without a complaint, and accessible in both colour schemes.
import { Api, definition } from '../support/api';
import { accessibleInBothSchemes } from '../support/axe';
import { Receiver } from '../support/receiver';
import { shots } from '../support/shots';
import { enter, expect, hydrated, listen, test, visit } from '../support/test';

const lines = definition(
  'order totals',
  {
    go: { kind: 'trigger.manual@1' },
    totals: { kind: 'data.set@1', config: { fields: { sum: { $cel: 'input.lines.map(l, l.qty * l.price).sum()' } } } },
    big: { kind: 'when@1', config: { if: { $cel: 'input.sum > 100' } } },
    large: { kind: 'data.set@1', config: { fields: { size: 'large' } } },
    small: { kind: 'data.set@1', config: { fields: { size: 'small' } } },
  },
  ['go -> totals', 'totals -> big', 'big.true -> large', 'big.false -> small'],
  { samples: { go: { lines: [{ qty: 3, price: 19.9 }] } } },
);

const approval = definition(
  'asks before it pays',
  {
    go: { kind: 'trigger.manual@1' },
    ask: {
      kind: 'flow.approval@1',
      config: {
        title: { $text: 'Pay order {{ input.order }}?' },
        assignees: ['accounting'],
        due: '2d',
        choices: [{ port: 'approve', label: 'Pay' }, { port: 'reject', label: 'Do not pay' }],
        form: {
          type: 'object',
          required: ['comment'],
          properties: { comment: { type: 'string', description: 'What was checked.' }, urgent: { type: 'boolean' }, discount: { type: 'number' } },
        },
      },
    },
    yes: { kind: 'data.set@1', config: { fields: { paid: true } } },
    no: { kind: 'data.set@1', config: { fields: { paid: false } } },
  },
  ['go -> ask', 'ask.approve -> yes', 'ask.reject -> no'],
);

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
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(lines);
  const input = { lines: [{ qty: 3, price: 19.9 }, { qty: 2, price: 40 }] };
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input }, { 'idempotency-key': 'pages' });
  const done = await api.reaches(run.id, 'completed', 'failed');
  expect(done.summary.error ?? '').toBe('');

  const nightly = await api.publish(
    definition(
      'nightly',
      {
        at: { kind: 'trigger.schedule@1', config: { cron: '30 3 * * *', time_zone: 'Europe/Berlin' } },
        out: { kind: 'data.set@1', config: { fields: { at: { $cel: 'trigger.scheduled_at' } } } },
      },
      ['at -> out'],
    ),
  );
  const { data: schedules } = await api.ok<{ data: { id: string; flow: string }[] }>('GET', '/schedules');
  const schedule = schedules.find(({ flow }) => flow === nightly.id)?.id ?? '';
  const fired = await api.ok<{ id: string }>('POST', `/schedules/${schedule}/fire`);
  await api.reaches(fired.id, 'completed');
  const tickets = await Receiver.start(() => ({ status: 200, body: [{ id: 1 }, { id: 2 }] }));
  const config = { every: '1h', url: tickets.url, items: { $cel: 'response.body' }, key: { $cel: 'item.id' }, first: 'start' };
  await api.publish(definition('tickets', { look: { kind: 'trigger.poll@1', config } }, []));
  const { data: polls } = await api.ok<{ data: { id: string }[] }>('GET', '/polls');
  await expect.poll(() => tickets.received.length).toBeGreaterThan(0);
  await api.ok('PUT', `/flows/${flow.id}/state/last_order`, { order: 'A-7' });
  const paid = await api.publish(
    definition(
      'paid',
      {
        on: { kind: 'trigger.event@1', config: { pattern: 'orders.*.paid' } },
        out: { kind: 'data.set@1', config: { fields: { order: { $cel: 'trigger.data.order' } } } },
      },
      ['on -> out'],
    ),
  );
  await api.ok('POST', '/events', { subject: 'orders.eu.paid', data: { order: 'A-7' } });
  await expect
    .poll(async () => (await api.ok<{ data: unknown[] }>('GET', `/runs?flow=${paid.id}&status=completed`)).data.length)
    .toBe(1);
  const asking = await api.publish(approval);
  const asked = await api.ok<{ id: string }>('POST', `/flows/${asking.id}/runs`, { input: { order: 'A-7' } }, { 'idempotency-key': 'asks' });
  const task = await api.task(asked.id);

  const pages = {
    home: '/',
    flows: '/flows',
    editor: `/flows/${flow.id}`,
    versions: `/flows/${flow.id}/versions`,
    'backtest-empty': `/flows/${flow.id}/backtest`,
    state: `/flows/${flow.id}/state`,
    'state-empty': `/flows/${paid.id}/state`,
    events: '/events',
    runs: '/runs',
    run: `/runs/${run.id}`,
    'run-step': `/runs/${run.id}?at=0`,
    'run-waiting': `/runs/${asked.id}`,
    tasks: '/tasks',
    'tasks-all': '/tasks?show=all',
    task: `/tasks/${asked.id}/${task}`,
    schedules: '/schedules',
    schedule: `/schedules/${schedule}`,
    poll: `/polls/${polls[0]?.id}`,
    connections: '/connections',
    workers: '/workers',
    tokens: '/tokens',
    settings: '/settings',
  };
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
  tickets.close();
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
