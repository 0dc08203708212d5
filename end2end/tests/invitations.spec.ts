// Who may sign up: by invitation, once a link, or nobody.
import { accessible } from '../support/axe';
import { HolonServer } from '../support/server';
import { shots } from '../support/shots';
import { ada, enter, expect, hydrated, listen, test, visit } from '../support/test';

const grace = { name: 'Grace Hopper', email: 'grace@example.com', password: 'nanoseconds are short', workspace: 'Compilers' };

test('an invitation lets one person in, into a workspace of their own', async ({ browser }) => {
  test.slow();
  // How people sign up is the server's, so this test has one to itself.
  const server = await HolonServer.start();
  const somebody = async () => {
    const page = await (await browser.newContext({ baseURL: server.url })).newPage();
    return { page, complaints: listen(page) };
  };
  const { page: operator } = await somebody();
  await enter(operator, server, ada);
  await visit(operator, '/settings');
  await operator.getByRole('radio', { name: /By invitation/ }).check();
  await operator.getByRole('button', { name: 'Make invitation link' }).click();
  const link = await operator.getByText(/\/sign-up\?invitation=/).innerText();
  await accessible(operator);
  await shots(operator, 'settings-invitation');

  const { page: guest, complaints } = await somebody();

  await test.step('without a link there is no form', async () => {
    await visit(guest, '/sign-up');
    await expect(guest.getByRole('heading', { name: 'Sign-up is by invitation' })).toBeVisible();
    await expect(guest.getByLabel('E-mail')).toHaveCount(0);
    await accessible(guest);
    await shots(guest, 'sign-up-by-invitation');
  });

  const fill = async (page: typeof guest, person: typeof grace) => {
    await visit(page, link);
    await page.getByLabel('Your name').fill(person.name);
    await page.getByLabel('E-mail').fill(person.email);
    await page.getByRole('textbox', { name: 'Password' }).fill(person.password);
    await page.getByLabel('Workspace').fill(person.workspace);
    await page.getByRole('button', { name: 'Create workspace' }).click();
  };

  await test.step('with it one person signs up', async () => {
    await fill(guest, grace);
    await guest.waitForURL(`${server.url}/`);
    await hydrated(guest);
    const session = await (await guest.request.get('/api/v1/session')).json();
    expect(session.tenant.name).toBe('Compilers');
    // Not the operator's page.
    await visit(guest, '/settings');
    await expect(guest.getByRole('heading', { name: 'Appearance' })).toBeVisible();
    await expect(guest.getByRole('heading', { name: 'Sign-up' })).toHaveCount(0);
    expect(complaints).toEqual([]);
  });

  await test.step('and nobody else with the same link', async () => {
    const { page: second } = await somebody();
    await fill(second, { ...grace, email: 'eve@example.com' });
    await expect(second.getByRole('alert')).toContainText('This invitation was used or is over');
    await expect(second.getByLabel('E-mail')).toHaveValue('eve@example.com');
  });

  await test.step('closed is closed', async () => {
    await operator.getByRole('radio', { name: /Closed/ }).check();
    await expect(operator.getByText('Saved.')).not.toHaveCount(0);
    await expect.poll(async () => (await (await operator.request.get('/api/v1/instance')).json()).sign_up).toBe('closed');
    const { page: late } = await somebody();
    await visit(late, '/sign-up');
    await expect(late.getByRole('heading', { name: 'Sign-up is closed' })).toBeVisible();
  });
  await server.close();
});
