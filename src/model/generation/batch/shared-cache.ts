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
import type { SharedSources } from './shared-sources.ts';
import { spreadRow } from './spread-row.ts';
import type { CheckedInput } from '../../inputs/input-stage.ts';
import { type Chunk, type Decoded, Prefill } from '../prefill.ts';
import type { Beginning, Tokens } from '../prompt.ts';
import { type DecodeSession, type DecodeState, type Decoder, writeState } from '../session.ts';

/** Sizes of a cache. */
export interface SharedSizes {
  /** Tokens of a sequence in the cache at most: as many as its rotary frequencies are the same for, or fewer. */
  readonly capacity: number;
  /** Tokens of all together. */
  readonly slots: number;
  /** Sequences at most. */
  readonly states: number;
  /** Vectors of a source at most, and of all together. */
  readonly sourceLength: number;
  readonly sources: number;
  /** Positions of the model: what lists of its encoder are padded to at most. */
  readonly positions: number;
}

/** How much of a cache is taken, or wanted. */
export type SharedRoom = Pick<SharedSizes, 'slots' | 'states' | 'sources'>;

/** Room for all of these. */
export function roomOf(rooms: readonly SharedRoom[]): SharedRoom {
  const most = (name: keyof SharedRoom): number =>
    rooms.reduce((greatest, room) => Math.max(greatest, room[name]), 0);
  return { slots: most('slots'), states: most('states'), sources: most('sources') };
}

type Known = ReturnType<Decoded['in']>;

export class SharedCache {
  /** What lists over the cache end with. */
  readonly scope: Scope;
  readonly #weights: LanguageModelWeights;
  readonly #rotary: NonNullable<Decoder['rotary']>;
  readonly #cache: KeyValueCache;
  readonly #decoded: Decoded;
  readonly #mostStates: number;
  readonly #prefills = new Map<string, Prefill>();
  /** What an encoder read. */
  readonly #sources: SharedSources | undefined;
  /** Vectors of a source at most. */
  readonly sourceLength: number;
  /** Lists that go on with the cache when it grows. */
  readonly #steps = new Set<Plan>();

  private constructor(
    scope: Scope,
    decoder: Decoder,
    { sizes, sources }: { sizes: SharedSizes; sources: SharedSources | undefined },
  ) {
    const { capacity, slots, states } = sizes;
    const { weights, cacheDtype: dtype } = decoder;
    this.scope = scope;
    this.#weights = weights;
    this.#rotary = decoder.rotary ?? [];
    this.#cache = new KeyValueCache(scope, weights.decoder, {
      rows: 1,
      capacity: slots,
      states: 1,
      dtype,
    });
    this.#mostStates = states;
    this.sourceLength = sizes.sourceLength;
    this.#sources = sources;
    this.#decoded = {
      scope,
      rows: 1,
      capacity,
      weights,
      record: (_recording, _place, append) => append(),
      in: (recording) => this.#in(recording, 1, this.sourceLength),
    };
  }

  /** Ends with `owner`. */
  static async create(owner: Scope, decoder: Decoder, sizes: SharedSizes): Promise<SharedCache> {
    const scope = new Scope(owner);
    try {
      const sources = await sourcesOf(scope, decoder, sizes);
      const cache = new SharedCache(scope, decoder, { sizes, sources });
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
  hasRoom({ slots, states, sources }: SharedRoom): boolean {
    const cache = this.#cache;
    const { room = Infinity } = this.#sources ?? {};
    const hasStates = !cache.hasStates || states <= cache.states.rows;
    return slots <= cache.places && hasStates && sources <= room;
  }

  /** Has memory for so much. Nothing that fills or reads the cache may be under way. Errors: OUT_OF_MEMORY. */
  async reserve({ slots, states, sources }: SharedRoom): Promise<void> {
    const move: Move = (layers) => {
      for (const list of [...this.#steps, ...this.#prefills.values()]) list.move(layers);
    };
    const cache = this.#cache;
    await cache.reserve(slots, move);
    await this.#sources?.reserve(sources, move);
    if (cache.hasStates) await cache.states.reserve(states, this.#mostStates, move);
  }

  /** Forgets that something was beyond what it holds. */
  clear(): void {
    this.#cache.start();
  }

  /** Encodes the rows of a source, each into the slots that it has. */
  async encode(source: CheckedInput, slots: readonly (readonly number[])[]): Promise<void> {
    await this.#sources?.encode(source, slots);
  }

  /** Feeds some tokens of a prompt, which join the cache. */
  async feed(prompt: Tokens, chunk: Chunk): Promise<void> {
    const length = bucket(chunk.end - chunk.first, this.capacity);
    // Several tokens at once go through all of the table of a source.
    const seen = this.#sources && Math.min(this.sourceLength, powerOf2(prompt.source?.length ?? 1));
    const key = `${length}/${seen ?? ''}`;
    let prefill = this.#prefills.get(key);
    if (prefill === undefined) {
      const decoded = { ...this.#decoded, in: (list: Recording) => this.#in(list, 1, seen ?? 0) };
      prefill = await Prefill.create(decoded, length);
      this.#prefills.set(key, prefill);
    }
    this.#settle();
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
        known = this.#in(recording, rows, this.sourceLength);
        const hidden = decodeCached(tokens, { ...known, place, table }, this.#weights);
        return logits(hidden, this.#weights);
      },
      start: async ({ prompts }: Beginning, state: DecodeState, plan: Plan) => {
        own = plan;
        this.#steps.add(plan);
        writeState(prompts, state, plan);
        known?.write?.(plan, prompts);
      },
      beforeStep: () => this.#settle(),
      dispose: () => void (own && this.#steps.delete(own)),
    };
  }

  dispose(): void {
    this.#sources?.dispose();
    this.scope.dispose();
  }

  /** Has rotary frequencies for short sequences, whatever a call beside the batch has left there. */
  #settle(): void {
    for (const { stretch } of this.#rotary) stretch(this.scope.gpu, 1);
  }

  /** The cache, in a list for so many sequences, with sources of so many vectors at most. */
  #in(recording: Recording, rows: number, sourceLength: number): Known {
    const seen = this.#sources?.in(recording, rows, sourceLength);
    const cache = this.#cache;
    const states = cache.hasStates ? recording.persistent('states', [rows], 'u32') : undefined;
    return {
      ...cache.in(recording),
      cross: seen?.cross,
      states,
      write(plan, prompts) {
        seen?.write(plan, prompts);
        if (states === undefined) return;
        plan.write(
          states,
          Uint32Array.from(prompts, ({ state }) => state ?? hiddenSlot),
        );
      },
    };
  }
}

/** The least power of 2 that is no less, from 64 on. */
function powerOf2(length: number): number {
  return 2 ** Math.max(6, Math.ceil(Math.log2(length)));
}

/** What sequences of an encoder–decoder see besides; only those bring its code. */
async function sourcesOf(
  scope: Scope,
  { weights, stage }: Decoder,
  { sources: slots, positions }: SharedSizes,
): Promise<SharedSources | undefined> {
  if (!('encoder' in weights) || stage === undefined) return undefined;
  const { SharedSources: Sources } = await import('./shared-sources.ts');
  return new Sources(scope, { stage, weights }, { slots, positions });
}
