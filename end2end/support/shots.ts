// Pictures of a page for a person to look at, when they are asked for: `HOLON_SHOTS=1 cargo xtask test --only end2end`.
import { join } from 'node:path';
import type { Page } from '@playwright/test';

/** Nothing compares the pictures, and taking them takes longer than all tests together. */
const WANTED = process.env.HOLON_SHOTS === '1';

const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
];

/** Writes `end2end/shots/<name>.png`: the page as it is. */
export async function shot(page: Page, name: string): Promise<void> {
  if (!WANTED) return;
  const path = join(__dirname, '..', 'shots', `${name}.png`);
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
}

/** Writes `end2end/shots/<name>-<width>-<scheme>.png`, six of them, and leaves the page as it was. */
export async function shots(page: Page, name: string): Promise<void> {
  if (!WANTED) return;
  const before = page.viewportSize();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await shot(page, `${name}-${size.width}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
}
