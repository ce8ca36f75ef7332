// Where a trainer's batches come from, and how pairs of sequences become one.

import { fieldsOf, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { ignoredLabel } from '../shaders/loss/ignored-label.ts';
import type { ModelInputs } from '../model/model.ts';
import { checkBatches, invalidOption } from './check.ts';
import { filledRows, maskOfRows } from './data/filled-rows.ts';

/**
 * Batches one after the other, or a function from a batch's number (from 0) to the batch. With a
 * function a resumed run goes on where it stopped; an iterable begins where the caller left it. When
 * a loop was left early, the next one goes on in the same iterable; at its end it begins anew.
 */
export type Batches =
  | Iterable<ModelInputs>
  | AsyncIterable<ModelInputs>
  | ((index: number) => ModelInputs | undefined | Promise<ModelInputs | undefined>);

/** A source and a target as token ids, each as the model expects them, end tokens included. */
export interface SequencePair {
  /** Token ids of the source, end token included. */
  readonly source: readonly number[];
  /** Token ids of the target, end token included. */
  readonly target: readonly number[];
}

/** One batch of pairs: padded sources with their mask, and targets as labels, -100 behind them. */
export function sequenceBatch(pairs: readonly SequencePair[], padTokenId: number): ModelInputs {
  checkPairs(pairs);
  if (!Number.isSafeInteger(padTokenId))
    throw invalidOption('padTokenId', padTokenId, 'a token id');
  const [sources, targets] = [pairs.map(({ source }) => source), pairs.map(({ target }) => target)];
  return {
    inputIds: filledRows(sources, padTokenId, 1),
    attentionMask: maskOfRows(sources, 1),
    labels: filledRows(targets, ignoredLabel, 1),
  };
}

function checkPairs(pairs: unknown): void {
  if (!Array.isArray(pairs) || pairs.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `A batch needs at least one pair of sequences, but got ${show(pairs)}. Pass [{ source, target }].`,
    );
  }
  // The model, which knows its vocabulary, checks the range.
  const isTokens = (ids: unknown): boolean =>
    (Array.isArray(ids) || ArrayBuffer.isView(ids)) &&
    Array.from(ids as ArrayLike<unknown>).every(Number.isSafeInteger);
  for (const [index, pair] of pairs.entries()) {
    const { source, target } = Object.fromEntries(fieldsOf(pair, `Pair ${index}`));
    if (isTokens(source) && isTokens(target)) continue;
    throw new TransformerError(
      'INPUT_INVALID',
      `Pair ${index} is ${show(pair)}; wanted { source, target }, each a list of token ids.`,
    );
  }
}

/** Reads batches in order; what was read and not used is there again for the next reader. */
export class BatchReader {
  readonly #batches: Batches;
  #iterator: Iterator<ModelInputs> | AsyncIterator<ModelInputs> | undefined;
  #unread: ModelInputs[] = [];
  #ended = false;

  constructor(batches: Batches) {
    this.#batches = batches;
    if (typeof batches === 'function') return;
    checkBatches(batches, ', or from a function of their number');
    this.#iterator =
      Symbol.asyncIterator in batches
        ? batches[Symbol.asyncIterator]()
        : batches[Symbol.iterator]();
  }

  /** Whether this reader is on its way through these batches. */
  reads(batches: Batches): boolean {
    return this.#batches === batches && (!this.#ended || this.#unread.length > 0);
  }

  /** The batch of a number; undefined at the end. */
  async read(index: number): Promise<ModelInputs | undefined> {
    if (typeof this.#batches === 'function') return this.#batches(index);
    const left = this.#unread.shift();
    if (left !== undefined) return left;
    const next = await this.#iterator?.next();
    if (next !== undefined && next.done !== true) return next.value;
    this.#ended = true;
    return undefined;
  }

  /** Gives batches back that were read ahead. */
  unread(batches: readonly ModelInputs[]): void {
    if (typeof this.#batches !== 'function') this.#unread = [...batches, ...this.#unread];
  }
}
