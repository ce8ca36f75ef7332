// Work that follows a pen, with frames that come when the test says so.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Latest } from '../../demo/latest.ts';

let frames: (() => void)[];

beforeEach(() => {
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
});

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Lets the next frame come, and what waited for it run. */
async function frame(): Promise<void> {
  for (const run of frames.splice(0)) run();
  await new Promise((resolve) => setTimeout(resolve));
}

test('only the newest of what is offered before a frame is worked on', async () => {
  const worked: number[] = [];
  const latest = new Latest(async (item: number) => void worked.push(item));
  latest.offer(1);
  latest.offer(2);
  await frame();
  expect(worked).toEqual([2]);
});

test('what is dropped before its frame is not worked on, and what comes after it is', async () => {
  const worked: number[] = [];
  const latest = new Latest(async (item: number) => void worked.push(item));
  latest.offer(1);
  latest.drop();
  await frame();
  expect(worked).toEqual([]);
  latest.offer(2);
  latest.drop();
  latest.offer(3);
  await frame();
  expect(worked).toEqual([3]);
});
