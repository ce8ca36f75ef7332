// Keys and values of what was decoded, for every layer of a decoder, or the states of those that keep these instead.

import { bytesOf } from '../../runtime/dtype.ts';
import { TransformerError } from '../../runtime/errors.ts';
import type { Recording } from '../../runtime/record.ts';
import { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { hiddenSlot } from '../../shaders/attention/decode/attention-decode.ts';
import { layoutOf, type SelfAttentionWeights } from '../layers/attention.ts';
import { layersWithKeys } from '../layers/cached-stack.ts';
import type { StackWeights } from '../layers/stack.ts';
import type { MemorySizes } from '../layers/token-mixer.ts';
import type { CacheDtype } from '../cache-dtypes.ts';
import type { Tokens } from './prompt.ts';

/** What a layer keeps of a token, and of how many tokens, where not of all. */
interface Kept extends Pick<MemorySizes, 'width'>, Partial<Pick<MemorySizes, 'places'>> {
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
  /** A layer's keys, then its values, of each slot: (slots, 2 · key width); or its states, see `TokenMemory`. */
  #layers: readonly Tensor[];
  /** Owns the layers. */
  #scope: Scope;
  #places = 0;

  /**
   * Ends with `owner`.
   * @throws TransformerError OPTION_INVALID for f16 where heads are of odd sizes
   */
  constructor(
    owner: Scope,
    decoder: StackWeights,
    { rows, capacity, dtype }: { rows: number; capacity: number; dtype: CacheDtype },
  ) {
    this.#owner = owner;
    this.#rows = rows;
    this.#capacity = capacity;
    if (dtype === 'f16') this.spill = owner.tensor({ label: 'spill', shape: [1], dtype: 'u32' });
    this.#kept = layersWithKeys(decoder).map(({ selfAttention }) => {
      if (selfAttention.memory) return selfAttention.memory;
      if (dtype === 'f16') assertEven(selfAttention);
      return { width: 2 * layoutOf(selfAttention).keyWidth, dtype };
    });
    this.#places = Math.min(capacity, firstPlaces);
    this.#scope = new Scope(owner);
    this.#layers = this.#make(this.#scope, this.#places);
  }

  /** Whether what is held of a text is of no use where another goes on otherwise. */
  get isWhole(): boolean {
    return this.#kept.some(({ places }) => places);
  }

  /** Tokens of a sequence that there is room for. */
  get places(): number {
    return this.#places;
  }

  /**
   * Makes room for so many tokens a sequence. `move` has lists go on with the larger layers: none may be under
   * way. Errors: OUT_OF_MEMORY, LIMIT_EXCEEDED; all is as it was then.
   */
  async reserve(
    length: number,
    move: (layers: readonly (readonly [from: Tensor, to: Tensor])[]) => void,
  ): Promise<void> {
    if (Math.min(length, this.#capacity) <= this.#places) return;
    const twice = Math.max(length, 2 * this.#places);
    // What little would be left is taken at once.
    const places = 1.5 * twice > this.#capacity ? this.#capacity : twice;
    const scope = new Scope(this.#owner);
    try {
      const layers = this.#make(scope, places);
      const grown = layers.map((to, layer) => [this.#layers[layer] ?? to, to] as const);
      await scope.ready();
      copyFirst(scope, grown, this.#rows * this.#places);
      move(grown);
      this.#scope.dispose();
      this.#scope = scope;
      this.#places = places;
      this.#layers = layers;
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  /** Brings the layers into a recording, and `spill`. */
  in(recording: Recording): { caches: Tensor[]; spill: Tensor | undefined } {
    return {
      caches: this.#layers.map((layer) => recording.use(layer)),
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

  /** Layers with room for so many tokens a sequence. */
  #make(scope: Scope, places: number): Tensor[] {
    return this.#kept.map(({ width, dtype, places: own = places }, layer) =>
      scope.tensor({ label: `cache ${layer}`, shape: [this.#rows * own, width], dtype }),
    );
  }

  /** Copies the first slots of another cache of the same decoder. */
  copy(from: KeyValueCache, slots: number): void {
    const pairs = this.#layers.map((to, layer) => [from.#layers[layer] ?? to, to] as const);
    copyFirst(this.#scope, pairs, slots);
  }
}

/** Copies the first slots of layers to others. */
function copyFirst(
  scope: Scope,
  layers: readonly (readonly [from: Tensor, to: Tensor])[],
  slots: number,
): void {
  scope.assertUsable();
  const { device } = scope.gpu;
  const encoder = device.createCommandEncoder({ label: 'cache' });
  for (const [from, to] of layers) {
    if (from === to || from.buffer === undefined || to.buffer === undefined) continue;
    const bytes = Math.min(from.byteLength, bytesOf(from.dtype, slots * from.size(1)));
    encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes);
  }
  device.queue.submit([encoder.finish()]);
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
