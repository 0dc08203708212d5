// What both pages are asked, whoever drew them: when they are there, where a gesture can begin, how many elements they have.

/** What each page runs before its own scripts: notes when the flow is drawn, and what kept the page's thread busy. */
export function watch({ drawn }) {
  window.bench = { drawnAt: null, busy: [] };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) window.bench.busy.push([startTime, startTime + duration]);
  }).observe({ type: 'longtask', buffered: true });
  // The frame after the one in which it is there: then it is on the screen.
  const look = () => {
    if (drawn.every((part) => document.querySelector(part))) requestAnimationFrame(() => { window.bench.drawnAt = performance.now(); });
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** Milliseconds from the start of navigation until the flow is drawn and no long task keeps the page from answering any more: its thread has
 * been free for `quiet` (Chromium's "time to interactive", with a shorter wait). */
export async function interactive(page, quiet = 500) {
  await page.waitForFunction((quiet) => {
    const { drawnAt, busy } = window.bench;
    return drawnAt !== null && performance.now() - Math.max(drawnAt, busy.at(-1)?.[1] ?? 0) > quiet;
  }, quiet, { polling: 50, timeout: 120_000 });
  return page.evaluate(() => Math.max(window.bench.drawnAt, window.bench.busy.at(-1)?.[1] ?? 0));
}

/** Waits until what was asked for is on the screen. */
export function settled(page, milliseconds = 300) {
  return page.evaluate((milliseconds) => new Promise((resolve) => {
    setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => resolve())), milliseconds);
  }), milliseconds);
}

/** All elements of the document. */
export const elements = (page) => page.evaluate(() => document.querySelectorAll('*').length);

/** The box of the first element that the selector finds. */
export function box(page, selector) {
  return page.evaluate((selector) => {
    const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
    return { x, y, width, height };
  }, selector);
}

/** What part of the flow is seen: the transform of the layer, `screen = flow * zoom + offset`. */
export function viewport(page, layer) {
  return page.evaluate((layer) => {
    const { e, f, a } = new DOMMatrix(getComputedStyle(document.querySelector(layer)).transform);
    return { x: e, y: f, zoom: a };
  }, layer);
}

/** A point near the middle of the canvas where only the canvas itself is. */
export function emptyPoint(page, empty) {
  return page.evaluate((empty) => {
    const { x, y, width, height } = document.querySelector(empty).getBoundingClientRect();
    const free = (at, up) => [[0, 0], [12, 0], [-12, 0], [0, 12], [0, -12]].every(([dx, dy]) => document.elementFromPoint(at + dx, up + dy)?.matches(empty));
    for (let far = 0; far < height / 2 - 20; far += 6) {
      for (let turn = 0; turn < 24; turn += 1) {
        const at = Math.round(x + width / 2 + far * Math.cos((turn * Math.PI) / 12));
        const up = Math.round(y + height / 2 + far * Math.sin((turn * Math.PI) / 12));
        if (free(at, up)) return { x: at, y: up };
      }
    }
    throw new Error('there is no empty place on the canvas');
  }, empty);
}

/** A name of a card near the middle that can be taken at its head. */
export function cardInTheMiddle(page, { empty, card, name }) {
  return page.evaluate(({ empty, card, name }) => {
    const { x, y, width, height } = document.querySelector(empty).getBoundingClientRect();
    const far = (element) => {
      const box = element.getBoundingClientRect();
      return Math.hypot(box.x + box.width / 2 - x - width / 2, box.y + box.height / 2 - y - height / 2);
    };
    return [...document.querySelectorAll(card)].sort((a, b) => far(a) - far(b))[0].getAttribute(name);
  }, { empty, card, name });
}
