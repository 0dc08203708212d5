// Runs that wait for people: an approval, and a step that could not be undone.
import { Api, definition } from '../support/api';
import { accessible, accessibleInBothSchemes } from '../support/axe';
import { Receiver } from '../support/receiver';
import { shots } from '../support/shots';
import { enter, expect, test, visit } from '../support/test';

const start = { 'idempotency-key': 'first' };

test('a run waits for an approval, is answered with the keyboard alone, and goes the way that was chosen', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition(
      'approves',
      {
        go: { kind: 'trigger.manual@1' },
        ask: {
          kind: 'flow.approval@1',
          config: {
            title: { $text: 'Pay order {{ input.order }}?' },
            choices: [{ port: 'approve', label: 'Pay' }, { port: 'reject', label: 'Do not pay' }],
            form: { type: 'object', required: ['comment'], properties: { comment: { type: 'string' }, discount: { type: 'number' } } },
          },
        },
        yes: { kind: 'data.set@1', config: { fields: { paid: true } } },
        no: { kind: 'data.set@1', config: { fields: { paid: false } } },
      },
      ['go -> ask', 'ask.approve -> yes', 'ask.reject -> no'],
    ),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { order: 'B-8', lines: [{ sku: 'TEA-12' }] } }, start);
  const task = await api.task(run.id);

  await test.step('the first page and the page of the run say that somebody is waited for', async () => {
    await visit(page, '/');
    await expect(page.getByRole('link', { name: 'Pay order B-8?' })).toHaveAttribute('href', `/tasks/${run.id}/${task}`);
    await visit(page, `/runs/${run.id}`);
    await expect(page.getByRole('status').filter({ hasText: /^Waiting$/ })).toBeVisible();
    await expect(page.locator('.run-waits .notice')).toContainText('Waits for somebody');
    await page.locator('.run-waits').getByRole('link', { name: 'Answer' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/tasks/${run.id}/${task}`);
  });

  await test.step('what cannot be read is not sent, and the focus goes to it', async () => {
    await expect(page.getByRole('heading', { level: 1, name: 'Pay order B-8?' })).toBeVisible();
    // What one must know to answer needs no unfolding.
    await expect(page.getByRole('region', { name: 'What it is about' }).getByText('"TEA-12"')).toBeVisible();
    const discount = page.getByRole('textbox', { name: 'Discount' });
    await page.getByRole('textbox', { name: 'Comment' }).focus();
    await page.keyboard.type('seen');
    await page.keyboard.press('Tab');
    await expect(discount).toBeFocused();
    await page.keyboard.type('ten');
    await page.keyboard.press('Tab');
    await expect(page.getByRole('button', { name: 'Pay', exact: true })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(discount).toBeFocused();
    await expect(page.getByText('This is not a number.')).toBeVisible();
    await accessible(page);
    await shots(page, 'task-wrong');
    await discount.fill('12.50');
    await expect(page.getByText('This is not a number.')).toHaveCount(0);
  });

  await test.step('the answer counts', async () => {
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect(page.locator('.task-body')).toContainText('Ada Lovelace chose “Pay”');
    await expect(page.locator('.task-body')).toContainText('seen');
    // The button is gone; the focus is not lost with it.
    await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
    const done = await api.reaches(run.id, 'completed', 'failed');
    expect(done.nodes.map(({ path, status }) => [path, status])).toEqual(
      expect.arrayContaining([['ask', 'succeeded'], ['yes', 'succeeded'], ['no', 'skipped']]),
    );
    await accessible(page);
    await shots(page, 'task-answered');
  });

  await test.step('nobody is asked any more', async () => {
    await visit(page, '/tasks');
    await expect(page.locator(`a[href="/tasks/${run.id}/${task}"]`)).toHaveCount(0);
    await visit(page, '/tasks?show=all');
    await expect(page.getByRole('row').filter({ has: page.locator(`a[href="/tasks/${run.id}/${task}"]`) })).toContainText('Answered');
    await visit(page, `/runs/${run.id}`);
    await expect(page.locator('.run-waits .notice')).toHaveCount(0);
  });
});

test.describe('a task that somebody else answers first', () => {
  // Chromium reports every refused request.
  test.use({ expected: ['409'] });
  test('comes and goes while one looks, and whoever comes second is told who was first', async ({ page, server, playwright }) => {
    await enter(page, server);
    const api = new Api(page.request, server.url);
    // Somebody else: a program with a token.
    const made = await api.ok<{ secret: string }>('POST', '/tokens', { name: 'night shift' });
    const other = await playwright.request.newContext({ extraHTTPHeaders: { authorization: `Bearer ${made.secret}` } });
    const theirs = new Api(other, server.url);
    const flow = await api.publish(
      definition(
        'two answer',
        { go: { kind: 'trigger.manual@1' }, ask: { kind: 'flow.approval@1', config: { title: 'Go on?', choices: [{ port: 'yes' }, { port: 'no' }] } } },
        ['go -> ask'],
      ),
    );
    const asked = async (key: string) => {
      const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, { 'idempotency-key': key });
      return { run: run.id, task: await api.task(run.id) };
    };
    const first = await asked('first');
    await visit(page, '/tasks');
    await expect(page.getByText('Live', { exact: true })).toBeVisible();

    await test.step('a task that is asked while the page is open appears in it, and one that is answered leaves it', async () => {
      const row = (asked: { run: string; task: string }) => page.locator(`a[href="/tasks/${asked.run}/${asked.task}"]`);
      await expect(row(first)).toBeVisible();
      const second = await asked('second');
      await expect(row(second)).toBeVisible();
      await theirs.ok('POST', `/runs/${second.run}/tasks/${second.task}/answer`, { choice: 'yes' });
      await expect(row(second)).toHaveCount(0);
      await row(first).click();
    });

    await test.step('whoever has it open sees that it was answered', async () => {
      await expect(page.getByRole('button', { name: 'yes', exact: true })).toBeVisible();
      await theirs.ok('POST', `/runs/${first.run}/tasks/${first.task}/answer`, { choice: 'no' });
      const told = page.getByRole('alert').filter({ hasText: 'Somebody else answered while you had this page open.' });
      await expect(told).toContainText('Ada Lovelace’s token “night shift” chose “no”');
      await expect(page.getByRole('button', { name: 'yes', exact: true })).toHaveCount(0);
    });

    await test.step('an answer that comes second is said not to count', async () => {
      const third = await asked('third');
      await visit(page, `/tasks/${third.run}/${third.task}`);
      await theirs.ok('POST', `/runs/${third.run}/tasks/${third.task}/answer`, { choice: 'no' });
      await page.getByRole('button', { name: 'yes', exact: true }).click();
      const told = page.getByRole('alert').filter({ hasText: 'Your answer “yes” did not count: the first answer counts.' });
      await expect(told).toContainText('Ada Lovelace’s token “night shift” chose “no”');
      await accessible(page);
      await shots(page, 'task-beaten');
    });
    await other.dispose();
  });
});

test('a saga that failed shows its path forward and its path back, in words and on the canvas', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const set = (word: string) => ({ nodes: { set: { kind: 'data.set@1', config: { fields: { did: word } } } }, edges: [] });
  const names = ['flight', 'hotel', 'car'];
  const bodies = Object.fromEntries(names.flatMap((name) => [[name, set(name)], [`cancel_${name}`, set(`cancel ${name}`)]]));
  const flow = await api.publish(
    definition(
      'trips',
      {
        go: { kind: 'trigger.manual@1' },
        trip: {
          kind: 'saga@1',
          config: { steps: [...names.map((step) => ({ step, compensate: `cancel_${step}` })), { step: 'payment' }] },
          bodies: { ...bodies, payment: { nodes: { no: { kind: 'flow.fail@1', config: { message: 'the card was refused' } } }, edges: [] } },
        },
      },
      ['go -> trip'],
    ),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, { 'idempotency-key': 'trips' });
  await api.reaches(run.id, 'failed');
  await visit(page, `/runs/${run.id}`);
  await page.getByRole('option', { name: /^trip/ }).click();
  const steps = page.getByRole('region', { name: 'Steps' });
  const legs = (name: string) => steps.getByRole('list', { name }).getByRole('listitem');
  await expect(legs('Forward')).toHaveText([/flight.*Done/s, /hotel.*Done/s, /car.*Done/s, /payment.*the card was refused.*Failed/s]);
  await expect(legs('Back, last step first')).toHaveText([/car.*Undone/s, /hotel.*Undone/s, /flight.*Undone/s]);
  const rows = page.locator('.run-canvas [data-node="trip"] .node-row');
  await expect(rows).toHaveText([
    /flight\s*Done/,
    /hotel\s*Done/,
    /car\s*Done/,
    /payment\s*Failed/,
    /1\s*cancel_car\s*Undone/,
    /2\s*cancel_hotel\s*Undone/,
    /3\s*cancel_flight\s*Undone/,
  ]);
  await expect(page.locator('.run-canvas .way-back')).toHaveCount(3);
  await expect(page.locator('.run-canvas .way-forward')).toHaveCount(3);
  await accessibleInBothSchemes(page);
  await shots(page, 'run-saga');
});

test('who is named by a task is told, and tasks are listed by whom they are for', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const asks = async (name: string, assignees: string[]) => {
    const ask = { kind: 'flow.approval@1', config: { title: name, assignees, choices: [{ port: 'yes' }, { port: 'no' }] } };
    const flow = await api.publish(definition(name, { go: { kind: 'trigger.manual@1' }, ask }, ['go -> ask']));
    const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: null }, { 'idempotency-key': name });
    return { run: run.id, task: await api.task(run.id) };
  };
  const mine = await asks('mine by mail', ['ADA@example.com']);
  await asks('theirs', ['accounting']);
  await asks('anybody', []);
  const counts = await api.ok<{ open: number; mine: number; unassigned: number }>('GET', '/tasks/count');
  await visit(page, '/');
  const rail = page.getByRole('navigation', { name: 'Pages' });
  await expect(rail.getByRole('link', { name: new RegExp(`Tasks\\s*, ${counts.mine} for you`) })).toBeVisible();
  await page.locator('.counts').getByRole('link', { name: /for you$/ }).click();
  await page.waitForURL('**/tasks?for=me');
  const rows = page.locator('table.data tbody tr');
  await expect(rows.filter({ hasText: 'mine by mail' })).toHaveCount(1);
  await expect(rows.filter({ hasText: /theirs|anybody/ })).toHaveCount(0);
  await accessibleInBothSchemes(page);
  await shots(page, 'tasks-mine');
  await page.getByLabel('Whose tasks').selectOption('nobody');
  await page.waitForURL('**/tasks?for=nobody');
  await expect(rows.filter({ hasText: 'anybody' })).toHaveCount(1);
  await expect(rows.filter({ hasText: 'mine by mail' })).toHaveCount(0);
  // Answered, it is nobody's any more.
  await api.ok('POST', `/runs/${mine.run}/tasks/${mine.task}/answer`, { choice: 'yes' });
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Runs' }).click();
  await expect(rail.getByText(`, ${counts.mine} for you`)).toHaveCount(0);
});

test.describe('a step that cannot be undone', () => {
  // The answer without a reason is refused.
  test.use({ expected: ['422'] });
  test('waits for a person, who leaves it as it is and says why', async ({ page, server }) => {
    await enter(page, server);
    const api = new Api(page.request, server.url);
    const endpoint = await Receiver.start(({ path }) => ({ status: path === '/cancel' ? 500 : 200, body: { seat: '7A' } }));
    const call = (path: string) => ({ nodes: { call: { kind: 'http.request@1', config: { method: 'POST', url: `${endpoint.url}${path}` } } }, edges: [] });
    const flow = await api.publish(
      definition(
        'books',
        {
          go: { kind: 'trigger.manual@1' },
          trip: {
            kind: 'saga@1',
            config: { steps: [{ step: 'flight', compensate: 'cancel_flight', retry: { attempts: 1 } }, { step: 'hotel' }] },
            bodies: {
              flight: call('/book'),
              cancel_flight: call('/cancel'),
              hotel: { nodes: { full: { kind: 'flow.fail@1', config: { message: 'no room' } } }, edges: [] },
            },
          },
        },
        ['go -> trip'],
      ),
    );
    const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: {} }, start);
    const task = await api.task(run.id);

    await visit(page, `/runs/${run.id}`);
    await expect(page.locator('.run-waits .notice')).toContainText('A step could not be undone');
    await page.getByRole('option', { name: /^trip/ }).click();
    const steps = page.getByRole('region', { name: 'Steps' });
    // Both paths in words, each in its order …
    const there = steps.getByRole('list', { name: 'Forward' }).getByRole('listitem');
    const back = steps.getByRole('list', { name: 'Back, last step first' }).getByRole('listitem');
    await expect(there).toHaveText([/flight.*Done/s, /hotel.*Failed/s]);
    await expect(back).toHaveCount(1);
    await expect(back).toContainText('by cancel_flight');
    await expect(back).toContainText('Could not be undone');
    await expect(back).toContainText('answered 500');
    // … and on the canvas: the steps, then what undoes them, and the curve between the two.
    const card = page.locator('.run-canvas [data-node="trip"]');
    await expect(card.locator('.node-row')).toHaveText([/flight\s*Done/, /hotel\s*Failed/, /1\s*cancel_flight\s*Not undone/]);
    await expect(card.locator('.way-back[data-undoes="flight"]')).toHaveCount(1);
    await accessibleInBothSchemes(page);
    await shots(page, 'run-parked');

    await page.locator('.run-waits').getByRole('link', { name: 'Answer' }).click();
    await page.waitForURL(`**/tasks/${run.id}/${task}`);
    // What is to be undone, why that failed, and what the step gave.
    await expect(page.locator('.task-body')).toContainText('answered 500');
    await expect(page.getByRole('region', { name: 'What the step gave' })).toContainText('seat');
    await accessible(page);
    await shots(page, 'task-parked');

    // A try that fails again asks anew, and the page leads there.
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('region', { name: 'The run asks more' }).getByRole('link').click();
    await page.waitForURL((url) => url.pathname.startsWith('/tasks/') && !url.pathname.endsWith(task));
    const leave = page.getByRole('button', { name: 'Leave it as it is' });
    const reason = page.getByRole('textbox', { name: 'Reason' });
    await expect(page.getByText('Needed when it is left as it is')).toBeVisible();
    await leave.click();
    await expect(reason).toHaveAttribute('aria-invalid', 'true');
    await expect(reason).toBeFocused();
    await shots(page, 'task-no-reason');
    await reason.fill('the airline is closed');
    await leave.click();
    await expect(page.locator('.task-body')).toContainText('chose “Leave it as it is”');

    const over = await api.reaches(run.id, 'failed', 'completed');
    expect(over.summary.status).toBe('failed');
    await visit(page, `/runs/${run.id}`);
    await page.getByRole('option', { name: /^trip/ }).click();
    await expect(back).toContainText('Left as it is');
    await expect(back).toContainText('2 tries');
    await expect(steps).toContainText('Ada Lovelace left it as it is: the airline is closed');
    // Nothing was tried behind the person's back.
    expect(endpoint.received.map(({ path }) => path)).toEqual(['/book', '/cancel', '/cancel']);
    endpoint.close();
  });
});
