// The API as a program uses it: sign up, a token, a flow published and called through its webhook.
import { expect, test } from '../support/test';

test('the server says that it is alive, ready, and what its API is', async ({ request }) => {
  expect((await request.get('/health/live')).status()).toBe(200);
  expect((await request.get('/health/ready')).status()).toBe(200);
  const openapi = await request.get('/api/openapi.json');
  expect(openapi.status()).toBe(200);
  expect((await openapi.json()).openapi).toMatch(/^3\.1/);
});
