// Keys and values of what was decoded, for every layer of a decoder.

import { TransformerError } from '../../runtime/errors.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { hiddenSlot } from '../../shaders/attention/attention-decode.ts';
import { layoutOf, type SelfAttentionWeights } from '../layers/attention.ts';
import type { StackWeights } from '../layers/stack.ts';
import type { CacheDtype } from '../cache-dtypes.ts';
import type { Tokens } from './prompt.ts';

/** Slots for `rows` sequences of `capacity` tokens; which slot holds what is said by block tables. */
export class KeyValueCache {
  /** (1) u32, of caches in f16: whether a key or value was beyond what they hold, see `assertHeld`. */
  readonly spill: Tensor | undefined;
  readonly #scope: Scope;
  /** A layer's keys, then its values, of each slot: (rows · capacity, 2 · key width) */
  readonly #layers: readonly Tensor[];

  /**
   * Ends with `scope`.
   * @throws TransformerError OPTION_INVALID for f16 where heads are of odd sizes
   */
  constructor(
    scope: Scope,
    { layers }: StackWeights,
    { rows, capacity, dtype }: { rows: number; capacity: number; dtype: CacheDtype },
  ) {
    this.#scope = scope;
    if (dtype === 'f16') {
      for (const { selfAttention } of layers) assertEven(selfAttention);
      this.spill = scope.tensor({ label: 'spill', shape: [1], dtype: 'u32' });
    }
    this.#layers = layers.map(({ selfAttention }, layer) =>
      scope.tensor({
        label: `cache ${layer}`,
        shape: [rows * capacity, 2 * layoutOf(selfAttention).keyWidth],
        dtype,
      }),
    );
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
    this.#scope.assertUsable();
    this.#scope.gpu.device.queue.writeBuffer(buffer, 0, new Uint32Array(1));
  }

  /** Copies the first slots of another cache of the same decoder. */
  copy(from: KeyValueCache, slots: number): void {
    const { device } = this.#scope.gpu;
    const encoder = device.createCommandEncoder({ label: 'cache' });
    this.#layers.forEach((to, layer) => {
      const of = from.#layers[layer];
      if (to.buffer === undefined || of?.buffer === undefined) return;
      const bytes = (of.byteLength / of.size(0)) * slots;
      encoder.copyBufferToBuffer(of.buffer, of.offset, to.buffer, to.offset, bytes);
    });
    device.queue.submit([encoder.finish()]);
  }
}

/** Refuses heads that f16 cannot put two by two into words. */
function assertEven(weights: SelfAttentionWeights): void {
  const { headSize } = layoutOf(weights);
  const pairs = weights.rotary?.turns.size(0) ?? 0;
  if (headSize % 2 === 0 && pairs % 2 === 0) return;
  const what = headSize % 2 === 0 ? `${pairs} pairs that rotate` : `heads of ${headSize} columns`;
  throw new TransformerError(
    'OPTION_INVALID',
    `cacheDtype is 'f16', which needs even numbers, but this model has ${what}. ` +
      "Load it with cacheDtype: 'f32'.",
  );
}

/** Refuses results that a cache could not hold. `spill`: the bytes of the tensor of this name. */
export function assertHeld(spill: ArrayBuffer | undefined): void {
  if (spill === undefined || new Uint32Array(spill)[0] === 0) return;
  throw new TransformerError(
    'LIMIT_EXCEEDED',
    'A key or value of this text is beyond ±65504, which a cache in f16 cannot hold. ' +
      "Load the model with cacheDtype: 'f32'.",
  );
}

/** A block table of sequences whose own slots follow each other: (R, capacity), padding hidden. */
export function ownSlots(prompts: readonly Tokens[], capacity: number): Uint32Array<ArrayBuffer> {
  const table = Uint32Array.from({ length: prompts.length * capacity }, (_, slot) => slot);
  prompts.forEach(({ mask }, row) => {
    mask.forEach((flag, place) => {
      if (flag === 0) table[row * capacity + place] = hiddenSlot;
    });
  });
  return table;
}
