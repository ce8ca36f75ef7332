// The order in which rows are learnt from: a function of a seed and a number, so that a run that is resumed goes on.

import { TransformerError } from '../../runtime/errors.ts';
import { Random } from '../../model/random.ts';
import { invalidOption } from '../check.ts';

/**
 * Rows by number: all of them in an order drawn by the seed, then all in another, and so on without end.
 * @throws TransformerError INPUT_INVALID where there are none, OPTION_INVALID
 * @example
 * const row = shuffled(examples, 1);
 * trainer.steps((index) => exampleBatch([0, 1, 2, 3].map((i) => row(4 * index + i)), padTokenId));
 */
export function shuffled<Row>(rows: readonly Row[], seed: number): (number: number) => Row {
  const given: unknown = rows;
  if (!Array.isArray(given) || given.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      'There are no rows to shuffle. Pass a list of some.',
    );
  }
  if (!Number.isSafeInteger(seed)) throw invalidOption('seed', seed, 'a whole number');
  let order: { readonly epoch: number; readonly rows: readonly Row[] } | undefined;
  return (number) => {
    if (!Number.isSafeInteger(number) || number < 0) {
      throw invalidOption('number', number, 'a whole number from 0');
    }
    const epoch = Math.floor(number / rows.length);
    if (order?.epoch !== epoch) order = { epoch, rows: shuffle(rows, new Random(seed + epoch)) };
    return order.rows[number % rows.length] as Row;
  };
}

/** The items in an order of their own (Fisher and Yates). */
export function shuffle<Item>(items: readonly Item[], random: Random): Item[] {
  const left = [...items];
  const result: Item[] = [];
  while (left.length > 0) {
    const at = random.integer(0, left.length - 1);
    const last = left.pop() as Item;
    result.push(left[at] ?? last);
    if (at < left.length) left[at] = last;
  }
  return result;
}
