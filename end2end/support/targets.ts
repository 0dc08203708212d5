// How large what a finger must hit is: WCAG 2.2, 2.5.5 (enhanced), 44 by 44 CSS pixels.
import { type Page, expect } from '@playwright/test';

/** The least, in CSS pixels. */
const LEAST = 44;

/** What on this page takes a finger and is too small to be hit by one, with its size; and how many were measured. */
function small(page: Page): Promise<{ found: string[]; measured: number }> {
  return page.evaluate((least) => {
    const acts = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=tab], [role=option], [role=menuitem], [role=button], [role=switch]';
    const found: string[] = [];
    let measured = 0;
    for (const target of document.querySelectorAll<HTMLElement>(acts)) {
      if (!target.checkVisibility({ visibilityProperty: true, opacityProperty: false }) || target.closest('[inert], [aria-hidden=true]')) continue;
      // Cards and ports are as large as the drawing is zoomed; the inspector has the same in full size.
      if (target.closest('.canvas-layer')) continue;
      const outside = target.parentElement?.textContent?.replace(target.textContent ?? '', '').trim();
      // In a sentence the line decides.
      if (target.tagName === 'A' && getComputedStyle(target).display === 'inline' && outside) continue;
      const label = 'labels' in target ? ((target as HTMLInputElement).labels?.[0] ?? null) : null;
      const hits = (x: number, y: number) => {
        const at = document.elementFromPoint(x, y);
        return at !== null && (target.contains(at) || (label?.contains(at) ?? false));
      };
      target.scrollIntoView({ block: 'center', inline: 'center' });
      const part = label?.contains(target) ? label : target;
      const box = part.getBoundingClientRect();
      if (box.width === 0 || box.height === 0) continue;
      // Scrolled out of a bar that is wider than the screen, or under something that is open: not there to be hit.
      const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      if (!hits(middle.x, middle.y)) continue;
      measured += 1;
      // What can be hit may be larger than what is seen.
      const reach = (dx: number, dy: number) => {
        let step = 0;
        while (step < least && hits(middle.x + dx * (step + 1), middle.y + dy * (step + 1))) step += 1;
        return step;
      };
      const width = Math.max(Math.round(box.width), reach(-1, 0) + reach(1, 0));
      const height = Math.max(Math.round(box.height), reach(0, -1) + reach(0, 1));
      if (width >= least && height >= least) continue;
      const name = target.getAttribute('aria-label') ?? target.textContent?.trim().slice(0, 40) ?? '';
      found.push(`${width}x${height} ${target.tagName.toLowerCase()}.${[...target.classList].join('.')} "${name}" in ${part.parentElement?.className}`);
    }
    return { found, measured };
  }, LEAST);
}

/** Whatever can be pressed on this page is large enough for a finger. */
export async function fingersFit(page: Page, where: string): Promise<void> {
  const { found, measured } = await small(page);
  expect.soft(found, `targets under ${LEAST} by ${LEAST} on ${where}`).toEqual([]);
  expect.soft(measured, `targets measured on ${where}`).toBeGreaterThan(1);
}
