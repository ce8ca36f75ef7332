// A request in a batch: what it has of the cache, how far it has come, and who reads what comes.

import { abortError } from '../../../runtime/errors.ts';
import { Channel } from '../../../runtime/channel.ts';
import { Growth } from '../growth.ts';
import type { Chunk } from '../prefill.ts';
import type { Tokens } from '../prompt.ts';
import type { Request } from '../request.ts';
import type { SharedCache } from './shared-cache.ts';
import type { SlotPool } from './slot-pool.ts';

/** What a step brings a request. */
export interface BatchTokens {
  /** One a sequence, the padding token for those that have ended. */
  readonly tokenIds: number[];
}

export class Seat {
  readonly request: Request;
  readonly #growth: Growth;
  readonly #channel = new Channel<BatchTokens>();
  /** Of each sequence, by place; none before it has a seat. */
  #slots: readonly (readonly number[])[] = [];
  /** All that it took. */
  #taken: readonly number[] = [];
  /** Inputs that are fed, and tokens of the next one. */
  #row = 0;
  #place = 0;
  #isOver = false;

  constructor(request: Request) {
    this.request = request;
    this.#growth = new Growth(request);
    const { signal } = request.options;
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (this.#growth.isComplete) this.#end();
  }

  /** Whether nobody waits for more of it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether its prompts are in the cache, but for the last token of each. */
  get isFed(): boolean {
    return this.#row >= this.request.prompt.tokens.batch;
  }

  /** Steps that it takes until every sequence has all its tokens. */
  get left(): number {
    return this.request.values.maxLength - (this.#growth.sequences[0]?.length ?? 0);
  }

  /** What each sequence has by now. */
  get tokens(): Tokens[] {
    const { mask } = this.request.prompt;
    return this.#growth.sequences.map((ids, row) => {
      const own = mask.rows[Math.floor(row / this.request.copies)] ?? [];
      return { ids, mask: ids.map((_, place) => own[place] ?? 1), slots: this.#slots[row] ?? [] };
    });
  }

  /** Tokens that it takes of a cache. */
  static slotsFor({ prompt: { tokens }, values, copies }: Request): number {
    const later = values.maxLength - tokens.length;
    return tokens.batch * (tokens.length - 1 + copies * later);
  }

  /** Takes slots, for the prompt of several sequences once; false where there are too few now. */
  sit(pool: SlotPool): boolean {
    const { request } = this;
    const taken = pool.take(Seat.slotsFor(request));
    if (taken === undefined) return false;
    this.#taken = taken;
    const { tokens } = request.prompt;
    const fed = tokens.length - 1;
    const later = request.values.maxLength - tokens.length;
    let next = 0;
    const some = (count: number): number[] => taken.slice(next, (next += count));
    this.#slots = tokens.rows.flatMap(() => {
      const prompt = some(fed);
      return Array.from({ length: request.copies }, () => [...prompt, ...some(later)]);
    });
    return true;
  }

  /** The last slot that it has. */
  get lastSlot(): number {
    return this.#taken.at(-1) ?? 0;
  }

  /** Gives all slots back. */
  stand(pool: SlotPool): void {
    pool.give(this.#taken);
    this.#taken = [];
    this.request.options.signal?.removeEventListener('abort', this.#abort);
  }

  /** Feeds as many tokens of its prompts as `most` at most. */
  async feed(cache: SharedCache, most: number): Promise<void> {
    const { tokens, mask } = this.request.prompt;
    const fed = tokens.length - 1;
    const chunk: Chunk = { first: this.#place, end: Math.min(fed, this.#place + most) };
    const prompt: Tokens = {
      ids: tokens.rows[this.#row] ?? [],
      mask: mask.rows[this.#row] ?? [],
      slots: this.#slots[this.#row * this.request.copies] ?? [],
    };
    if (chunk.end > chunk.first) await cache.feed(prompt, chunk);
    this.#place = chunk.end;
    if (chunk.end < fed) return;
    this.#place = 0;
    this.#row++;
  }

  /** Takes a step's token of each sequence. */
  take(words: Uint32Array): void {
    if (this.#isOver) return;
    try {
      this.#channel.push({ tokenIds: this.#growth.take(words) });
      if (this.#growth.isComplete) this.#end();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#channel.fail(error);
  }

  /** What comes, to its end; whoever stops reading ends it. */
  async *read(): AsyncGenerator<BatchTokens, void, undefined> {
    try {
      yield* this.#channel;
    } finally {
      this.#isOver = true;
    }
  }

  readonly #abort = (): void => {
    const { signal } = this.request.options;
    if (signal !== undefined) this.fail(abortError(signal));
  };

  #end(): void {
    this.#isOver = true;
    this.#channel.end();
  }
}
