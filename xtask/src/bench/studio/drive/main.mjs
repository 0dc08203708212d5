// The browser's part of `cargo xtask bench studio`: opens the same flows in Holon and in xyflow, moves both in the same way, and prints what
// each time took, a line of JSON for each: `{"name", "side", "values"}`.
import { chromium } from 'playwright-core';
import { FRAMES, drag, pan, panFar, zoom } from './gestures.mjs';
import { box, elements, settled } from './page.mjs';
import { profiled } from './profile.mjs';
import { Holon, Xyflow, closed, serve } from './sides.mjs';
import { traced } from './trace.mjs';
import { keystrokes } from './typing.mjs';

/** Gestures are measured on a flow of so many nodes, keys on another. */
const LARGE = 1_000;
const TYPED_IN = 200;
/** Opening the largest takes a peer long; it is only told. */
const HUGE = 5_000;
const HUGE_ROUNDS = 3;
/** Keys in a round. */
const KEYS = 15;
/** Room for a large part of a flow; what a laptop has. */
const WINDOW = { width: 1920, height: 1080 };

const asked = JSON.parse(process.argv[2]);
const profiles = process.env.HOLON_BENCH_PROFILE;

const tell = (name, side, values) => console.log(JSON.stringify({ name, side: side.name, values }));
const note = (text) => console.error(`    ${text}`);

async function main() {
  const browser = await chromium.launch({ executablePath: asked.chromium, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'] });
  const context = () => browser.newContext({ viewport: WINDOW });
  const page = await serve(asked.page);
  const holon = new Holon(await context(), asked.holon, asked.page);
  await holon.prepare(asked.sizes);
  const sides = [holon, new Xyflow(await context(), page.url, false), new Xyflow(await context(), page.url, true)];
  const stages = new Map();
  // The first time fills caches, of files and of compiled code.
  for (const nodes of asked.sizes) {
    stages.set(nodes, await holon.stage(nodes));
    for (const side of sides) await closed(await side.open(nodes, stages.get(nodes)));
  }
  for (let round = 0; round < asked.rounds; round += 1) {
    for (const nodes of asked.sizes.filter((nodes) => nodes !== HUGE || round < HUGE_ROUNDS)) {
      for (const side of sides) await measure(browser, side, nodes, stages.get(nodes));
    }
    note(`round ${round + 1} of ${asked.rounds}`);
  }
  if (profiles) {
    for (const side of sides) await profile(side, stages.get(LARGE));
    note(`profiles: ${profiles}`);
  }
  await browser.close();
  page.close();
}

/** One flow on one side: opened, and what else is measured on a flow of its size. */
async function measure(browser, side, nodes, stage) {
  const page = await side.open(nodes, stage);
  tell(`open_${nodes}`, side, { s: page.openedAfter / 1000 });
  if (nodes === LARGE) {
    for (const [name, gesture] of Object.entries({ pan, zoom, drag })) await moved(browser, side, page, name, gesture);
    await side.showAll(page, stage);
    tell('dom_all', side, { elements: await elements(page) });
    await moved(browser, side, page, 'pan_far', panFar);
    tell('dom_most', side, { elements: await most(side, page) });
    await side.showAll(page, stage);
    await side.showNone(page);
    tell('dom_none', side, { elements: await elements(page) });
  }
  if (nodes === TYPED_IN && side instanceof Holon) {
    for (const ms of await keystrokes(page, { typed: asked.typed, keys: KEYS })) tell('keystroke', side, { ms });
  }
  await closed(page);
}

/** A gesture, once for nothing and once measured. */
async function moved(browser, side, page, name, gesture) {
  await gesture(side, page, (doing) => doing());
  await settled(page);
  tell(name, side, await gesture(side, page, (doing) => traced(browser, page, FRAMES, doing)));
  await settled(page);
}

/** The most elements that there are on the way from all of the flow to its cards in full size. */
async function most(side, page) {
  const canvas = await box(page, side.empty);
  await page.mouse.move(canvas.x + canvas.width / 2, canvas.y + canvas.height / 2);
  let found = 0;
  await page.keyboard.down('Control');
  for (let step = 0; step < 24; step += 1) {
    await page.mouse.wheel(0, -0.1 / side.wheel);
    await settled(page, 150);
    found = Math.max(found, await elements(page));
  }
  await page.keyboard.up('Control');
  return found;
}

async function profile(side, stage) {
  const page = await side.open(LARGE, stage);
  for (const [name, gesture] of Object.entries({ pan, zoom, drag })) {
    await gesture(side, page, (doing) => doing());
    await gesture(side, page, (doing) => profiled(page, profiles, `${side.name}-${name}`, doing));
  }
  await closed(page);
}

await main();
