// Batches: what several runs bring, done once for all of them.
import { Api, definition } from '../support/api';
import { accessibleInBothSchemes } from '../support/axe';
import { Receiver } from '../support/receiver';
import { shots } from '../support/shots';
import { enter, expect, test, visit } from '../support/test';

test('a run that waits for its batch leads there, and what became of it is seen from either side', async ({ page, server }) => {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const rows = await Receiver.start(() => ({ status: 200, body: { ids: ['r1', 'r2'] } }));
  const insert = { kind: 'http.request@1', config: { method: 'POST', url: rows.url, body: { json: { rows: { $cel: 'input' } } } } };
  const body = { nodes: { insert }, edges: [], result: { $cel: 'nodes.insert.body.ids' } };
  const flow = await api.publish(
    definition(
      'rows',
      { go: { kind: 'trigger.manual@1' }, collect: { kind: 'batch@1', config: { size: 2, within: '1h' }, bodies: { body } } },
      ['go -> collect'],
      { result: { $cel: 'nodes.collect' } },
    ),
  );
  const start = (row: number) => api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input: { row } });
  const first = await start(1);
  await visit(page, `/runs/${first.id}`);

  await test.step('the node that waits says for what', async () => {
    await page.getByRole('option', { name: /^collect/ }).click();
    await expect(page.getByText('Waits for its batch: for more items, or for what becomes of them')).toBeVisible();
    await accessibleInBothSchemes(page);
    await shots(page, 'run-in-batch');
  });

  await test.step('the link leads to the batch, which is a run of its own', async () => {
    await page.getByRole('link', { name: 'See the batch' }).click();
    await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(first.id));
    await expect(page.getByRole('status').filter({ hasText: /^Waiting$/ })).toBeVisible();
    await shots(page, 'batch-collects');
  });

  await test.step('the second item fills it: it runs once, and its page shows so without being loaded again', async () => {
    const second = await start(2);
    await expect(page.getByRole('status').filter({ hasText: /^Completed$/ })).toBeVisible();
    await api.reaches(first.id, 'completed');
    await api.reaches(second.id, 'completed');
    expect(rows.received).toHaveLength(1);
    expect(JSON.parse(rows.received[0]?.body ?? '')).toEqual({ rows: [{ row: 1 }, { row: 2 }] });
    const outputs = await Promise.all([first, second].map(({ id }) => api.ok<{ output: unknown }>('GET', `/runs/${id}`)));
    expect(outputs.map(({ output }) => output)).toEqual(['r1', 'r2']);
    await accessibleInBothSchemes(page);
    await shots(page, 'batch');
  });

  await test.step('the list of runs finds batches by what started them', async () => {
    await visit(page, '/runs?trigger=batch');
    await expect(page.getByRole('row').filter({ hasText: 'Batch' })).toHaveCount(1);
    await shots(page, 'runs-batches');
  });
});
