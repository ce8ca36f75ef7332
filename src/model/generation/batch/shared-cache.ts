// A cache for sequences that come and go. Its slots are any sequence's, so that lists for few rows and for many fill
// one and the same.

import type { Plan } from '../../../runtime/plan.ts';
import type { Recording } from '../../../runtime/record.ts';
import { Scope } from '../../../runtime/scope.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import { bucket } from '../../inputs/inputs.ts';
import { decodeCached } from '../../layers/cached-stack.ts';
import { logits, type LanguageModelWeights } from '../../layers/logits.ts';
import { KeyValueCache } from '../kv-cache.ts';
import { type Chunk, type Decoded, Prefill } from '../prefill.ts';
import type { Beginning, Tokens } from '../prompt.ts';
import { type DecodeSession, type DecodeState, type Decoder, writeState } from '../session.ts';

/** Whether sequences of a decoder can share a cache: what it keeps of them is keys and values by place, no more. */
export function canShare({ weights, rotary = [], stage }: Decoder): boolean {
  const { layers } = weights.decoder;
  return stage === undefined && rotary.length === 0 && layers.every(isByPlace);
}

function isByPlace({ selfAttention }: LanguageModelWeights['decoder']['layers'][number]): boolean {
  return selfAttention.memory === undefined;
}

/** Sizes of a cache. */
export interface SharedSizes {
  /** Tokens of a sequence in the cache at most. */
  readonly capacity: number;
  /** Tokens of all together. */
  readonly slots: number;
}

export class SharedCache {
  /** What lists over the cache end with. */
  readonly scope: Scope;
  readonly #weights: LanguageModelWeights;
  readonly #cache: KeyValueCache;
  readonly #decoded: Decoded;
  readonly #prefills = new Map<number, Prefill>();
  /** Lists that go on with the cache when it grows. */
  readonly #steps = new Set<Plan>();

  private constructor(scope: Scope, decoder: Decoder, { capacity, slots }: SharedSizes) {
    const { weights, cacheDtype: dtype } = decoder;
    this.scope = scope;
    this.#weights = weights;
    this.#cache = new KeyValueCache(scope, weights.decoder, { rows: 1, capacity: slots, dtype });
    this.#decoded = {
      scope,
      rows: 1,
      capacity,
      weights,
      record: (_recording, _place, append) => append(),
      in: (recording) => ({ ...this.#cache.in(recording), cross: undefined }),
    };
  }

  /** Ends with `owner`. */
  static async create(owner: Scope, decoder: Decoder, sizes: SharedSizes): Promise<SharedCache> {
    const scope = new Scope(owner);
    try {
      const cache = new SharedCache(scope, decoder, sizes);
      await scope.ready();
      return cache;
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  /** Tokens of a sequence at most. */
  get capacity(): number {
    return this.#decoded.capacity;
  }

  /** Slots that there is memory for now. */
  get room(): number {
    return this.#cache.places;
  }

  /** Has memory for so many slots. Nothing that fills or reads the cache may be under way. Errors: OUT_OF_MEMORY. */
  async reserve(slots: number): Promise<void> {
    await this.#cache.reserve(slots, (layers) => {
      for (const list of [...this.#steps, ...this.#prefills.values()]) list.move(layers);
    });
  }

  /** Forgets that something was beyond what it holds. */
  clear(): void {
    this.#cache.start();
  }

  /** Feeds some tokens of a prompt, which join the cache. */
  async feed(prompt: Tokens, chunk: Chunk): Promise<void> {
    const length = bucket(chunk.end - chunk.first, this.capacity);
    let prefill = this.#prefills.get(length);
    if (prefill === undefined) {
      prefill = await Prefill.create(this.#decoded, length);
      this.#prefills.set(length, prefill);
    }
    await prefill.play([prompt], chunk);
  }

  /** A decoder of so many rows over this cache, whose prompts were fed before. */
  rows(rows: number): DecodeSession {
    let own: Plan | undefined;
    return {
      shape: { rows, capacity: this.capacity, sources: 0, sourceLength: 0 },
      vocabulary: this.#weights.output.weight.size(0),
      spill: this.#cache.spill,
      recordStep: (recording, state) => this.#recordStep(recording, state),
      start: async ({ prompts }: Beginning, state: DecodeState, plan: Plan) => {
        own = plan;
        this.#steps.add(plan);
        writeState(prompts, state, plan);
      },
      dispose: () => void (own && this.#steps.delete(own)),
    };
  }

  dispose(): void {
    this.scope.dispose();
  }

  #recordStep(recording: Recording, { tokens, place, table }: DecodeState): Tensor {
    const known = { ...this.#decoded.in(recording), place, table };
    return logits(decodeCached(tokens, known, this.#weights), this.#weights);
  }
}
