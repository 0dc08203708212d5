// Connecting nodes: by dragging from port to port, and by keys alone.
import type { Page } from '@playwright/test';
import { accessible } from '../support/axe';
import { apart, drawing, edges } from '../support/editor';
import { expect, test } from '../support/test';

const output = (page: Page, port: string) => page.locator(`[data-out="${port}"]`);
const input = (page: Page, port: string) => page.locator(`[data-in="${port}"]`);

/** The middle of what is seen of a port. */
async function middle(port: ReturnType<typeof output>): Promise<[number, number]> {
  const box = await port.boundingBox();
  if (!box) throw new Error('the port is not there');
  return [box.x + box.width / 2, box.y + box.height / 2];
}

test('an output that is dragged to an input is connected to it, and one that is let go over nothing is not', async ({ page, server }) => {
  const drawn = await drawing(page, server, 'by dragging');
  const from = await middle(output(page, 'go.out'));
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move(from[0] + 40, from[1] + 160, { steps: 5 });
  await expect(page.locator('.rubber')).toBeVisible();
  await page.mouse.up();
  await expect(page.locator('.rubber')).toHaveCount(0);
  await expect(page.locator('.edge')).toHaveCount(0);
  // What can be dropped on nothing offers a new node there.
  await page.keyboard.press('Escape');

  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move(...(await middle(input(page, 'out.in'))), { steps: 10 });
  await page.mouse.up();
  await expect(page.locator('.edge')).toHaveCount(1);
  await expect.poll(async () => edges(await drawn())).toEqual(['go.out -> out.in']);
  // It is drawn, and it runs.
  await expect(page.locator('#node-out')).toHaveClass(/ is-succeeded( |$)/);
});

test('by keys an output is chosen, then what it leads to, of what it may lead to', async ({ page, server }) => {
  const when = { kind: 'when@1', config: { if: { $cel: 'true' } } };
  const drawn = await drawing(page, server, 'by keys alone', { ...apart, big: when }, ['go -> big']);
  const canvas = page.getByRole('application', { name: 'Flow canvas' });
  await expect(canvas).toBeFocused();
  await page.keyboard.press('Home');
  await page.keyboard.press('Alt+ArrowRight');
  await expect(page.locator('.node.selected')).toHaveAttribute('data-node', 'big');
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: /^Connect big\.true/ });
  // Back to where it came from would be a circle.
  await expect(dialog.getByRole('button', { name: 'go.in' })).toHaveCount(0);
  await accessible(page);
  await dialog.getByRole('button', { name: 'false' }).press('Enter');
  const other = page.getByRole('dialog', { name: /^Connect big\.false/ });
  await other.getByRole('button', { name: 'out.in' }).focus();
  await page.keyboard.press('Enter');
  await expect(other).toBeHidden();
  await expect(canvas).toBeFocused();
  await expect.poll(async () => edges(await drawn())).toEqual(['big.false -> out.in', 'go.out -> big.in']);
});
