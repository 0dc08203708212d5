// A workspace with one of everything, and the addresses of all its pages.
import { type Api, definition } from './api';
import { Receiver } from './receiver';
import { expect } from './test';

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

/** Every page of a workspace, by a name, with something on each; and what to call when they were looked at. */
export interface Everything {
  pages: Record<string, string>;
  close: () => void;
}

/** Makes one of everything in a workspace that had nothing. */
export async function everything(api: Api): Promise<Everything> {
  const flow = await api.publish(lines);
  const input = { lines: [{ qty: 3, price: 19.9 }, { qty: 2, price: 40 }] };
  const run = await api.ok<{ id: string }>('POST', `/flows/${flow.id}/runs`, { input, labels: { team: 'shop' }, correlation: 'order 8' });
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

  await api.ok('POST', '/connections', { name: 'shop', kind: 'http_bearer', secret: 'x', hosts: ['shop.example'] });
  await api.ok('POST', '/tokens', { name: 'for a script' });
  await api.ok('POST', '/alerts', { name: 'Failed runs', what: 'run_failed', channel: 'chat', url: 'https://chat.example.com/hook' });

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
    'runs-filtered': '/runs?status=completed&trigger=trigger.manual',
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
    alerts: '/settings/alerts',
  };
  return { pages, close: () => tickets.close() };
}
