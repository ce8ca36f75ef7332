// From the start of a navigation to the product of two matrices of 64 × 64, or to a translation: each
// time in a browser that has just started.

import { summary } from '../compare.ts';
import { inTime, messageOf, opened, type Opened } from './browsers.ts';
import type { LibraryPage } from './libraries.ts';
import type { ColdStarts, Failure, Run } from './report.ts';
import type { PageServer } from './server.ts';

declare global {
  var cold: { at: number; value: number } | undefined;
}

const expected = 64;
/** Turns in a round: one start is a matter of luck on a machine that does other things as well. */
const turns = 3;

export async function coldStarts({
  libraries,
  server,
  run,
}: {
  libraries: readonly LibraryPage[];
  server: PageServer;
  run: Run;
}): Promise<ColdStarts> {
  let sides = libraries
    .filter(({ cold }) => cold !== undefined)
    .map(({ name, cold = '' }) => ({ name, cold, times: [] as number[], files: 0, bytes: 0 }));
  const failed: Failure[] = [];
  for (let turn = 0; turn < turns * run.rounds; turn++) {
    for (const side of sides) {
      const { name, cold, times } = side;
      server.taken();
      try {
        const start = await coldStart(server.page(`pages/cold-${cold}/${cold}.js`));
        run.browser ||= start.browser;
        times.push(start.milliseconds);
        Object.assign(side, server.taken());
      } catch (error) {
        failed.push({ library: name, error: messageOf(error) });
        console.error(`  ${name} fails: ${messageOf(error)}`);
        sides = sides.filter((other) => other !== side);
      }
    }
  }
  const results = sides.map(({ name, times, files, bytes }) => {
    return { library: name, milliseconds: summary(times), files, bytes };
  });
  return { date: new Date().toISOString(), results, failed };
}

async function coldStart(address: string): Promise<{ milliseconds: number; browser: string }> {
  let at: Opened | undefined;
  try {
    at = await opened(address);
    const { page, browser, thrown } = at;
    const isDone = page.waitForFunction(() => globalThis.cold !== undefined);
    await inTime(Promise.race([isDone, thrown]));
    const found = await page.evaluate(() => globalThis.cold ?? { at: NaN, value: NaN });
    if (found.value !== expected) throw new Error(`Got ${found.value}, wanted ${expected}.`);
    return { milliseconds: found.at, browser: browser.version() };
  } finally {
    await at?.browser.close();
  }
}
