// What a page's own thread did during a gesture, read from a trace of Chromium: milliseconds of each sort of work a frame.
//
// Times are the thread's own (`tdur`): what other programs take of the processor meanwhile does not count.

import { settled } from './page.mjs';

const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'blink.user_timing', 'v8'];
const [BEGIN, END] = ['bench-begin', 'bench-end'];

/** Sorts of work by the names of their events, as Chromium's performance panel has them; whatever else begins with `v8` is scripting, and
 * what is not named is of the sort of that which it is part of. */
const SORTS = {
  scripting: [
    'EventDispatch', 'FunctionCall', 'EvaluateScript', 'RunMicrotasks', 'TimerFire', 'FireAnimationFrame', 'FireIdleCallback', 'HandlePostMessage',
    'XHRReadyStateChange', 'XHRLoad', 'MinorGC', 'MajorGC',
  ],
  style: ['UpdateLayoutTree', 'ParseAuthorStyleSheet'],
  layout: ['Layout', 'IntersectionObserverController::computeIntersections'],
  hit: ['HitTest'],
  paint: ['PrePaint', 'Paint', 'PaintImage', 'Layerize', 'Commit', 'UpdateLayer', 'UpdateLayerTree', 'CompositeLayers'],
};
const SORT = new Map(Object.entries(SORTS).flatMap(([sort, names]) => names.map((name) => [name, sort])));
const sortOf = (name) => SORT.get(name) ?? (/^v8/i.test(name) ? 'scripting' : undefined);

/** Does `gesture`, of so many frames, while Chromium traces the page; gives the work of a frame by sort. */
export async function traced(browser, page, frames, gesture) {
  const mark = (name) => page.evaluate((name) => performance.mark(name), name);
  await browser.startTracing(page, { categories: CATEGORIES });
  await mark(BEGIN);
  await gesture();
  // What the steps asked for is drawn too, also what a page puts off until they are over.
  await settled(page, 200);
  await mark(END);
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const sums = Object.entries(work(traceEvents));
  return Object.fromEntries(sums.map(([sort, sum]) => [sort, sum / frames]));
}

/** The milliseconds between the two marks, on the thread that made them, by sort. */
export function work(events) {
  const marked = (name) => events.find((event) => event.name === name && event.cat.includes('blink.user_timing'));
  const [begin, end] = [marked(BEGIN), marked(END)];
  if (!begin || !end) throw new Error('the trace has lost its marks');
  const own = (event) => event.ph === 'X' && event.pid === begin.pid && event.tid === begin.tid && event.ts >= begin.ts && event.ts < end.ts;
  // An event that has begun before another and ends after it contains it; of two that begin together the longer one does.
  const done = events.filter(own).sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const sums = { scripting: 0, style: 0, layout: 0, hit: 0, paint: 0, other: 0 };
  const within = [];
  for (const event of done) {
    while (within.length > 0 && within.at(-1).end <= event.ts) within.pop();
    const parent = within.at(-1);
    const sort = sortOf(event.name) ?? parent?.sort ?? 'other';
    const took = (event.tdur ?? event.dur ?? 0) / 1000;
    if (parent) sums[parent.sort] -= took;
    sums[sort] += took;
    within.push({ end: event.ts + (event.dur ?? 0), sort });
  }
  return sums;
}
