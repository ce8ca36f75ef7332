// The event loop rests while an answer is outstanding, a little at a time, and no longer. The clock is ours.
import { afterEach, expect, test, vi } from 'vitest';
import { restUntil } from '../../src/node/rest.ts';

let clock = 0;
const rests: number[] = [];
vi.spyOn(performance, 'now').mockImplementation(() => clock);
vi.spyOn(Atomics, 'wait').mockImplementation((_array, _index, _value, length = Infinity) => {
  rests.push(length);
  return 'timed-out';
});

afterEach(() => {
  rests.length = 0;
});

interface Question {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function question(): Question {
  let settle: Omit<Question, 'promise'> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle! };
}

/** The rest that the event loop takes in its next turn, when it is so late. */
async function restAt(milliseconds: number): Promise<number | undefined> {
  clock = milliseconds;
  rests.length = 0;
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
  return rests.at(-1);
}

test('rests grow with the time since the newest question, to a millisecond', async () => {
  clock = 0;
  const [first, second] = [question(), question()];
  restUntil(first.promise);
  expect(await restAt(0.5)).toBeUndefined();
  expect(await restAt(8)).toBe(0.5);
  expect(await restAt(100)).toBe(1);
  restUntil(second.promise);
  expect(await restAt(104)).toBe(0.25);
  first.resolve();
  expect(await restAt(200)).toBe(1);
  second.resolve();
  await second.promise;
  expect(await restAt(300)).toBeUndefined();
});

test('an answer that fails ends the rest as well, and the next question begins anew', async () => {
  clock = 0;
  const failed = question();
  restUntil(failed.promise);
  expect(await restAt(16)).toBe(1);
  failed.reject(new Error('lost'));
  await expect(failed.promise).rejects.toThrow('lost');
  expect(await restAt(32)).toBeUndefined();
  const next = question();
  restUntil(next.promise);
  expect(await restAt(48)).toBe(1);
  next.resolve();
});

test('questions that follow upon each other share one rest a turn', async () => {
  clock = 0;
  for (let i = 0; i < 5; i++) {
    const { promise, resolve } = question();
    restUntil(promise);
    resolve();
    await promise;
  }
  const last = question();
  restUntil(last.promise);
  await restAt(16);
  expect(rests).toEqual([1]);
  last.resolve();
});
