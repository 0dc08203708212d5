// A key pressed in a field of the settings, until what the flow gives with it is on the screen.
import { settled } from './page.mjs';

/** Milliseconds of each key, from the browser's own time of its event to the frame that shows the flow's new result. */
export async function keystrokes(page, { typed, keys }) {
  // The output's tab shows the flow's result, which is what the node gives that is typed into.
  await page.getByRole('button', { name: 'Output' }).click();
  await page.locator(`#node-${typed} .node-words`).click();
  const field = page.locator('.editor-inspector .expression textarea').first();
  await field.click();
  await page.keyboard.press('End');
  const times = [];
  let text = await field.inputValue();
  for (let index = 0; index < keys; index += 1) {
    const key = 'abcdefghij'[index % 10];
    text += key;
    const shown = page.evaluate(shows, `"${text}"`);
    // The page watches before the key comes.
    await page.evaluate(() => window.bench.watching);
    await page.keyboard.press(key);
    times.push(await shown);
    await settled(page, 50);
  }
  return times;
}

/** In the page: from the next key to the frame in which the drawer shows `expected`. */
function shows(expected) {
  const drawer = document.querySelector('#drawer');
  return new Promise((resolve) => {
    let pressed = 0;
    addEventListener('keydown', (event) => { pressed = event.timeStamp; }, { capture: true, once: true });
    const observer = new MutationObserver(() => {
      if (!drawer.textContent.includes(expected)) return;
      observer.disconnect();
      // A message that is sent in a frame comes after it has been drawn.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now() - pressed);
        port2.postMessage(null);
      });
    });
    observer.observe(drawer, { subtree: true, childList: true, characterData: true });
  });
}
