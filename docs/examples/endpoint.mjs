// The endpoint that the examples call, for trying them out: `node docs/examples/endpoint.mjs [port]`.
//
// It keeps a ledger by Idempotency-Key, so that a request that arrives again does nothing again.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';

const port = Number(process.argv[2] ?? 9090);
const ledger = new Map();

const body = async (request) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
};

const json = (response, status, value) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
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
  if (request.method === 'POST' && url.pathname === '/chat') return json(response, 200, { ok: true });
  if (request.method === 'GET' && url.pathname === '/sales.csv') {
    response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' });
    return response.end(await readFile(new URL('./csv-report/endpoint/sales.csv', import.meta.url)));
  }
  return json(response, 404, { error: 'there is nothing here' });
}).listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}`));
