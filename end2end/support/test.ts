// What every browser test starts from: one server that all tests of a worker share until one fails, a page whose console must stay clean,
// a person to be.
import { type Browser, type BrowserType, type Page, test as base, expect } from '@playwright/test';
import { HolonServer } from './server';

export { expect };

/** Somebody who signs up. */
export interface Person {
  name: string;
  email: string;
  password: string;
  workspace: string;
}

export const ada: Person = {
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  password: 'Note G computes Bernoulli numbers',
  workspace: 'Analytical engines',
};

interface PerTest {
  /** Complaints of the browser that a test expects, as parts of their text. */
  expected: string[];
}

interface PerWorker {
  server: HolonServer;
}

export const test = base.extend<PerTest, PerWorker>({
  browser: [
    async ({ playwright, browserName }, use) => {
      const browser = await launched(playwright[browserName]);
      await use(browser);
      await browser.close();
    },
    { scope: 'worker', timeout: 0 },
  ],
  server: [
    // The first argument must be a pattern, even an empty one.
    async ({}, use) => {
      const server = await HolonServer.start();
      await use(server);
      await server.close();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  expected: async ({}, use) => use([]),
  page: async ({ page, expected }, use) => {
    const complaints = listen(page);
    await use(page);
    const unexpected = complaints.filter((said) => !expected.some((part) => said.includes(part)));
    expect(unexpected, 'the console stays clean').toEqual([]);
  },
});

/** A browser. One that ends by itself before it shows anything has said nothing of ours: it is started again, once, and that is told. */
async function launched(type: BrowserType): Promise<Browser> {
  return type.launch().catch((error: Error) => {
    console.log(`the browser did not start: ${error.message.split('\n')[0]}`);
    return type.launch();
  });
}

/** Gathers errors, refused resources and hydration warnings. */
export function listen(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    const bad = message.type() === 'error' || /hydrat|content security policy/i.test(text);
    if (bad) complaints.push(`${message.type()}: ${text} (${message.location().url})`);
  });
  return complaints;
}

/** Opens a page and waits until it answers clicks. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await hydrated(page);
}

/** Waits until the script has taken over the page that the server rendered. */
export async function hydrated(page: Page): Promise<void> {
  await page.locator('html[data-ready]').waitFor({ state: 'attached' });
}

/** Signs up; the page that follows is home. */
export async function signUp(page: Page, person: Person = ada): Promise<void> {
  await visit(page, '/sign-up');
  await page.getByLabel('Your name').fill(person.name);
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(person.password);
  await page.getByLabel('Workspace').fill(person.workspace);
  await page.getByRole('button', { name: 'Create workspace' }).click();
  await page.waitForURL('**/');
  await hydrated(page);
}

/** Signs in, or up when nobody has yet on this server. */
export async function enter(page: Page, server: HolonServer, person: Person = ada): Promise<void> {
  const headers = { origin: server.url };
  const credentials = { email: person.email, password: person.password };
  const known = await page.request.post(`${server.url}/api/v1/sign-in`, { data: credentials, headers });
  if (known.ok()) return;
  const made = await page.request.post(`${server.url}/api/v1/sign-up`, { data: person, headers });
  expect(made.status(), await made.text()).toBe(201);
}
