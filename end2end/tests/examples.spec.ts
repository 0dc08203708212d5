// The examples as one meets them first: in the editor, on their samples. What the preview shows there is what their walkthroughs promise.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Locator } from '@playwright/test';
import { Api } from '../support/api';
import { enter, expect, test, visit } from '../support/test';

/** What an example promises: its result, and what its nodes give on the way. */
interface Expected {
  result: unknown;
  nodes: Record<string, unknown>;
}

/** JSON whose numbers are kept as they are written: `68.40` is not `68.4`. */
function exact(text: string): unknown {
  return JSON.parse(text.replace(/("(?:[^"\\]|\\.)*")|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g, (found, word?: string) => word ?? `"number ${found}"`));
}

const expected = (example: string): Expected =>
  exact(readFileSync(join(__dirname, '..', '..', 'docs', 'examples', example, 'expected.json'), 'utf8')) as Expected;

/** The value that stands in this part of the page under such a title, as text. */
async function shown(part: Locator, title: RegExp): Promise<unknown> {
  const table = part.getByRole('group', { name: title }).getByRole('button', { name: 'Tree' });
  if ((await table.count()) > 0) await table.click();
  const value = part.getByRole('region', { name: title });
  await value.getByRole('radio', { name: 'Raw' }).check({ force: true });
  return exact(await value.locator('pre').innerText());
}

for (const example of ['order-intake', 'signed-push', 'csv-report']) {
  test(`the preview of ${example} gives what it promises`, async ({ page, server }) => {
    await enter(page, server);
    const { id } = await new Api(page.request, server.url).ok<{ id: string }>('POST', '/flows', { example });
    await visit(page, `/flows/${id}`);
    const { result, nodes } = expected(example);
    const drawer = page.getByRole('region', { name: 'Run drawer' });
    await expect(drawer.locator('.drawer-bar')).toContainText('Completed');
    await drawer.getByRole('button', { name: 'Output' }).click();
    expect(await shown(drawer, /^Result/)).toEqual(result);
    await drawer.getByRole('button', { name: 'Output' }).click();
    const settings = page.getByRole('complementary', { name: 'Settings' });
    for (const [key, value] of Object.entries(nodes)) {
      await page.getByRole('button', { name: 'Show all' }).click();
      await page.locator(`#node-${key} .node-title`).click();
      await expect(settings.getByRole('textbox', { name: 'Key', exact: true })).toHaveValue(key);
      await settings.getByRole('tab', { name: 'Data' }).click();
      expect(await shown(settings, /^Output/), key).toEqual(value);
    }
  });
}
