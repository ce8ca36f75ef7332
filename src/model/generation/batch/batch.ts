// What runs in the same steps of a model: see `RunningBatch`.

import { fieldsOf } from '../../../runtime/errors.ts';
import type { ModelInputs } from '../../model.ts';
import { editedRequest } from '../edited-call.ts';
import { type DecodingModel, type Request } from '../request.ts';
import { BatchLoop } from './batch-loop.ts';
import {
  type BatchOptions,
  batchSizes,
  type BatchStreamOptions,
  withoutTop,
} from './batch-options.ts';
import { type BatchTokens, Seat } from './seat.ts';
import type { SharedCache } from './shared-cache.ts';
import { SharedPool } from './slot-pool.ts';

type BatchStream = AsyncGenerator<BatchTokens, void, undefined>;

/** Calls that join and leave: see `RunningBatch`. */
export interface CallBatch {
  /** Calls without a seat, and those with one. */
  readonly load: { readonly waiting: number; readonly running: number };
  /** Has a call join; undefined where it has to run alone. Errors: INPUT_INVALID, OPTION_*, ABORTED. */
  join(inputs: ModelInputs, asked: BatchStreamOptions): Promise<BatchStream | undefined>;
  /** Frees the cache; calls under way reject with this. */
  dispose(error: unknown): void;
}

export class Batch implements CallBatch {
  readonly #model: DecodingModel;
  readonly #cache: SharedCache;
  readonly #pool: SharedPool;
  readonly #rows: number;
  readonly #loop: BatchLoop;

  private constructor(model: DecodingModel, cache: SharedCache, pool: SharedPool, rows: number) {
    this.#model = model;
    this.#cache = cache;
    this.#pool = pool;
    this.#rows = rows;
    this.#loop = new BatchLoop(cache, { pool, rows, vocabulary: model.vocabulary });
  }

  /** One for a model; undefined where it has no cache to share. Errors: OPTION_INVALID. */
  static async create(model: DecodingModel, options: BatchOptions): Promise<Batch | undefined> {
    const { rows, length, tokens } = batchSizes(options, model.maxPositions);
    // Of images and sounds there is one length, of texts any up to that of sequences.
    const { length: usual = 0 } = model.stage?.usual?.() ?? {};
    const sourceLength = Math.max(usual, length);
    const pool = new SharedPool(tokens, Math.max(tokens, rows * usual));
    // The last token of a sequence is in no cache. What frequencies do not go by is the same for all.
    const cache = await model.shareCache?.({
      capacity: Math.max(1, Math.min(length - 1, model.steadyLength)),
      slots: pool.tokens.slots,
      states: rows,
      sourceLength,
      sources: pool.sources.slots,
      positions: model.maxPositions,
    });
    return cache && new Batch(model, cache, pool, rows);
  }

  get load(): BatchLoop['load'] {
    return this.#loop.load;
  }

  async join(inputs: ModelInputs, asked: BatchStreamOptions): Promise<BatchStream | undefined> {
    fieldsOf(inputs, 'The object of inputs');
    const { topLogProbs, options } = withoutTop(asked);
    const call = { prompt: this.#model.read(inputs, options), options };
    const request = await editedRequest(call, this.#model);
    if (!this.#fits(request)) return undefined;
    const seat = new Seat(request, topLogProbs);
    this.#loop.join(seat);
    return seat.read();
  }

  dispose(error: unknown): void {
    this.#loop.end(error);
    this.#cache.dispose();
  }

  #fits(request: Request): boolean {
    const { values, selection, look, rows, prompt } = request;
    const { tokens, sources } = Seat.blocksFor(request);
    return (
      look === undefined &&
      selection.beams === 1 &&
      !selection.bySource &&
      rows <= this.#rows &&
      values.maxLength - 1 <= this.#cache.capacity &&
      (prompt.source?.length ?? 0) <= this.#cache.sourceLength &&
      tokens <= this.#pool.tokens.size &&
      sources <= this.#pool.sources.size
    );
  }
}
