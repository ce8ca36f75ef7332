// A decoder at work: a cache for a number of sequences, and the lists that fill it. What the cache holds
// of a prompt already, from the last turn of a chat say, is not computed again.

import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { CacheDtype } from '../cache-dtypes.ts';
import type { SequenceDefinition } from '../definitions.ts';
import type { InputShape, SourceStage } from '../inputs/input-stage.ts';
import { bucket, positionsOf } from '../inputs/inputs.ts';
import { decodeCached } from '../layers/cached-stack.ts';
import { type LanguageModelWeights, logits } from '../layers/logits.ts';
import type { TransformerWeights } from '../layers/transformer.ts';
import type { Look } from '../points/look.ts';
import type { Steering } from '../points/steering.ts';
import type { Encoder } from './encoder.ts';
import { KeyValueCache, ownSlots } from './kv-cache.ts';
import { chunksOf, type Decoded, Prefill } from './prefill.ts';
import type { Beginning, Tokens } from './prompt.ts';

/** Tokens of prompts that are computed at once at most: of a sequence, and of all together. */
const chunkTokens = 512;
const chunkRows = 2048;
/** What a list for a piece is longer at most than that: it writes to slots of later tokens. */
const spare = 64;

/** Sizes of a session. */
export interface SessionShape {
  /** R: sequences */
  readonly rows: number;
  /** Tokens that a sequence has in the cache at most. */
  readonly capacity: number;
  /** Sources of an encoder–decoder, and vectors of each at most; 0 where there are none. */
  readonly sources: number;
  readonly sourceLength: number;
  readonly sourceSize?: InputShape['size'];
}

/** What steps share. All of it is data in buffers. */
export interface DecodeState {
  /** (R, 1) u32: the token each sequence feeds */
  readonly tokens: Tensor;
  /** (R, 1, 2) u32: position of that token, and its place in the table */
  readonly place: Tensor;
  /** (R, capacity) u32: where the cache has each token, see `BlockTable` */
  readonly table: Tensor;
}

/** A decoder for one shape, ready to step, as generation sees it. */
export interface DecodeSession {
  readonly shape: SessionShape;
  readonly vocabulary: number;
  /** (1) u32, of caches that may not hold all: see `assertHeld`. */
  readonly spill?: Tensor | undefined;
  /** Appends one step; the token's key and value join the cache. Result: logits (R, 1, V). */
  recordStep(recording: Recording, state: DecodeState): Tensor;
  /**
   * Encodes the sources, and feeds all but the last token of each prompt; `state`, of the step's plan,
   * is left as the step expects it: the last tokens, their places, and what they see. `check` throws where
   * nobody wants to go on; it is asked now and then.
   */
  start(beginning: Beginning, state: DecodeState, plan: Plan, check: () => void): Promise<void>;
  /** Tokens of a sequence that there is room for now; all of `shape.capacity` when absent. */
  readonly room?: number;
  /** Makes room for so many, and has the step's plan go on there; none of its plays may be under way. */
  reserve?(length: number, plan: Plan): Promise<void>;
  /** Tokens of a sequence up to which the cache holds what steps go by, where it is not to be filled again. */
  readonly steadyLength?: number;
  /** Called before each play of the step, with the tokens the longest sequence then has in the cache. */
  beforeStep?(length: number): void;
  /** Called at the end with the tokens of each sequence, so that a later prompt may go on from there. */
  finish?(sequences: readonly (readonly number[])[]): void;
  dispose(): void;
}

/** A language model, or an encoder–decoder. */
export interface Decoder {
  readonly weights: LanguageModelWeights | TransformerWeights;
  /** What the encoder begins with, where there is one. */
  readonly stage?: SourceStage;
  /** Rotary frequencies that depend on the length. */
  readonly rotary?: SequenceDefinition['rotary'];
  readonly cacheDtype: CacheDtype;
}

interface SessionParts {
  readonly encoder: Encoder | undefined;
  readonly steering: Steering | undefined;
  readonly others: Set<Session>;
}

export class Session implements DecodeSession {
  readonly shape: SessionShape;
  readonly vocabulary: number;
  readonly #scope: Scope;
  readonly #decoder: Decoder;
  readonly #cache: KeyValueCache;
  readonly #encoder: Encoder | undefined;
  readonly #steering: Steering | undefined;
  readonly #decoded: Decoded;
  readonly #prefills = new Map<number, Prefill>();
  readonly #others: Set<Session>;
  /** The tokens in the cache, while nobody generates; of sessions with one sequence. */
  #held: readonly number[] = [];
  /** The tokens that frequencies are for. */
  #length = 0;

  private constructor(
    scope: Scope,
    decoder: Decoder,
    shape: SessionShape,
    { encoder, others, steering }: SessionParts,
  ) {
    const { weights } = decoder;
    const { rows, capacity } = shape;
    this.shape = shape;
    this.vocabulary = weights.output.weight.size(0);
    this.#scope = scope;
    this.#decoder = decoder;
    const sizes = { rows, capacity, dtype: decoder.cacheDtype };
    this.#cache = new KeyValueCache(scope, weights.decoder, sizes);
    this.#encoder = encoder;
    this.#steering = steering;
    this.#decoded = {
      scope,
      rows,
      capacity,
      weights,
      record: (recording, place, append) =>
        this.#record(recording, place, () => this.#within(recording, append)),
      in: (recording) => ({
        ...this.#cache.in(recording),
        cross: encoder?.cross(recording),
      }),
    };
    this.#others = others;
  }

  /**
   * `owner`: of the model, with which the session ends; `others`: its sessions; `look`: what is changed at named points.
   */
  static async create(
    owner: Scope,
    decoder: Decoder,
    shape: SessionShape,
    { others, look }: { others: Set<Session>; look: Look | undefined },
  ): Promise<Session> {
    const { weights, stage } = decoder;
    const scope = new Scope(owner);
    try {
      const steering =
        look && new (await import('../points/steering.ts')).Steering(scope, look, shape);
      const encoder =
        'encoder' in weights && stage
          ? await (
              await import('./encoder.ts')
            ).encoderOf(scope, { stage, weights, steering }, shape)
          : undefined;
      const session = new Session(scope, decoder, shape, { encoder, others, steering });
      await scope.ready();
      others.add(session);
      return session;
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  get spill(): Tensor | undefined {
    return this.#cache.spill;
  }

  recordStep(recording: Recording, { tokens, place, table }: DecodeState): Tensor {
    const { weights } = this.#decoder;
    const known = { ...this.#decoded.in(recording), place, table };
    const all = this.#record(recording, place, () => {
      const hidden = this.#within(recording, () => decodeCached(tokens, known, weights));
      return recording.tap('logits', logits(hidden, weights));
    });
    this.#steering?.assertFound();
    return all;
  }

  #record<T>(recording: Recording, place: Tensor, append: () => T): T {
    return this.#steering?.record(recording, place, append) ?? append();
  }

  /** The named points of a decoder that has an encoder are called after it. */
  #within<T>(recording: Recording, append: () => T): T {
    return this.#encoder ? recording.within('decoder', append) : append();
  }

  get room(): number {
    return this.#cache.places;
  }

  async reserve(length: number, plan: Plan): Promise<void> {
    await this.#cache.reserve(length, (layers) => {
      for (const list of [plan, ...this.#prefills.values()]) list.move(layers);
    });
  }

  async start(
    beginning: Beginning,
    state: DecodeState,
    plan: Plan,
    check: () => void,
  ): Promise<void> {
    const { prompts } = beginning;
    const { rows, capacity } = this.shape;
    writeState(prompts, state, plan);
    if (beginning.look) this.#steering?.write(beginning.look, beginning.sourceOf);
    this.#cache.start();
    const encoded = this.#encoder?.encode(beginning);
    encoded?.catch(() => {}); // told where it is waited for
    const end = prompts.reduce((most, { ids }) => Math.max(most, ids.length), 1) - 1;
    await this.reserve(Math.min(capacity, end + spare), plan);
    const first = Math.min(end, this.#reuse(prompts));
    this.#held = [];
    const most = Math.max(16, Math.min(chunkTokens, Math.floor(chunkRows / rows / 16) * 16));
    const chunks = chunksOf(first, end, most);
    this.beforeStep(end + 1);
    let before: Promise<unknown> = Promise.resolve();
    for (const chunk of chunks) {
      const prefill = await this.#prefill(bucket(chunk.end - chunk.first, capacity));
      check();
      await prefill.play(prompts, chunk);
      // One is computed, and one waits, so that an end is heard before all of a long prompt is through.
      if (chunks.length === 1) break;
      await this.#scope.answer(before);
      before = this.#scope.gpu.device.queue.onSubmittedWorkDone();
      before.catch(() => {}); // told where it is waited for
    }
    await encoded;
  }

  get steadyLength(): number {
    const again = this.#decoder.rotary?.find(({ feedsAgain }) => feedsAgain);
    const length = again?.frequencies.steadyLength ?? Infinity;
    return this.#length > length ? Infinity : length;
  }

  beforeStep(length: number): void {
    this.#length = length;
    for (const { stretch } of this.#decoder.rotary ?? []) stretch(this.#scope.gpu, length);
  }

  finish(sequences: readonly (readonly number[])[]): void {
    // The last token was chosen, but not fed. What depends on the source, the length or all of a
    // text is of no use.
    const [tokens = []] = sequences;
    const isOnes =
      !this.#encoder && !this.#steering && !this.#decoder.rotary?.length && !this.#cache.hasStates;
    if (isOnes && this.shape.rows === 1) {
      this.#held = tokens.slice(0, Math.min(this.shape.capacity, tokens.length - 1));
    }
  }

  dispose(): void {
    this.#others.delete(this);
    this.#scope.dispose();
  }

  /** How many tokens of the prompt the cache holds now; another session's may be copied for that. */
  #reuse([prompt = { ids: [], mask: [] }]: readonly Tokens[]): number {
    if (this.shape.rows > 1 || this.#steering || prompt.mask.includes(0)) return 0;
    let best: { session: Session; length: number } = { session: this, length: 0 };
    for (const session of this.#others) {
      const held = session.#held;
      const differs = prompt.ids.findIndex((token, place) => token !== held[place]);
      const length = Math.min(differs < 0 ? prompt.ids.length : differs, this.room);
      if (length > best.length) best = { session, length };
    }
    if (best.session !== this && best.length > 0) {
      this.#cache.copy(best.session.#cache, best.length);
    }
    return best.length;
  }

  async #prefill(length: number): Promise<Prefill> {
    const known = this.#prefills.get(length);
    if (known !== undefined) return known;
    const prefill = await Prefill.create(this.#decoded, length);
    this.#prefills.set(length, prefill);
    return prefill;
  }
}

/** Writes the state of a step that feeds the last token of each prompt. */
export function writeState(prompts: readonly Tokens[], state: DecodeState, plan: Plan): void {
  plan.write(
    state.tokens,
    Uint32Array.from(prompts, ({ ids }) => ids.at(-1) ?? 0),
  );
  const places = prompts.flatMap(({ mask }) => [positionsOf(mask).at(-1) ?? 0, mask.length - 1]);
  plan.write(state.place, Uint32Array.from(places));
  plan.write(state.table, ownSlots(prompts, state.table.size(1)));
}
