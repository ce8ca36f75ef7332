// Keys and values of what was decoded, for every layer of a decoder, or the states of those that keep these instead.

import { TransformerError } from '../../runtime/errors.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { hiddenSlot } from '../../shaders/attention/decode/attention-decode.ts';
import { layoutOf, type SelfAttentionWeights } from '../layers/attention.ts';
import { layersWithKeys } from '../layers/cached-stack.ts';
import type { StackWeights } from '../layers/stack.ts';
import type { MemorySizes } from '../layers/token-mixer.ts';
import type { CacheDtype } from '../cache-dtypes.ts';
import { GrowingRows, type Move } from './growing-rows.ts';
import type { Tokens } from './prompt.ts';

/** What a layer keeps of a token, or of a sequence where it has a state. */
interface Kept extends Pick<MemorySizes, 'width'> {
  readonly dtype: CacheDtype;
  readonly isState: boolean;
}

/** Sizes of a cache. */
export interface CacheSizes {
  /** Sequences that have slots of their own, of up to `capacity` tokens each. */
  readonly rows: number;
  readonly capacity: number;
  /** States that there is room for at first; `rows` when absent. */
  readonly states?: number;
  readonly dtype: CacheDtype;
}

/** Tokens of a sequence that there is room for at first, where there may be so many. */
const firstPlaces = 256;

/**
 * Slots for `rows` sequences of up to `capacity` tokens; which slot holds what is said by block tables. There
 * is room for few tokens at first, and twice as many each time that it runs out. The slots of a place follow
 * each other, so that a cache that grows begins with what it was.
 */
export class KeyValueCache {
  /** (1) u32, of caches in f16: whether a key or value was beyond what they hold, see `assertHeld`. */
  readonly spill: Tensor | undefined;
  readonly #owner: Scope;
  readonly #rows: number;
  readonly #capacity: number;
  readonly #kept: readonly Kept[];
  /** Of layers with keys, in their order, these and the values of each slot: (slots, 2 · key width). */
  readonly #slots: GrowingRows;
  /** Of the others the state of each sequence: (states, width), see `TokenMemory`. */
  readonly states: GrowingRows;

  /**
   * Ends with `owner`.
   * @throws TransformerError OPTION_INVALID for f16 where heads are of odd sizes
   */
  constructor(
    owner: Scope,
    decoder: StackWeights,
    { rows, capacity, states = rows, dtype }: CacheSizes,
  ) {
    this.#owner = owner;
    this.#rows = rows;
    this.#capacity = capacity;
    if (dtype === 'f16') this.spill = owner.tensor({ label: 'spill', shape: [1], dtype: 'u32' });
    this.#kept = layersWithKeys(decoder).map(({ selfAttention }) => {
      if (selfAttention.memory) return { ...selfAttention.memory, isState: true };
      if (dtype === 'f16') assertEven(selfAttention);
      return { width: 2 * layoutOf(selfAttention).keyWidth, dtype, isState: false };
    });
    const make =
      (areStates: boolean) =>
      (scope: Scope, count: number): Tensor[] =>
        this.#kept
          .filter(({ isState }) => isState === areStates)
          .map(({ width, dtype: own }, layer) =>
            scope.tensor({ label: `cache ${layer}`, shape: [count, width], dtype: own }),
          );
    this.#slots = new GrowingRows(owner, rows * Math.min(capacity, firstPlaces), make(false));
    this.states = new GrowingRows(owner, states, make(true));
  }

  /** Whether layers have states: what is held of a text is of no use where another goes on otherwise. */
  get hasStates(): boolean {
    return this.#kept.some(({ isState }) => isState);
  }

  /** Tokens of a sequence that there is room for. */
  get places(): number {
    return this.#slots.rows / this.#rows;
  }

  /**
   * Makes room for so many tokens a sequence. Errors: OUT_OF_MEMORY, LIMIT_EXCEEDED; all is as it was then.
   */
  async reserve(length: number, move: Move): Promise<void> {
    if (Math.min(length, this.#capacity) <= this.places) return;
    const twice = Math.max(length, 2 * this.places);
    // What little would be left is taken at once.
    const places = 1.5 * twice > this.#capacity ? this.#capacity : twice;
    await this.#slots.grow(this.#rows * places, move);
  }

  /** Brings the layers into a recording, and `spill`. */
  in(recording: Recording): { caches: Tensor[]; spill: Tensor | undefined } {
    const [slots, states] = [this.#slots.tensors.values(), this.states.tensors.values()];
    return {
      caches: this.#kept.map(({ isState }) => {
        const { value } = (isState ? states : slots).next();
        if (value === undefined) throw new RangeError('a layer without a cache');
        return recording.use(value);
      }),
      spill: this.spill && recording.use(this.spill),
    };
  }

  /** Forgets what was beyond its range. */
  start(): void {
    const { buffer } = this.spill ?? {};
    if (buffer === undefined) return;
    this.#owner.assertUsable();
    this.#owner.gpu.device.queue.writeBuffer(buffer, 0, new Uint32Array(1));
  }

  /** Copies the first slots of another cache of the same decoder. */
  copy(from: KeyValueCache, slots: number): void {
    this.#slots.copy(from.#slots, slots);
  }
}

/** Refuses heads that f16 cannot put two by two into words. */
function assertEven(weights: SelfAttentionWeights): void {
  const { headSize } = layoutOf(weights);
  const { turns, neighbours = false } = weights.rotary ?? {};
  // Of neighbours, both are put at once.
  const pairs = neighbours ? 0 : (turns?.size(0) ?? 0);
  if (headSize % 2 === 0 && pairs % 2 === 0) return;
  const what = headSize % 2 === 0 ? `${pairs} pairs that rotate` : `heads of ${headSize} columns`;
  throw new TransformerError(
    'OPTION_INVALID',
    `cacheDtype is 'f16', which needs even numbers, but this model has ${what}. ` +
      "Load it with cacheDtype: 'f32'.",
  );
}

/** Refuses results of a cache that could not hold what it was to. */
export function assertHeld(isHeld: boolean): void {
  if (isHeld) return;
  throw new TransformerError(
    'LIMIT_EXCEEDED',
    'A key or value of this text is beyond ±65504, which a cache in f16 cannot hold. ' +
      "Load the model with cacheDtype: 'f32'.",
  );
}

/** A block table of sequences: (R, capacity), padding hidden. Each has its slots, or else one in R of them all. */
export function ownSlots(prompts: readonly Tokens[], capacity: number): Uint32Array<ArrayBuffer> {
  const rows = prompts.length;
  const table = new Uint32Array(rows * capacity);
  prompts.forEach(({ mask, slots }, row) => {
    for (let place = 0; place < capacity; place++) {
      const slot = slots ? (slots[place] ?? hiddenSlot) : place * rows + row;
      table[row * capacity + place] = mask[place] === 0 ? hiddenSlot : slot;
    }
  });
  return table;
}
