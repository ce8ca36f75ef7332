// Generation for many callers at once.

import { hasMethod, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { endedWhenDropped } from '../model/generation/abandoned.ts';
import type { CallBatch } from '../model/generation/batch/batch.ts';
import {
  type BatchOptions,
  batchSizes,
  type BatchStreamOptions,
  withoutTop,
} from '../model/generation/batch/batch-options.ts';
import type { BatchTokens } from '../model/generation/batch/seat.ts';
import type { Model, ModelInputs } from '../model/model.ts';

/** How much a batch has to do. */
export interface BatchLoad {
  /** Calls that wait for room. */
  readonly waiting: number;
  /** Calls that get tokens, or whose prompts are fed. */
  readonly running: number;
}

/**
 * Calls that join and leave a running batch between steps ("continuous batching": iteration-level scheduling, Orca, Yu
 * et al. 2022, OSDI, §3.1) over one cache in blocks (PagedAttention, Kwon et al. 2023, arXiv 2309.06180, §4). Prompts are
 * fed in pieces between the steps of the others. What a call gets is what it would get alone, up to the rounding of
 * sums that other shapes have; calls begin in the order in which they came, as soon as the cache has room for all their
 * tokens.
 *
 * Layers that keep states in place of keys (Qwen3.5, LFM2) have one of each sequence, in memory for as many as run.
 * Encoder–decoders encode a source as its call begins, all of it between two steps; its keys and values have blocks of
 * their own.
 *
 * A model with adapters, see `withAdapters`, has a batch of its own, beside that of the model that it was made of: calls
 * of the same adapters go together.
 *
 * Sequences that cannot share a cache run one after the other, beside the batch: those of models of speech, calls with
 * `edit` or `encoderRepetitionPenalty`, those longer than `maxLength`, or with a longer source, and those that may come to
 * be longer than rotary frequencies stay the same (dynamic NTK, LongRoPE: the length that the model was first made for).
 */
export class RunningBatch {
  readonly #model: Model;
  readonly #options: BatchOptions;
  /** What the model has for it, since the first call. */
  #batch: CallBatch | undefined;
  /** What the next call that runs alone waits for, and how many there are. */
  #before: Promise<unknown> = Promise.resolve();
  #alone = 0;
  #disposed = false;

  /**
   * `model` stays the caller's; memory for the cache is taken with the first call.
   * @throws TransformerError INPUT_INVALID, OPTION_INVALID, OPTION_UNKNOWN
   */
  constructor(model: Model, options: BatchOptions = {}) {
    if (!hasMethod(model, 'stream')) {
      throw new TransformerError(
        'INPUT_INVALID',
        `A batch was made of ${show(model)}; wanted a model. Pass what loadModel resolves with.`,
      );
    }
    batchSizes(options, model.maxPositions);
    this.#model = model;
    this.#options = { ...options };
  }

  /** Calls that wait for room, and those that run. */
  get load(): BatchLoad {
    const { waiting, running } = this.#batch?.load ?? { waiting: 0, running: 0 };
    const first = Math.min(1, this.#alone);
    return { waiting: waiting + this.#alone - first, running: running + first };
  }

  /**
   * Generates token by token, as `model.stream` does; `topLogProbs` has tokens come with how likely they were. Whoever
   * stops reading, or aborts, leaves at the next step.
   * Errors: those of `stream`; DISPOSED.
   */
  stream(
    inputs: ModelInputs,
    options: BatchStreamOptions = {},
  ): AsyncGenerator<BatchTokens, void, undefined> {
    return endedWhenDropped(this.#stream(inputs, options));
  }

  /** Frees the memory of the cache; calls under way reject. The model stays. */
  dispose(): void {
    this.#disposed = true;
    this.#batch?.dispose(disposedError());
  }

  /** The same, at the end of a block: `using batch = new RunningBatch(…)`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async *#stream(
    inputs: ModelInputs,
    options: BatchStreamOptions,
  ): AsyncGenerator<BatchTokens, void, undefined> {
    this.#assertUsable();
    const batch = await this.#model.batch?.(this.#options);
    this.#batch = batch;
    if (this.#disposed) batch?.dispose(disposedError());
    this.#assertUsable();
    const joined = await batch?.join(inputs, options);
    yield* joined ?? this.#runAlone(inputs, options);
  }

  async *#runAlone(
    inputs: ModelInputs,
    options: BatchStreamOptions,
  ): AsyncGenerator<BatchTokens, void, undefined> {
    const before = this.#before;
    let leave = (): void => {};
    this.#before = new Promise<void>((resolve) => (leave = resolve));
    this.#alone++;
    try {
      await before;
      this.#assertUsable();
      yield* this.#model.stream(inputs, withoutTop(options).options);
    } finally {
      this.#alone--;
      leave();
    }
  }

  #assertUsable(): void {
    if (this.#disposed) throw disposedError();
  }
}

function disposedError(): TransformerError {
  return new TransformerError('DISPOSED', 'This batch was disposed. Make another one.');
}
