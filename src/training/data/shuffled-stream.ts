// The order in which rows of a stream are learnt from, which no list holds as a whole: drawn in a buffer, by a seed, so that
// a run that is resumed goes on.

import { hasMethod, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { Random } from '../../model/random.ts';
import { show } from '../../runtime/print.ts';
import { checkWhole, invalidOption } from '../check.ts';
import { shuffle } from './order.ts';

/** How a stream is shuffled. */
export interface ShuffledStreamOptions {
  /** Draws the order. */
  seed: number;
  /** Rows that are held, of which the next is drawn; 1000 by default, 1 leaves them in their order. */
  buffer?: number;
}

/**
 * Rows by number, like those of `shuffled`: all of a stream in an order drawn by the seed, then all in another, and so on
 * without end. `open` gives the rows from the first one on, each time it is called. Numbers that go up are read as they
 * come; the last `buffer` rows can be asked for once more; what lies further back, or ahead, is read again from the start.
 * @throws TransformerError INPUT_INVALID where the stream has no rows or is none, OPTION_*, and what the stream throws
 * @example
 * const row = shuffledStream(() => streamRecords('texts.jsonl'), { seed: 1 });
 * trainer.steps(async (step) => batchOf([await row(2 * step), await row(2 * step + 1)]));
 */
export function shuffledStream<Row>(
  open: () => AsyncIterable<Row>,
  options: ShuffledStreamOptions,
): (number: number) => Promise<Row> {
  if (typeof open !== 'function') {
    throw new TransformerError(
      'INPUT_INVALID',
      `The rows are ${show(open)}; wanted a function that opens them: () => streamRecords(…).`,
    );
  }
  refuseUnknown(options, ['seed', 'buffer'], 'option of shuffledStream');
  const { seed, buffer = 1000 } = options;
  if (!Number.isSafeInteger(seed)) throw invalidOption('seed', seed, 'a whole number');
  checkWhole('buffer', buffer, 1);
  const order = new StreamOrder(open, seed, buffer);
  // One after the other: they share a stream.
  let before: Promise<unknown> = Promise.resolve();
  return (number) => {
    const row = before.then(() => order.row(number));
    before = row.catch(() => {});
    return row;
  };
}

class StreamOrder<Row> {
  readonly #open: () => AsyncIterable<Row>;
  readonly #seed: number;
  readonly #buffer: number;
  /** Rows of the stream, once it was read to its end. */
  #length: number | undefined;
  #rows: AsyncGenerator<Row, void, undefined> | undefined;
  /** The number of the row that comes next, and the first of its pass. */
  #next = 0;
  #first = 0;
  /** The rows before it, the last one at the end. */
  #recent: Row[] = [];

  constructor(open: () => AsyncIterable<Row>, seed: number, buffer: number) {
    this.#open = open;
    this.#seed = seed;
    this.#buffer = buffer;
  }

  async row(number: number): Promise<Row> {
    if (!Number.isSafeInteger(number) || number < 0) {
      throw invalidOption('number', number, 'a whole number from 0');
    }
    const back = this.#next - number;
    if (back > 0 && back <= this.#recent.length) return this.#recent.at(-back) as Row;
    try {
      if (back > 0 || this.#rows === undefined) await this.#begin(number);
      while (this.#next < number) await this.#read(number);
      return await this.#read(number);
    } catch (error) {
      // What failed is opened anew by the next call.
      this.#rows = undefined;
      throw error;
    }
  }

  /** The next row, of this pass or of another. */
  async #read(wanted: number): Promise<Row> {
    for (;;) {
      const { done, value } = (await this.#rows?.next()) ?? { done: true };
      if (done !== true) {
        this.#next += 1;
        this.#recent.push(value);
        if (this.#recent.length > this.#buffer) this.#recent.shift();
        return value;
      }
      this.#length = this.#next - this.#first;
      if (this.#length === 0) {
        throw new TransformerError('INPUT_INVALID', 'The stream has no rows. Pass one with some.');
      }
      await this.#begin(Math.max(wanted, this.#next));
    }
  }

  /** Opens the pass that has a number; the first one as long as it is not known how long they are. */
  async #begin(number: number): Promise<void> {
    await this.#rows?.return();
    const length = this.#length ?? Infinity;
    const epoch = Math.floor(number / length);
    this.#first = epoch === 0 ? 0 : epoch * length;
    if (this.#first !== this.#next) this.#recent = [];
    this.#next = this.#first;
    this.#rows = drawn(this.#open(), new Random(this.#seed + epoch), this.#buffer);
  }
}

/** Each row in the place of one that is drawn from those that are held; at the end these, in an order of their own. */
async function* drawn<Row>(
  rows: AsyncIterable<Row>,
  random: Random,
  buffer: number,
): AsyncGenerator<Row, void, undefined> {
  if (!hasMethod(rows, Symbol.asyncIterator)) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The rows that were opened are ${show(rows)}; wanted an async iterable, such as streamRecords gives.`,
    );
  }
  const held: Row[] = [];
  for await (const row of rows) {
    if (held.length < buffer) {
      held.push(row);
      continue;
    }
    const at = random.integer(0, buffer - 1);
    yield held[at] as Row;
    held[at] = row;
  }
  yield* shuffle(held, random);
}
