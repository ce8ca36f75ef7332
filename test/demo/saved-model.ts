// What a page offers to download of a model that it trained: the files of one folder, by name.

import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import type { Page } from 'playwright';

export async function savedModel(page: Page): Promise<Map<string, Uint8Array>> {
  const link = page.locator('#saved a');
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  const folder = download.suggestedFilename().replace(/\.zip$/, '/');
  const entries = Object.entries(unzipSync(await readFile(await download.path())));
  return new Map(entries.map(([name, bytes]) => [name.replace(folder, ''), bytes]));
}
