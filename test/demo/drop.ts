// Files and folders that are dropped on a page, as the browser gets them from outside.

import type { Page } from 'playwright';

/** Drops a file or a folder of this machine in the middle of the page. */
export async function drop(page: Page, file: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { width = 0, height = 0 } = page.viewportSize() ?? {};
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', {
      type,
      x: width / 2,
      y: height / 2,
      data: { items: [], files: [file], dragOperationsMask: 1 },
    });
  }
  await session.detach();
}
