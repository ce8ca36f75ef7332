// Keys and values of what was decoded, for every layer of a decoder.

import type { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { hiddenSlot } from '../../shaders/attention/attention-decode.ts';
import { layoutOf } from '../layers/attention.ts';
import type { StackWeights } from '../layers/stack.ts';
import type { Tokens } from './prompt.ts';

/** Slots for `rows` sequences of `capacity` tokens; which slot holds what is said by block tables. */
export class KeyValueCache {
  readonly #scope: Scope;
  /** A layer's keys, then its values, of each slot: (rows · capacity, 2 · key width) */
  readonly #layers: readonly Tensor[];

  /** Ends with `scope`. */
  constructor(scope: Scope, { layers }: StackWeights, rows: number, capacity: number) {
    this.#scope = scope;
    this.#layers = layers.map(({ selfAttention }, layer) =>
      scope.tensor({
        label: `cache ${layer}`,
        shape: [rows * capacity, 2 * layoutOf(selfAttention).keyWidth],
        dtype: 'f32',
      }),
    );
  }

  /** Brings the layers into a recording. */
  in(recording: Recording): Tensor[] {
    return this.#layers.map((layer) => recording.use(layer));
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
