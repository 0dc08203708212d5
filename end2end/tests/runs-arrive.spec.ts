// A delivery shows: its run stands on a runs page that is open within a second of the delivery's being sent.
import { Api, definition } from '../support/api';
import { enter, expect, test, visit } from '../support/test';

/** What the page promises, in milliseconds. */
const WITHIN = 1000;

test('a run is on the open page of runs within a second of the post that started it', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const { id, hooks } = await api.publish(definition('arrives', { hook: { kind: 'trigger.webhook@1' } }, []));
  await visit(page, `/runs?flow=${id}`);
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  const took: number[] = [];
  for (let delivery = 1; delivery <= 5; delivery += 1) {
    // The page itself looks, at every frame: asking it from outside would add what asking costs.
    const seen = page.evaluate(
      (count) =>
        new Promise<number>((resolve) => {
          const look = () => (document.querySelectorAll('table.runs tbody a.row-link').length >= count ? resolve(Date.now()) : requestAnimationFrame(look));
          look();
        }),
      delivery,
    );
    const sent = Date.now();
    const answer = await page.request.post(hooks[0] ?? '', { data: { order: delivery } });
    expect(answer.status()).toBe(202);
    took.push((await seen) - sent);
  }
  // The middle of five: a busy machine may hold one of them up, and says nothing of the product by that.
  const middle = took.sort((a, b) => a - b)[2] ?? Infinity;
  expect(middle, `milliseconds from post to page: ${took.join(', ')}`).toBeLessThan(WITHIN);
});
