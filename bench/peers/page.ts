// The page of one library: what the driver calls in it.

import { caseOf, sampled } from './cases.ts';
import type { Peer, Running } from './peer.ts';
import type { Given } from './work.ts';

/** How a case that was prepared begins. */
export interface Prepared {
  readonly samples: number[];
  readonly parts: number;
  readonly token: number | undefined;
}

export interface PageCalls {
  readonly version: string;
  readonly adapter: string;
  prepare(name: string): Promise<Prepared>;
  /** A turn: milliseconds of each run in it, of quick ones more than one. */
  turn(): Promise<number[]>;
}

/** How long a turn is filled with runs, and with how many at most. */
const turnMs = 300;
const mostRuns = 10;

export async function serve(open: () => Promise<Peer>): Promise<PageCalls> {
  const peer = await open();
  const adapter = await navigator.gpu.requestAdapter();
  const { vendor = '', architecture = '', description = '' } = adapter?.info ?? {};
  let running: Running | undefined;
  return {
    version: peer.version,
    adapter: [vendor, architecture, description].filter((part) => part !== '').join(' '),
    prepare: async (name) => {
      const given = (await (await fetch('/given')).json()) as Record<string, readonly number[]>;
      const one = caseOf(name);
      running = await peer.prepare(one, await fetched(given));
      const result = await running.result();
      // A kernel's `run` may be a list of its own, which has to be warm as well; models take long.
      if ('rows' in one) await running.run();
      const { parts = 1, token } = running;
      return { samples: sampled(result), parts, token };
    },
    turn: async () => {
      const begun = performance.now();
      const times: number[] = [];
      do {
        const start = performance.now();
        await running?.run();
        times.push(performance.now() - start);
      } while (performance.now() - begun < turnMs && times.length < mostRuns);
      return times;
    },
  };
}

/** What is computed beforehand, by shapes. */
async function fetched(shapes: Readonly<Record<string, readonly number[]>>): Promise<Given> {
  const given = Object.entries(shapes).map(async ([name, shape]) => {
    const data = new Float32Array(await (await fetch(`/given/${name}`)).arrayBuffer());
    return [name, { shape, data }] as const;
  });
  return Object.fromEntries(await Promise.all(given));
}
