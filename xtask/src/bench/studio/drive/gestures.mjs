// What hands do, as Chromium hears it: the same events at the same places for both sides.
import { box, cardInTheMiddle, emptyPoint, settled, viewport } from './page.mjs';

/** Frames of a gesture: each of its steps has one. */
export const FRAMES = 48;
/** Steps there, and as many back: what was seen first is seen again. */
const STEPS = FRAMES / 2;
/** What a step of the wheel zooms by, as an exponent. */
const ZOOM = 0.06;

/** Pixels that a card may be off where it was drawn to: both snap to a grid, and begin only after a few pixels. */
const OFF = 16;

/** There and back again, in steps. */
function* there(step) {
  for (let at = 1; at <= STEPS; at += 1) yield at * step;
  for (let at = STEPS - 1; at >= 0; at -= 1) yield at * step;
}

/** A mouse whose every event is answered by the page before the next one comes: each step has a frame. */
class Mouse {
  static async of(page) {
    const mouse = new Mouse();
    mouse.session = await page.context().newCDPSession(page);
    return mouse;
  }

  send(type, { x, y }, more) {
    return this.session.send('Input.dispatchMouseEvent', { type, x, y, ...more });
  }

  /** With the button held, there and back; `turned` is called where it turns. */
  async drag({ x, y }, dx, dy, turned) {
    const down = [...there(dy)];
    for (const [index, right] of [...there(dx)].entries()) {
      await this.send('mouseMoved', { x: x + right, y: y + down[index] }, { button: 'left', buttons: 1 });
      if (index === STEPS - 1) await turned?.();
    }
  }

  async press(at) {
    await this.send('mouseMoved', at);
    await this.send('mousePressed', at, { button: 'left', buttons: 1, clickCount: 1 });
  }

  release(at) {
    return this.send('mouseReleased', at, { button: 'left', clickCount: 1 });
  }
}

/** Takes the canvas where it is empty and draws it to and fro. */
export async function pan(side, page, measured) {
  return grab(side, page, measured, await emptyPoint(page, side.empty), -18, -11);
}

/** The same where all of the flow is seen, and so little that all of it stays so: taken at its left margin. */
export async function panFar(side, page, measured) {
  const { x, y, height } = await box(page, side.empty);
  return grab(side, page, measured, { x: Math.round(x) + 12, y: Math.round(y + height / 2) }, 3, 1);
}

async function grab(side, page, measured, at, dx, dy) {
  const mouse = await Mouse.of(page);
  const before = await viewport(page, side.layer);
  await mouse.press(at);
  const result = await measured(() => mouse.drag(at, dx, dy));
  const after = await viewport(page, side.layer);
  await mouse.release(at);
  same(side, 'panning there and back', before, after);
  return result;
}

/** Zooms out and in again under the pointer, which is in the middle. */
export async function zoom(side, page, measured) {
  const mouse = await Mouse.of(page);
  const canvas = await box(page, side.empty);
  const at = { x: Math.round(canvas.x + canvas.width / 2), y: Math.round(canvas.y + canvas.height / 2) };
  // Wheels count differently; a step zooms by the same factor.
  const deltaY = ZOOM / side.wheel;
  const turn = (deltaY) => mouse.send('mouseWheel', at, { deltaX: 0, deltaY, modifiers: 2 });
  const before = await viewport(page, side.layer);
  await mouse.send('mouseMoved', at);
  let small;
  const result = await measured(async () => {
    for (let step = 0; step < STEPS; step += 1) await turn(deltaY);
    small = await viewport(page, side.layer);
    for (let step = 0; step < STEPS; step += 1) await turn(-deltaY);
  });
  await settled(page, 100);
  const expected = before.zoom * Math.exp(-ZOOM * STEPS);
  if (Math.abs(small.zoom / expected - 1) > 0.02) throw new Error(`${side.name} zoomed to ${small.zoom} for ${expected}`);
  same(side, 'zooming out and in', before, await viewport(page, side.layer));
  return result;
}

/** Takes the card in the middle by its head and moves it to and fro. */
export async function drag(side, page, measured) {
  const mouse = await Mouse.of(page);
  const key = await cardInTheMiddle(page, { empty: side.empty, card: side.card, name: side.cardName });
  const head = await box(page, side.head(key));
  const at = { x: Math.round(head.x + head.width / 2), y: Math.round(head.y + head.height / 2) };
  await mouse.press(at);
  let farthest;
  const result = await measured(async () => {
    await mouse.drag(at, 9, 6, async () => {
      await settled(page, 0);
      farthest = await box(page, side.head(key));
    });
  });
  const back = await box(page, side.head(key));
  await mouse.release(at);
  if (farthest.x - head.x < 9 * STEPS - OFF) throw new Error(`${side.name} moved ${key} from ${JSON.stringify(head)} to ${JSON.stringify(farthest)}`);
  if (Math.abs(back.x - head.x) > OFF || Math.abs(back.y - head.y) > OFF) throw new Error(`${side.name} left ${key} at ${JSON.stringify(back)}`);
  return result;
}

function same(side, doing, before, after) {
  const off = Math.max(Math.abs(before.x - after.x), Math.abs(before.y - after.y));
  if (off > 4 || Math.abs(before.zoom / after.zoom - 1) > 0.01) throw new Error(`${side.name}, ${doing}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`);
}
