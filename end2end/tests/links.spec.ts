// What people see who follow a link and are not signed in: an approval and a form, by keyboard alone.
import type { Browser, Page } from '@playwright/test';
import { Api, definition } from '../support/api';
import { accessible } from '../support/axe';
import { shots } from '../support/shots';
import { enter, expect, listen, test, visit } from '../support/test';

const start = { 'idempotency-key': 'first' };

/** Somebody else's browser, without a session. Its pages have no scripts. */
async function stranger(browser: Browser): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  return { page, complaints: listen(page) };
}

/** What a browser says of its own accord about an answer that is no success. */
const own = (said: string) => /status of (404|422)/.test(said);

test('an approval is answered by a link that a person made, once', async ({ page, server, browser }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition(
      'asks outside',
      {
        go: { kind: 'trigger.manual@1' },
        ask: {
          kind: 'flow.approval@1',
          config: {
            title: { $text: 'Pay order {{ input.order }}?' },
            due: '2d',
            choices: [{ port: 'approve', label: 'Pay' }, { port: 'reject', label: 'Do not pay' }],
            form: {
              type: 'object',
              required: ['comment'],
              properties: { comment: { type: 'string', description: 'What was checked.' }, discount: { type: 'number' } },
            },
          },
        },
      },
      ['go -> ask'],
      { result: { $cel: 'nodes.ask' } },
    ),
  );
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { order: 'C-9', sum: 12.5 } }, start);
  const task = await api.task(run.id);
  let address = '';

  await test.step('whoever may answer makes a link', async () => {
    await visit(page, `/tasks/${run.id}/${task}`);
    await page.getByRole('button', { name: 'New link' }).click();
    await page.getByRole('textbox', { name: 'For' }).fill('grace@example.com');
    await page.keyboard.press('Enter');
    const code = page.getByRole('dialog').locator('code');
    await expect(code).toContainText('/t/');
    address = (await code.innerText()).trim();
    await accessible(page);
    await shots(page, 'task-link');
    await page.getByRole('button', { name: 'Done' }).click();
    await expect(page.getByRole('row').filter({ hasText: 'grace@example.com' })).toContainText('Open');
  });

  const { page: theirs, complaints } = await stranger(browser);
  await test.step('somebody without an account reads what is asked', async () => {
    await theirs.goto(address);
    await expect(theirs.getByRole('heading', { level: 1, name: 'Pay order C-9?' })).toBeVisible();
    await expect(theirs.locator('.plain-facts')).toContainText('12.5');
    await expect(theirs.locator('script')).toHaveCount(0);
    await accessible(theirs);
    await shots(theirs, 'link-asked');
  });

  await test.step('what is wrong is told at its field, and what was filled in stays', async () => {
    await theirs.getByRole('textbox', { name: /Discount/ }).fill('ten');
    // Enter answers nothing: the buttons do.
    await theirs.keyboard.press('Enter');
    await expect(theirs.getByRole('alert')).toContainText('Your answer was not taken.');
    await theirs.getByRole('button', { name: 'Pay', exact: true }).focus();
    await theirs.keyboard.press('Enter');
    await expect(theirs.getByRole('textbox', { name: 'Comment' })).toBeFocused();
    await expect(theirs.getByText('This must be filled in.')).toBeVisible();
    await expect(theirs.getByText('This is not a number.')).toBeVisible();
    await expect(theirs.getByRole('textbox', { name: /Discount/ })).toHaveValue('ten');
    await accessible(theirs);
    await shots(theirs, 'link-wrong');
  });

  await test.step('the answer counts, and the link is over', async () => {
    await theirs.keyboard.type('seen');
    await theirs.getByRole('textbox', { name: /Discount/ }).fill('2.50');
    await theirs.getByRole('button', { name: 'Do not pay' }).click();
    await expect(theirs.getByText('You chose “Do not pay”.')).toBeVisible();
    await shots(theirs, 'link-answered');
    const done = await api.reaches(run.id, 'completed', 'failed');
    expect(done.output).toMatchObject({ choice: 'reject', form: { comment: 'seen', discount: 2.5 }, by: 'link:grace@example.com' });
    await theirs.goto(address);
    await expect(theirs.getByRole('heading', { level: 1, name: 'There is nothing here' })).toBeVisible();
    await accessible(theirs);
    await shots(theirs, 'link-gone');
    await visit(page, `/tasks/${run.id}/${task}`);
    await expect(page.locator('.task-body')).toContainText('grace@example.com chose “Do not pay”');
  });
  expect(complaints.filter((said) => !own(said))).toEqual([]);
  await theirs.context().close();
});

test('a form is filled in by keyboard alone and starts a run', async ({ page, server, browser }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.publish(
    definition(
      'takes orders',
      {
        ask: {
          kind: 'trigger.form@1',
          config: {
            title: 'Order paper',
            about: 'We deliver on Fridays.',
            thanks: 'It is on its way.',
            schema: {
              type: 'object',
              required: ['name', 'size'],
              properties: {
                name: { type: 'string', title: 'Your name', 'x-holon-order': 1 },
                size: { enum: ['A4', 'A3'], 'x-holon-order': 2 },
                reams: { type: 'integer', minimum: 1, default: 1, 'x-holon-order': 3 },
                recycled: { type: 'boolean', title: 'Recycled paper', 'x-holon-order': 4 },
                address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } }, 'x-holon-order': 5 },
                notes: { type: 'string', format: 'multiline', 'x-holon-order': 6 },
              },
            },
          },
        },
      },
      [],
      { result: { $cel: 'nodes.ask.data' } },
    ),
  );
  const [address = ''] = flow.hooks;
  const { page: theirs, complaints } = await stranger(browser);
  await theirs.goto(address);
  await expect(theirs.getByRole('heading', { level: 1, name: 'Order paper' })).toBeVisible();
  await expect(theirs.locator('script')).toHaveCount(0);
  await accessible(theirs);
  await shots(theirs, 'form');
  await theirs.getByRole('textbox', { name: 'Your name' }).focus();
  await theirs.keyboard.press('Enter');
  await expect(theirs.getByRole('textbox', { name: 'Your name' })).toBeFocused();
  await expect(theirs.getByText('This must be filled in.').first()).toBeVisible();
  await accessible(theirs);
  await shots(theirs, 'form-wrong');
  await theirs.keyboard.type('Grace');
  await theirs.keyboard.press('Tab');
  await theirs.keyboard.type('A3');
  await theirs.keyboard.press('Tab');
  await expect(theirs.getByRole('textbox', { name: /Reams/ })).toHaveValue('1');
  await theirs.keyboard.press('Tab');
  await theirs.keyboard.press('Space');
  await theirs.getByRole('textbox', { name: /City/ }).fill('Bonn');
  await theirs.getByRole('button', { name: 'Send' }).focus();
  await theirs.keyboard.press('Enter');
  await expect(theirs.getByText('It is on its way.')).toBeVisible();
  await shots(theirs, 'form-sent');
  await expect.poll(async () => (await api.runs(flow.id)).length).toBe(1);
  const [run] = await api.runs(flow.id);
  const done = await api.reaches(run?.id ?? '', 'completed', 'failed');
  expect(done.output).toEqual({ name: 'Grace', size: 'A3', reams: 1, recycled: true, address: { city: 'Bonn' } });
  expect(complaints.filter((said) => !own(said))).toEqual([]);
  await theirs.context().close();
});
