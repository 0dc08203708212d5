// Undo and redo: by keys and by button, and each says what it would take back.
import { accessible } from '../support/axe';
import { drawing, edges } from '../support/editor';
import { expect, test } from '../support/test';

test('what was done is taken back and done again step by step, and named', async ({ page, server }) => {
  const drawn = await drawing(page, server, 'undone', undefined, ['go -> out']);
  const bar = page.locator('.editor-bar');
  const [undo, redo] = [bar.getByRole('button', { name: /^Undo/ }), bar.getByRole('button', { name: /^Redo/ })];
  await expect(undo).toBeDisabled();
  await expect(redo).toBeDisabled();

  await page.keyboard.press('End');
  await page.keyboard.press('d');
  await expect(undo).toHaveAccessibleName('Undo disabling out');
  await page.keyboard.press('Delete');
  await expect(undo).toHaveAccessibleName('Undo removal of out');
  await expect(page.locator('#node-out')).toHaveCount(0);
  await expect.poll(async () => edges(await drawn())).toEqual([]);

  // With its edges, and as it was: disabled.
  await page.keyboard.press('Control+z');
  await expect(page.locator('#node-out')).toBeVisible();
  await expect(redo).toHaveAccessibleName('Redo removal of out');
  await expect(undo).toHaveAccessibleName('Undo disabling out');
  await expect.poll(async () => edges(await drawn())).toEqual(['go.out -> out.in']);
  expect((await drawn()).nodes.out).toMatchObject({ disabled: true });

  await undo.click();
  await expect(undo).toBeDisabled();
  await expect(redo).toHaveAccessibleName('Redo disabling out');
  await expect.poll(async () => (await drawn()).nodes.out).not.toMatchObject({ disabled: true });
  await accessible(page);

  await redo.click();
  await expect(redo).toHaveAccessibleName('Redo removal of out');
  for (const keys of ['Control+Shift+z', 'Control+z', 'Control+y']) {
    await page.locator('#canvas').focus();
    await page.keyboard.press(keys);
    await expect(page.locator('#node-out')).toHaveCount(keys === 'Control+z' ? 1 : 0);
  }
  await expect(redo).toBeDisabled();

  // What is done anew ends what could be done again.
  await page.keyboard.press('Control+z');
  await expect(redo).toBeEnabled();
  await page.keyboard.press('Home');
  await page.keyboard.press('d');
  await expect(undo).toHaveAccessibleName('Undo disabling go');
  await expect(redo).toBeDisabled();
});
