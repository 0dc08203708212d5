// The two that are compared: how each is opened, and where in its page what is measured stands.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { box, interactive, settled, viewport, watch } from './page.mjs';

const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', json: 'application/json', svg: 'image/svg+xml' };

/** Serves the page of xyflow, kept by the browser as Holon's files are. */
export async function serve(folder) {
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    const name = path === '/' ? 'index.html' : path.slice(1);
    const age = name.startsWith('main.') ? 'public, max-age=31536000, immutable' : 'no-cache';
    try {
      const body = readFileSync(join(folder, name));
      response.writeHead(200, { 'content-type': TYPES[name.split('.').at(-1)], 'cache-control': age }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://localhost:${server.address().port}`, close: () => server.close() };
}

/** Opens a page of its own with a clean console. */
async function opened(side, address) {
  const page = await side.context.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' || message.type() === 'warning' || /hydrat|content security policy/i.test(text)) page.complaints.push(`${message.type()}: ${text}`);
  });
  await page.addInitScript(watch, { drawn: side.drawn });
  await page.goto(address, { waitUntil: 'commit' });
  page.openedAfter = await interactive(page);
  return page;
}

/** Closes a page that had nothing to complain of. */
export async function closed(page) {
  const { complaints } = page;
  await page.close();
  if (complaints.length > 0) throw new Error(`the console of ${page.url()} is not clean:\n${complaints.join('\n')}`);
}

/** Holon: flows are made through the API, by somebody who signed up for it. */
export class Holon {
  name = 'holon';
  empty = '.canvas';
  layer = '.canvas-layer';
  card = '.node';
  cardName = 'data-node';
  head = (key) => `#node-${key} .node-words`;
  // Cards or, from afar, their shapes; and curves.
  drawn = [':is(.node, .far.cards)', '.edges :is(.edge, .far)'];
  /** One pixel of the wheel zooms by this exponent. */
  wheel = 0.0022;

  constructor(context, url, folder) {
    Object.assign(this, { context, url, folder, paths: {} });
  }

  async prepare(sizes) {
    const { request } = this.context;
    const call = async (path, data) => {
      const answer = await request.post(`${this.url}/api/v1${path}`, { data, headers: { origin: this.url } });
      if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
      return answer.json();
    };
    await call('/sign-up', { name: 'Ada', email: 'ada@example.com', password: 'Note G computes Bernoulli numbers', workspace: 'Bench' });
    for (const nodes of sizes) {
      const definition = JSON.parse(readFileSync(join(this.folder, `definition-${nodes}.json`)));
      this.paths[nodes] = `/flows/${(await call('/flows', { definition })).id}`;
    }
  }

  open(nodes) {
    return opened(this, this.url + this.paths[nodes]);
  }

  /** Where its canvas stands, what it shows first and what when all is to be seen: the peer is given the same. */
  async stage(nodes) {
    const page = await this.open(nodes);
    const [canvas, first] = [await box(page, this.empty), await viewport(page, this.layer)];
    await this.showAll(page);
    const all = await viewport(page, this.layer);
    await closed(page);
    return { canvas, first, all };
  }

  async showAll(page) {
    await page.locator(this.empty).focus();
    await page.keyboard.press('.');
    await settled(page);
  }

  /** With the wheel, far up. */
  async showNone(page) {
    const { x, y, width, height } = await box(page, this.empty);
    await page.mouse.move(x + width / 2, y + height / 2);
    for (let turn = 0; turn < 20; turn += 1) await page.mouse.wheel(0, -2000);
    await settled(page);
  }
}

/** xyflow, with all nodes in the document or only those that are seen. */
export class Xyflow {
  empty = '.react-flow__pane';
  layer = '.react-flow__viewport';
  card = '.react-flow__node';
  cardName = 'data-id';
  head = (key) => `.react-flow__node[data-id="${key}"] .card-words`;
  // Nodes are hidden until they are measured.
  drawn = ['.react-flow__node[style*="visibility: visible"]', '.react-flow__edge-path'];
  wheel = 0.002 * Math.LN2;

  constructor(context, url, culled) {
    Object.assign(this, { context, url, culled, name: culled ? 'xyflow-visible' : 'xyflow-all' });
  }

  open(nodes, { canvas, first }) {
    const { x: left, y: top, width, height } = canvas;
    const asked = new URLSearchParams({ nodes, left, top, width, height, ...first });
    if (this.culled) asked.set('culled', '');
    return opened(this, `${this.url}/?${asked}`);
  }

  async showAll(page, { all }) {
    await page.evaluate((view) => window.flow.setViewport(view), all);
    await settled(page);
  }

  async showNone(page) {
    await page.evaluate(() => window.flow.setViewport({ x: 0, y: 40_000, zoom: 0.1 }));
    await settled(page);
  }
}
