// A cache for sequences that come and go. Its slots are any sequence's, so that lists for few rows and for many fill
// one and the same.

import type { Plan } from '../../../runtime/plan.ts';
import type { Recording } from '../../../runtime/record.ts';
import { Scope } from '../../../runtime/scope.ts';
import { bucket } from '../../inputs/inputs.ts';
import { decodeCached } from '../../layers/cached-stack.ts';
import { logits, type LanguageModelWeights } from '../../layers/logits.ts';
import type { Move } from '../growing-rows.ts';
import { KeyValueCache } from '../kv-cache.ts';
import { hiddenSlot } from '../../../shaders/attention/decode/attention-decode.ts';
import { spreadRow } from './spread-row.ts';
import { type Chunk, type Decoded, Prefill } from '../prefill.ts';
import type { Beginning, Tokens } from '../prompt.ts';
import { type DecodeSession, type DecodeState, type Decoder, writeState } from '../session.ts';

/** Whether sequences of a decoder can share a cache: whether its frequencies are the same for all. */
export function canShare({ rotary = [], stage }: Decoder): boolean {
  return stage === undefined && rotary.length === 0;
}

/** Sizes of a cache. */
export interface SharedSizes {
  /** Tokens of a sequence in the cache at most. */
  readonly capacity: number;
  /** Tokens of all together. */
  readonly slots: number;
  /** Sequences at most. */
  readonly states: number;
}

/** How much of a cache is taken, or wanted. */
export type SharedRoom = Pick<SharedSizes, 'slots' | 'states'>;

/** Room for all of these. */
export function roomOf(rooms: readonly SharedRoom[]): SharedRoom {
  const most = (name: keyof SharedRoom): number =>
    rooms.reduce((greatest, room) => Math.max(greatest, room[name]), 0);
  return { slots: most('slots'), states: most('states') };
}

type Known = ReturnType<Decoded['in']>;

export class SharedCache {
  /** What lists over the cache end with. */
  readonly scope: Scope;
  readonly #weights: LanguageModelWeights;
  readonly #cache: KeyValueCache;
  readonly #decoded: Decoded;
  readonly #mostStates: number;
  readonly #prefills = new Map<number, Prefill>();
  /** Lists that go on with the cache when it grows. */
  readonly #steps = new Set<Plan>();

  private constructor(scope: Scope, decoder: Decoder, { capacity, slots, states }: SharedSizes) {
    const { weights, cacheDtype: dtype } = decoder;
    this.scope = scope;
    this.#weights = weights;
    this.#cache = new KeyValueCache(scope, weights.decoder, {
      rows: 1,
      capacity: slots,
      states: 1,
      dtype,
    });
    this.#mostStates = states;
    this.#decoded = {
      scope,
      rows: 1,
      capacity,
      weights,
      record: (_recording, _place, append) => append(),
      in: (recording) => this.#in(recording, 1),
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

  /** Whether layers keep states of sequences. */
  get hasStates(): boolean {
    return this.#cache.hasStates;
  }

  /** Whether there is memory for so much now. */
  hasRoom({ slots, states }: SharedRoom): boolean {
    const cache = this.#cache;
    return slots <= cache.places && (!cache.hasStates || states <= cache.states.rows);
  }

  /** Has memory for so much. Nothing that fills or reads the cache may be under way. Errors: OUT_OF_MEMORY. */
  async reserve({ slots, states }: SharedRoom): Promise<void> {
    const move: Move = (layers) => {
      for (const list of [...this.#steps, ...this.#prefills.values()]) list.move(layers);
    };
    const cache = this.#cache;
    await cache.reserve(slots, move);
    const { rows } = cache.states;
    if (!cache.hasStates || states <= rows) return;
    await cache.states.grow(Math.min(this.#mostStates, Math.max(states, 2 * rows)), move);
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

  /** Has sequences that were not fed go on from the state of the first, which was. Errors: OUT_OF_MEMORY. */
  async spread([fed = 0, ...others]: readonly number[]): Promise<void> {
    const { hasStates, states } = this.#cache;
    if (hasStates && others.length > 0) await spreadRow(this.scope, states.tensors, [fed, others]);
  }

  /** A decoder of so many rows over this cache, whose prompts were fed before. */
  rows(rows: number): DecodeSession {
    let own: Plan | undefined;
    let known: Known | undefined;
    return {
      shape: { rows, capacity: this.capacity, sources: 0, sourceLength: 0 },
      vocabulary: this.#weights.output.weight.size(0),
      spill: this.#cache.spill,
      recordStep: (recording, { tokens, place, table }) => {
        known = this.#in(recording, rows);
        const hidden = decodeCached(tokens, { ...known, place, table }, this.#weights);
        return logits(hidden, this.#weights);
      },
      start: async ({ prompts }: Beginning, state: DecodeState, plan: Plan) => {
        own = plan;
        this.#steps.add(plan);
        writeState(prompts, state, plan);
        known?.write?.(plan, prompts);
      },
      dispose: () => void (own && this.#steps.delete(own)),
    };
  }

  dispose(): void {
    this.scope.dispose();
  }

  /** The cache, in a list for so many sequences. */
  #in(recording: Recording, rows: number): Known {
    const cache = this.#cache;
    const states = cache.hasStates ? recording.persistent('states', [rows], 'u32') : undefined;
    return {
      ...cache.in(recording),
      cross: undefined,
      states,
      write(plan, prompts) {
        if (states === undefined) return;
        plan.write(
          states,
          Uint32Array.from(prompts, ({ state }) => state ?? hiddenSlot),
        );
      },
    };
  }
}
