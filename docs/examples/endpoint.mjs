// The endpoint that the examples call, for trying them out: `node docs/examples/endpoint.mjs [port]`.
//
// It keeps a ledger by Idempotency-Key, so that a request that arrives again does nothing again. Parts of the travel agency
// fail on demand: `curl -X POST 'http://127.0.0.1:9090/fail/payments'`, until `curl -X POST http://127.0.0.1:9090/heal`.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';

const port = Number(process.argv[2] ?? 9090);
const ledger = new Map();
const prices = { flights: 219.4, hotels: 267, cars: 96.6 };
const failing = new Set();
// The carrier prints two labels at a time.
let printing = 0;
const started = Date.now();
// A ticket is opened every ten seconds; each third one is urgent.
const ticket = (id) => ({ id, subject: `Cannot sign in (${id})`, priority: id % 3 === 0 ? 'high' : 'normal' });

const body = async (request) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
};

const json = (response, status, value) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
};

/** Books, pays or cancels; `what` is what of the agency is asked, such as `flights` or `cancel-hotels`. */
const travel = (response, method, [part, id], key, asked) => {
  const what = method === 'DELETE' ? `cancel-${part}` : part;
  if (failing.has(what)) return json(response, what === 'payments' ? 402 : 503, { error: `${what} fails` });
  if (method === 'DELETE') return json(response, 200, { cancelled: id });
  const name = part.slice(0, -1);
  const entry = part === 'payments' ? { amount: asked.amount } : { price: prices[part] };
  if (!ledger.has(key)) ledger.set(key, { id: `${name}-${ledger.size + 1}`, ...entry });
  return json(response, 201, ledger.get(key));
};

/** Prints a label, which takes half a second; more than two at a time are refused. */
const label = async (response, key) => {
  if (printing >= 2) {
    response.setHeader('retry-after', '1');
    return json(response, 429, { error: 'two are being printed' });
  }
  printing += 1;
  await new Promise((printed) => setTimeout(printed, 500));
  printing -= 1;
  if (!ledger.has(key)) ledger.set(key, { label: `L-${ledger.size + 1}` });
  return json(response, 201, ledger.get(key));
};

/** North answers at once and South takes a second; either can be closed: `/fail/north`. */
const price = async (response, supplier, sku) => {
  if (failing.has(supplier)) return json(response, 503, { error: `${supplier} is closed` });
  if (supplier === 'south') await new Promise((asked) => setTimeout(asked, 1_000));
  return json(response, 200, { sku, price: supplier === 'south' ? 4.9 : 4.2 });
};

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const key = request.headers['idempotency-key'];
  const text = await body(request);
  console.log(`${request.method} ${url.pathname} key=${key ?? '-'} ${text}`);
  if (request.method === 'POST' && url.pathname === '/reserve') {
    if (!ledger.has(key)) ledger.set(key, { reservation: `r-${ledger.size + 1}` });
    return json(response, 201, ledger.get(key));
  }
  if (request.method === 'POST' && url.pathname === '/rows') {
    if (!ledger.has(key)) ledger.set(key, { ids: JSON.parse(text).rows.map((_, at) => `row-${ledger.size + 1}.${at + 1}`) });
    return json(response, 201, ledger.get(key));
  }
  if (request.method === 'POST' && url.pathname === '/labels') return label(response, key);
  if (request.method === 'POST' && url.pathname === '/chat') return json(response, 200, { ok: true });
  if (request.method === 'GET' && url.pathname === '/sales.csv') {
    response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' });
    return response.end(await readFile(new URL('./csv-report/endpoint/sales.csv', import.meta.url)));
  }
  if (request.method === 'POST' && url.pathname === '/leaves') {
    if (!ledger.has(key)) ledger.set(key, { id: `leave-${ledger.size + 1}` });
    return json(response, 201, ledger.get(key));
  }
  if (request.method === 'GET' && url.pathname === '/items') {
    const after = Number(url.searchParams.get('after') ?? 0);
    const page = { items: [{ id: after + 1 }, { id: after + 2 }], next: after + 2 < 10 ? after + 2 : null };
    return setTimeout(() => json(response, 200, page), 500);
  }
  const [, supplier, prices_of, sku] = url.pathname.split('/');
  if (request.method === 'GET' && prices_of === 'prices') return price(response, supplier, sku);
  if (request.method === 'GET' && url.pathname === '/tickets') {
    const after = Number(url.searchParams.get('after') ?? 0);
    const count = 3 + Math.floor((Date.now() - started) / 10_000);
    const tickets = Array.from({ length: count }, (_, at) => ticket(at + 1)).filter(({ id }) => id > after);
    return json(response, 200, { tickets: tickets.slice(0, 100) });
  }
  const [, part, id] = url.pathname.split('/');
  if (request.method === 'POST' && part === 'fail') return json(response, 200, { failing: [...failing.add(id)] });
  if (request.method === 'POST' && part === 'heal') return json(response, 200, { failing: (failing.clear(), []) });
  if (part in prices || part === 'payments') {
    return travel(response, request.method, [part, id], key, text ? JSON.parse(text) : {});
  }
  return json(response, 404, { error: 'there is nothing here' });
}).listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}`));
