// Texts end to end as rows of one length that begin elsewhere in each pass.

import { Random } from '../../model/random.ts';
import { shuffled } from './order.ts';

/**
 * Rows of `length` tokens by number. The tokens form a ring: in each pass the seed draws where the first row begins, and
 * the order in which they come, so that no token is always the first of its row. `tokens` are `length` at least.
 */
export function packedRows(
  tokens: readonly number[],
  length: number,
  seed: number,
): (number: number) => number[] {
  const count = Math.floor(tokens.length / length);
  const order = shuffled([...Array(count).keys()], seed);
  return (number) => {
    const pass = Math.floor(number / count);
    const first = new Random(seed + pass).integer(0, tokens.length - 1);
    const start = (first + length * order(number)) % tokens.length;
    const row = tokens.slice(start, start + length);
    return [...row, ...tokens.slice(0, length - row.length)];
  };
}
