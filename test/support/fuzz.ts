// Tests of many drawn cases. A failure names its seed and case, which draw the same again:
// npm run fuzz -- --seed 1 --case 17.

import { expect, test } from 'vitest';
import { Random } from './random.ts';

const { FUZZ_CASES, FUZZ_SEED = '1', FUZZ_CASE } = process.env;
const seed = Number(FUZZ_SEED);

/** Runs `count` cases, or as many as FUZZ_CASES says. */
export function cases(
  name: string,
  count: number,
  run: (random: Random, index: number) => unknown,
): void {
  const wanted = Number(FUZZ_CASES ?? count);
  test(`${name}: ${wanted} cases`, { timeout: 60_000 + 100 * wanted }, async () => {
    const only = FUZZ_CASE === undefined ? undefined : Number(FUZZ_CASE);
    const [first, end] = only === undefined ? [0, wanted] : [only, only + 1];
    expect(end).toBeGreaterThan(first);
    for (let index = first; index < end; index++) {
      try {
        await run(new Random(seed * 1_000_003 + index), index);
      } catch (cause) {
        const what = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`seed ${seed}, case ${index}: ${what}`, { cause });
      }
    }
  });
}

/** JSON values that nobody expects. */
export function nasty(random: Random): unknown {
  return random.pick<() => unknown>([
    () => null,
    () => true,
    () => '',
    () => 'x'.repeat(random.integer(1, 300)),
    () => [],
    () => ({}),
    () => [[]],
    () => -1,
    () => 0,
    () => -0,
    () => 0.5,
    () => 1e9,
    () => 1e308,
    () => 2 ** 31,
    () => 2 ** 53,
    () => -(2 ** 53),
    () => 2 ** random.integer(0, 60),
    () => random.integer(-5, 300),
    () => String(random.integer(-5, 300)),
    () => deep(random.integer(10, 2000)),
    () => Array.from({ length: random.integer(1, 500) }, () => random.integer(-9, 9)),
    () => Object.fromEntries([['__proto__', 1]]),
    () => ({ constructor: 1, toString: 2, length: -1 }),
    () => '../../etc/passwd',
    () => '\u0000\ud800',
  ])();
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}
