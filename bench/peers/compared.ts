// One case in every library: each in a browser of its own, fresh for the case, in turns A B C A B C.

import { summary } from '../compare.ts';
import { inTime, messageOf, opened, type Opened } from './browsers.ts';
import type { Case } from './cases.ts';
import type { LibraryPage } from './libraries.ts';
import type { PageCalls, Prepared } from './page.ts';
import { givenFor, truthOf } from './reference.ts';
import type { CaseResult, Failure, LibraryResult, Run } from './report.ts';
import type { PageServer } from './server.ts';

declare global {
  var peer: Promise<PageCalls> | undefined;
}

/** Milliseconds after which a library has run often enough, though others have more rounds. */
const enough = 90_000;

interface Active {
  readonly name: string;
  readonly at: Opened;
  readonly prepared: Prepared;
  readonly times: number[];
}

/** `run` gets to know the adapter, the browser and the versions. */
export async function compared(
  one: Case,
  { libraries, server, run }: { libraries: readonly LibraryPage[]; server: PageServer; run: Run },
): Promise<CaseResult> {
  const given = givenFor(one);
  server.give(given);
  const truth = one.kind === 'training step' ? undefined : truthOf(one, given);
  let active: Active[] = [];
  const failed: Failure[] = [];
  const fail = async (name: string, error: unknown, at?: Opened): Promise<void> => {
    failed.push({ library: name, error: messageOf(error) });
    console.error(`  ${name} fails: ${messageOf(error)}`);
    await at?.browser.close();
  };
  for (const { name, page = '', without, only } of libraries) {
    if (page === '' || without?.test(one.name) || only?.test(one.name) === false) continue;
    let at: Opened | undefined;
    try {
      at = await opened(server.page(`pages/${page}/${page}.js`));
      active.push({ name, at, prepared: await prepare(at, { one, name, run }), times: [] });
    } catch (error) {
      await fail(name, error, at);
    }
  }
  for (let round = 0; round < run.rounds; round++) {
    for (const { name, at, prepared, times } of active) {
      if (times.reduce((sum, time) => sum + time * prepared.parts, 0) > enough) continue;
      try {
        const turn = await inTime(at.page.evaluate(async () => (await globalThis.peer)?.turn()));
        times.push(...(turn ?? []).map((time) => time / prepared.parts));
      } catch (error) {
        await fail(name, error, at);
        active = active.filter((other) => other.at !== at);
      }
    }
  }
  // A training step has no result in float64: there ours is what the others are held against.
  const expected = truth?.samples ?? active[0]?.prepared.samples ?? [];
  const results: LibraryResult[] = [];
  for (const { name, at, prepared, times } of active) {
    await at.browser.close();
    const isOff = prepared.token !== undefined && prepared.token !== truth?.largest;
    const error = isOff ? Infinity : errorOf(prepared.samples, expected);
    results.push({
      library: name,
      milliseconds: summary(times),
      runs: times.length,
      error,
    });
  }
  return { name: one.name, date: new Date().toISOString(), results, failed };
}

async function prepare(
  { browser, page, thrown }: Opened,
  { one, name, run }: { one: Case; name: string; run: Run },
): Promise<Prepared> {
  await Promise.race([page.waitForFunction(() => globalThis.peer !== undefined), thrown]);
  const about = page.evaluate(async () => {
    const { version = '', adapter = '' } = (await globalThis.peer) ?? {};
    return { version, adapter };
  });
  const { version, adapter } = await inTime(about);
  run.adapter ||= adapter;
  run.browser ||= browser.version();
  run.versions[name] = version;
  const prepared = page.evaluate(
    async (asked) => (await globalThis.peer)?.prepare(asked),
    one.name,
  );
  const found = await inTime(prepared);
  if (found === undefined) throw new Error('The page has no library.');
  return found;
}

/** The largest difference, relative to the largest value. */
function errorOf(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Infinity;
  const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return got.reduce((most, value, i) => {
    const difference = Math.abs(value - (expected[i] ?? NaN)) / size;
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference);
  }, 0);
}
