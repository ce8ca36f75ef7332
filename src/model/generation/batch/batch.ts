// What runs in the same steps of a language model: see `RunningBatch`.

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
import { SlotPool } from './slot-pool.ts';

type BatchStream = AsyncGenerator<BatchTokens, void, undefined>;

export class Batch {
  readonly #model: DecodingModel;
  readonly #cache: SharedCache;
  readonly #pool: SlotPool;
  readonly #rows: number;
  readonly #loop: BatchLoop;

  private constructor(model: DecodingModel, cache: SharedCache, pool: SlotPool, rows: number) {
    this.#model = model;
    this.#cache = cache;
    this.#pool = pool;
    this.#rows = rows;
    this.#loop = new BatchLoop(cache, { pool, rows, vocabulary: model.vocabulary });
  }

  /** One for a model; undefined where its sequences cannot share a cache. Errors: OPTION_INVALID. */
  static async create(model: DecodingModel, options: BatchOptions): Promise<Batch | undefined> {
    const { rows, length, tokens } = batchSizes(options, model.maxPositions);
    const pool = new SlotPool(tokens);
    // The last token of a sequence is in no cache.
    const cache = await model.shareCache?.({
      capacity: Math.max(1, length - 1),
      slots: pool.slots,
      states: rows,
    });
    return cache && new Batch(model, cache, pool, rows);
  }

  get load(): BatchLoop['load'] {
    return this.#loop.load;
  }

  /** Has a call join; undefined where it has to run alone. Errors: INPUT_INVALID, OPTION_*, ABORTED. */
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

  /** Frees the cache; calls under way reject with this. */
  dispose(error: unknown): void {
    this.#loop.end(error);
    this.#cache.dispose();
  }

  #fits(request: Request): boolean {
    const { values, selection, look, rows } = request;
    return (
      look === undefined &&
      selection.beams === 1 &&
      !selection.bySource &&
      rows <= this.#rows &&
      values.maxLength - 1 <= this.#cache.capacity &&
      Seat.blocksFor(request) <= this.#pool.size
    );
  }
}
