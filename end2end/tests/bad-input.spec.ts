// What comes in wrong gets a precise answer, and the server goes on.
import { Api, definition } from '../support/api';
import { enter, expect, test } from '../support/test';

const echo = definition(
  'echo',
  {
    hook: { kind: 'trigger.webhook@1', config: { method: 'POST' } },
    out: { kind: 'data.set@1', config: { fields: { got: { $cel: 'trigger.body' } } } },
  },
  ['hook -> out'],
);

test.describe('a webhook refuses', () => {
  const json = { 'content-type': 'application/json' };
  const cases: { name: string; headers: Record<string, string>; body: Buffer; status: number }[] = [
    { name: 'what is not JSON', headers: json, body: Buffer.from('{"a": '), status: 400 },
    { name: 'text that is not UTF-8', headers: json, body: Buffer.from([0x22, 0xff, 0xfe, 0x22]), status: 400 },
    { name: 'a number that no value can hold', headers: json, body: Buffer.from(`{"n": 1${'0'.repeat(400)}}`), status: 400 },
    { name: 'nesting without end', headers: json, body: Buffer.from('['.repeat(100_000)), status: 400 },
    { name: 'ten megabytes', headers: json, body: Buffer.from(`"${'x'.repeat(10_000_000)}"`), status: 413 },
  ];
  for (const { name, headers, body, status } of cases) {
    test(name, async ({ page, server }) => {
      await enter(page, server);
      const api = new Api(page.request, server.url);
      const flow = await api.publish({ ...echo, name: `echo: ${name}` });
      const answer = await page.request.post(flow.hooks[0] ?? '', { headers, data: body });
      expect(answer.status(), await answer.text()).toBe(status);
      const problem = await answer.json();
      expect(problem).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) });
      expect(await api.runs(flow.id)).toEqual([]);
      expect((await page.request.get('/health/ready')).status()).toBe(200);
    });
  }
});

test('a draft with a cycle is kept and cannot be published', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const cyclic = definition(
    'cycle',
    { go: { kind: 'trigger.manual@1' }, a: { kind: 'data.set@1', config: { fields: {} } }, b: { kind: 'data.set@1', config: { fields: {} } } },
    ['go -> a', 'a -> b', 'b -> a'],
  );
  const flow = await api.ok<{ id: string; diagnostics: { code: string; severity: string }[] }>('POST', '/flows', { definition: cyclic });
  expect(flow.diagnostics.filter(({ severity }) => severity === 'error').length).toBeGreaterThan(0);
  const refused = await api.call('POST', `/flows/${flow.id}/publish`, { message: '' });
  expect(refused.status()).toBe(422);
  expect((await refused.json()).code).toBe('invalid_definition');
});

test('of two saves of the same revision, the second is refused and nothing is overwritten', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const flow = await api.ok<{ id: string; revision: number }>('POST', '/flows', { name: 'two tabs' });
  const save = (description: string) =>
    api.call('PUT', `/flows/${flow.id}`, { ...echo, name: 'two tabs', description }, { 'if-match': `"${flow.revision}"` });
  expect((await save('first')).status()).toBe(200);
  const second = await save('second');
  expect(second.status()).toBe(412);
  expect((await second.json()).code).toBe('stale_revision');
  const kept = await api.ok<{ definition: { description: string } }>('GET', `/flows/${flow.id}`);
  expect(kept.definition.description).toBe('first');
});

test('an API call from another site is refused', async ({ page, server }) => {
  await enter(page, server);
  const answer = await page.request.post('/api/v1/flows', { data: {}, headers: { origin: 'https://elsewhere.example' } });
  expect(answer.status()).toBe(403);
  expect((await answer.json()).code).toBe('cross_site');
});
