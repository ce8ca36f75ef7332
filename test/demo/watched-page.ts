// A page in a browser that notes what must not happen.

import type { Browser, BrowserContextOptions, Page } from 'playwright';

export interface Opening extends BrowserContextOptions {
  /** Runs in the page before its own scripts. */
  readonly before?: (() => void) | undefined;
  /** Of these pages the server's policy is left out, so that their own alone counts. */
  readonly onlyOwnPolicyOf?: RegExp | undefined;
}

export interface WatchedPage {
  readonly page: Page;
  /** What was reported: errors in the console, uncaught ones, violations of the policy. Scripts call `complain`. */
  readonly complaints: string[];
}

export async function watchedPage(
  browser: Browser,
  { before, onlyOwnPolicyOf, ...options }: Opening = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  await page.exposeFunction('complain', (text: string) => complaints.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { complain } = globalThis as unknown as { complain: (text: string) => void };
      complain(`violation: ${event.effectiveDirective} ${event.blockedURI}`);
    });
  });
  if (before !== undefined) await page.addInitScript(before);
  if (onlyOwnPolicyOf !== undefined) {
    await page.route(onlyOwnPolicyOf, async (route) => {
      const response = await route.fetch();
      const { 'content-security-policy': _, ...headers } = response.headers();
      await route.fulfill({ response, headers });
    });
  }
  return { page, complaints };
}
