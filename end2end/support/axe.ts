// Accessibility: no page may have a finding that shuts somebody out.
import AxeBuilder from '@axe-core/playwright';
import { type Page, expect } from '@playwright/test';

/** Axe on this page. No page of ours has frames, so it need not open a window of its own; and only what is wrong is written out. */
const axe = (page: Page) => new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });

/** Fails on findings that axe calls serious or critical, and names the elements. */
async function clean(page: Page, builder: AxeBuilder, scheme = ''): Promise<void> {
  const { violations } = await builder.analyze();
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = grave.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join('\n  ')}`);
  expect(told, `accessibility of ${page.url()}${scheme}`).toEqual([]);
}

/** The page as it is shows nobody the door. */
export async function accessible(page: Page): Promise<void> {
  await clean(page, axe(page));
}

/** Nor does it in the other colour scheme: there, only what colours are is looked at again. */
export async function accessibleInBothSchemes(page: Page): Promise<void> {
  await accessible(page);
  // Colours change at once: in the middle of a transition they would be those of neither.
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await clean(page, axe(page).withRules(['color-contrast', 'link-in-text-block']), ' in dark');
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}
