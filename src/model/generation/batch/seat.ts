// A request in a batch: what it has of the cache, how far it has come, and who reads what comes.

import { abortError } from '../../../runtime/errors.ts';
import { Channel } from '../../../runtime/channel.ts';
import { hiddenSlot } from '../../../shaders/attention/decode/attention-decode.ts';
import { Growth } from '../growth.ts';
import type { Likelihood } from '../likelihoods.ts';
import type { Chunk } from '../prefill.ts';
import type { Tokens } from '../prompt.ts';
import type { Request } from '../request.ts';
import type { SharedCache, SharedRoom } from './shared-cache.ts';
import { blocksFor, type SharedBlocks, type SharedPool } from './slot-pool.ts';

/** Tokens that a sequence has slots for beyond those that it has, at most, when a run of steps begins. */
const grown = 64;

/** What a step brings a request. */
export interface BatchTokens {
  /** One a sequence, the padding token for those that have ended. */
  readonly tokenIds: number[];
  /** How likely each was to the model, where `topLogProbs` asks for it; without meaning for those that have ended. */
  readonly likelihoods?: readonly Likelihood[];
}

export class Seat {
  readonly request: Request;
  /** How many of the likeliest tokens are wanted beside each, and how likely they are. */
  readonly topLogProbs: number | undefined;
  readonly #growth: Growth;
  readonly #channel = new Channel<BatchTokens>();
  /** The slots of the prompt of each input, and of what each sequence has behind it. */
  #prompts: number[][] = [];
  #later: number[][] = [];
  /** The row for its state that each sequence has. */
  #states: number[] = [];
  /** The slots of what each input reads through an encoder, where there is one, and whether that is encoded. */
  #sources: number[][] = [];
  #isEncoded: boolean;
  /** Blocks that it has the promise of. */
  #promised: SharedBlocks = { tokens: 0, sources: 0 };
  /** Inputs that are fed, and tokens of the next one. */
  #row = 0;
  #place = 0;
  #isOver = false;

  constructor(request: Request, topLogProbs?: number) {
    this.request = request;
    this.topLogProbs = topLogProbs;
    this.#growth = new Growth(request);
    this.#isEncoded = request.prompt.source === undefined;
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

  /** Steps that it has slots for. */
  get room(): number {
    const [one = []] = this.#later;
    return one.length - this.#generated;
  }

  /** What each sequence has by now. */
  get tokens(): Tokens[] {
    const { mask } = this.request.prompt;
    return this.#growth.sequences.map((ids, row) => {
      const input = Math.floor(row / this.request.copies);
      const own = mask.rows[input] ?? [];
      const slots = [...this.#promptSlots(input), ...(this.#later[row] ?? [])];
      const mine = ids.map((_, place) => own[place] ?? 1);
      return { ids, mask: mine, slots, ...this.#seenBy(row) };
    });
  }

  /** Blocks that a request takes of a cache at most. The last token of a sequence is in none. */
  static blocksFor({ prompt: { tokens, source }, values, copies }: Request): SharedBlocks {
    const later = blocksFor(values.maxLength - tokens.length);
    return {
      tokens: tokens.batch * (blocksFor(tokens.length - 1) + copies * later),
      sources: tokens.batch * blocksFor(source?.length ?? 0),
    };
  }

  /** Takes slots for its prompts; false where others have too many. */
  sit(pool: SharedPool): boolean {
    const { request } = this;
    const wanted = Seat.blocksFor(request);
    if (!pool.promise(wanted)) return false;
    this.#promised = wanted;
    const { tokens, source } = request.prompt;
    this.#prompts = tokens.rows.map(() => pool.tokens.take(blocksFor(tokens.length - 1)));
    const { length = 0 } = source ?? {};
    this.#sources = tokens.rows.map(() => pool.sources.take(blocksFor(length)));
    this.#later = Array.from({ length: request.rows }, () => []);
    this.#states = pool.takeStates(request.rows);
    return true;
  }

  /** Takes slots for some more tokens of each sequence. */
  grow({ tokens: pool }: SharedPool): void {
    const more = Math.min(grown, this.left) - this.room;
    if (more > 0) for (const slots of this.#later) slots.push(...pool.take(blocksFor(more)));
  }

  /** What lies behind the last of the slots and states that it has. */
  get end(): SharedRoom {
    const behind = (numbers: readonly number[]): number =>
      numbers.reduce((most, one) => Math.max(most, one + 1), 0);
    const [slots, sources] = [behind(this.#slots), behind(this.#sources.flat())];
    return { slots, sources, states: behind(this.#states) };
  }

  /** Gives all slots back. */
  stand(pool: SharedPool): void {
    pool.tokens.give(this.#slots, this.#promised.tokens);
    pool.sources.give(this.#sources.flat(), this.#promised.sources);
    pool.giveStates(this.#states);
    [this.#prompts, this.#later, this.#sources, this.#states] = [[], [], [], []];
    this.#promised = { tokens: 0, sources: 0 };
    this.request.options.signal?.removeEventListener('abort', this.#abort);
  }

  /** Has its sources encoded, all at once, or else as many tokens of its prompts fed as `most` at most. */
  async feed(cache: SharedCache, most: number): Promise<void> {
    const { tokens, mask, source } = this.request.prompt;
    const fed = tokens.length - 1;
    if (source !== undefined && !this.#isEncoded) {
      const slots = this.#sources.map((own) => own.slice(0, source.length));
      await cache.encode(source, slots);
      this.#isEncoded = true;
      if (fed === 0) this.#row = tokens.batch;
      return;
    }
    const chunk: Chunk = { first: this.#place, end: Math.min(fed, this.#place + most) };
    const { copies } = this.request;
    const prompt: Tokens = {
      ids: tokens.rows[this.#row] ?? [],
      mask: mask.rows[this.#row] ?? [],
      slots: this.#promptSlots(this.#row),
      ...this.#seenBy(this.#row * copies),
    };
    if (chunk.end > chunk.first) await cache.feed(prompt, chunk);
    this.#place = chunk.end;
    if (chunk.end < fed) return;
    // The first of its sequences was fed; the others go on from there.
    await cache.spread(this.#states.slice(this.#row * copies, (this.#row + 1) * copies));
    this.#place = 0;
    this.#row++;
  }

  /** Takes a step's token of each sequence, and how likely these were. */
  take(words: Uint32Array, weighed: readonly Likelihood[] = []): void {
    if (this.#isOver) return;
    const { topLogProbs: most } = this;
    try {
      const tokenIds = this.#growth.take(words);
      if (most === undefined) this.#channel.push({ tokenIds });
      else {
        const likelihoods = weighed.map(({ logProb, top }) => ({
          logProb,
          top: top.slice(0, most),
        }));
        this.#channel.push({ tokenIds, likelihoods });
      }
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

  get #generated(): number {
    return (this.#growth.sequences[0]?.length ?? 0) - this.request.prompt.tokens.length;
  }

  get #slots(): number[] {
    return [...this.#prompts, ...this.#later].flat();
  }

  /** What a sequence sees beside its tokens. */
  #seenBy(row: number): Pick<Tokens, 'state' | 'source'> {
    const { [row]: state } = this.#states;
    const { copies, prompt } = this.request;
    const input = Math.floor(row / copies);
    const mask = prompt.source?.mask.rows[input];
    const slots = this.#sources[input] ?? [];
    const source = mask?.map((flag, place) =>
      flag === 0 ? hiddenSlot : (slots[place] ?? hiddenSlot),
    );
    return { ...(state !== undefined && { state }), ...(source && { source }) };
  }

  /** Of all tokens of a prompt but the last, which the first step feeds. */
  #promptSlots(input: number): number[] {
    return (this.#prompts[input] ?? []).slice(0, this.request.prompt.tokens.length - 1);
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
