// Completion of an expression: offered as it is typed, walked and taken by keys, and checked at once.
import { accessible } from '../support/axe';
import { drawing } from '../support/editor';
import { expect, test } from '../support/test';

test('a field of the data and a function are completed by keys, and what they give is shown', async ({ page, server }) => {
  const sample = { order: { customer: 'Ada', lines: [{ qty: 3 }, { qty: 4 }] } };
  const nodes = { go: { kind: 'trigger.manual@1' }, out: { kind: 'data.set@1', config: { fields: { a: { $cel: '0' } } } } };
  const drawn = await drawing(page, server, 'completed', nodes, ['go -> out'], { samples: { go: sample } });
  const source = async () => (await drawn()).nodes.out?.config?.fields;
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  const settings = page.getByRole('complementary', { name: 'Settings' });
  const field = settings.locator('.expression textarea').first();
  await field.fill('');
  await field.pressSequentially('input.or');
  const list = settings.getByRole('listbox').first();
  const chosen = list.getByRole('option', { selected: true });
  await expect(chosen).toContainText('order');
  // Who does not see the list hears of it.
  await expect(field).toHaveAttribute('aria-activedescendant', (await chosen.getAttribute('id')) ?? 'none');
  await accessible(page);
  await page.keyboard.press('Enter');
  await expect(field).toHaveValue('input.order');
  await expect(list).toBeHidden();

  await field.pressSequentially('.');
  await expect(list.getByRole('option').first()).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await expect(chosen).toContainText('lines');
  await page.keyboard.press('Tab');
  await expect(field).toHaveValue('input.order.lines');
  await expect(field).toBeFocused();

  // After a function the cursor stands between its parentheses.
  await field.pressSequentially('.map(l, l.qty).su');
  await expect(chosen).toContainText('sum');
  await page.keyboard.press('Enter');
  await expect(field).toHaveValue('input.order.lines.map(l, l.qty).sum()');
  await expect(settings.locator('.expression-result').first()).toHaveText('int 7');
  await expect.poll(source).toEqual({ a: { $cel: 'input.order.lines.map(l, l.qty).sum()' } });

  await field.fill('input.ordr');
  await expect(settings.locator('.expression-error').first()).toContainText('There is no field ordr');
  await field.fill('input.order.');
  await expect(list.getByRole('option').first()).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(list).toBeHidden();
  await expect(field).toBeFocused();
});
