// A server that is killed loses no run, and a receiver that honours the key sees each call once.
import { Api, definition } from '../support/api';
import { Receiver } from '../support/receiver';
import { HolonServer } from '../support/server';
import { shots } from '../support/shots';
import { ada, enter, expect, test, visit } from '../support/test';

const waitThenCall = (url: string, wait = '2s') =>
  definition(
    'wait then call',
    {
      hook: { kind: 'trigger.webhook@1', config: { method: 'POST' } },
      pause: { kind: 'flow.wait@1', config: { for: wait } },
      call: { kind: 'http.request@1', config: { method: 'POST', url, body: { json: { order: { $cel: 'trigger.body.order' } } } } },
    },
    ['hook -> pause', 'pause -> call'],
  );

test.describe('killed and started again', () => {
  let server: HolonServer;
  let receiver: Receiver;

  test.beforeEach(async () => {
    server = await HolonServer.start();
    // The first call hangs long enough to be killed in the middle of it.
    receiver = await Receiver.start((_, number) => ({ status: 200, body: { accepted: true }, afterMs: number === 1 ? 3_000 : 0 }));
  });
  test.afterEach(async () => {
    receiver.close();
    await server.close();
  });

  // Chromium reports what it cannot reach.
  test.use({ expected: ['net::', 'Failed to load'] });
  test('while a run waits, the run finishes with one call, and its page says what it cannot know', async ({ page }) => {
    await page.goto(server.url);
    await enter(page, server, ada);
    const api = new Api(page.request, server.url);
    const flow = await api.publish(waitThenCall(receiver.url, '6s'));
    const delivered = await page.request.post(flow.hooks[0] ?? '', { data: { order: 7 } });
    expect(delivered.status()).toBeLessThan(300);
    await expect.poll(async () => (await api.runs(flow.id))[0]?.status).toBe('waiting');
    const [run] = await api.runs(flow.id);
    await visit(page, `${server.url}/runs/${run?.id}`);
    const lost = page.locator('.lost').getByRole('status').filter({ hasText: 'The server cannot be reached' });
    await expect(page.getByRole('status').filter({ hasText: /^Waiting$/ })).toBeVisible();
    await expect(lost).toHaveCount(0);

    await server.crash();
    // The page says that what it shows is not what is, and catches up by itself.
    await expect(lost).toBeVisible();
    const took = page.getByRole('definition').filter({ hasText: /^\d+ s$/ });
    const then = await took.textContent();
    await shots(page, 'run-lost');
    // Longer than the second in which a run that is seen to go on would be told to have taken more.
    await page.waitForTimeout(1_500);
    expect(await took.textContent()).toBe(then);
    await server.launch();
    await expect(lost).toHaveCount(0);
    await expect(page.getByRole('status').filter({ hasText: /^Completed$/ })).toBeVisible({ timeout: 20_000 });

    const finished = await api.reaches(run?.id ?? '', 'completed', 'failed');
    expect(finished.summary.error ?? '').toBe('');
    expect(receiver.received.map(({ body }) => JSON.parse(body))).toEqual([{ order: 7 }]);
    expect(receiver.keys()).toHaveLength(1);
    expect(receiver.keys()[0]).not.toBe('');
  });

  test('in the middle of a call, the call is made again with the same key', async ({ page }) => {
    await page.goto(server.url);
    await enter(page, server, ada);
    const api = new Api(page.request, server.url);
    const flow = await api.publish(waitThenCall(receiver.url));
    await page.request.post(flow.hooks[0] ?? '', { data: { order: 8 } });
    await expect.poll(() => receiver.received.length).toBe(1);
    const [run] = await api.runs(flow.id);

    await server.crash();
    await server.launch();

    await api.reaches(run?.id ?? '', 'completed');
    expect(receiver.received.length).toBeGreaterThan(1);
    expect(receiver.keys()).toHaveLength(1);
    expect(receiver.keys()[0]).not.toBe('');
  });
});
