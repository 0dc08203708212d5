// The browser tests: which browser, how many at once, how patient, where traces go.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'results',
  // How long is waited matters only to a test that fails: a machine may be slow and busy with other things.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  // A test that fails once fails: repeating it would hide a race.
  retries: 0,
  // Each worker has a server, a database and a browser of its own, and most of a test is waiting for one of them: two fill two cores.
  workers: 2,
  // Tests of a file share nothing but what is on their worker's server.
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  use: {
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    actionTimeout: 60_000,
    navigationTimeout: 60_000,
    // What the page looked like at each step is in the snapshots; filming it besides would cost more than many a test.
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.HOLON_CHROMIUM || '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
