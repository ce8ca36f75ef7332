// Segments: long tensors that hold many parameters one after the other, and what belongs to them.

import { elements, type Tensor } from '../../runtime/tensor.ts';

/** Parameters that are updated together, and what belongs to them element by element. */
export interface Segment {
  /** f32 (n), n a multiple of 4. */
  readonly parameters: Tensor;
  /** f32 (n). */
  readonly gradients: Tensor;
  /** u32 (n / 4), a byte an element, the first in the lowest: bit 0 trainable, bit 1 decays. */
  readonly flags: Tensor;
  /** f32 (n) each, 0 before the first update: m, v and v_max of Adam, the velocity of SGD; see `adam8bit`. */
  readonly states: readonly Tensor[];
  /** Of Adam's: the elements that are updated, and that `states` are of; all when absent. */
  readonly run?: Run;
}

/** Some elements of a segment: multiples of 64. */
export interface Run {
  readonly first: number;
  readonly size: number;
}

/** What changes from step to step and what a step leaves behind. */
export interface StepTensors {
  /** f32 (4): learning rate, largest norm of the gradients (0: no clipping), 0, 0. */
  readonly settings: Tensor;
  /**
   * f32 (4), written by `measureGradients`: norm of all gradients (infinity when the update is
   * skipped), factor applied to them (0 when skipped), 1 = applied or 0 = skipped, updates so far.
   */
  readonly status: Tensor;
}

/** Fours of elements that an update changes; the tensors of the segment must agree on their length. */
export function foursOf({ parameters, gradients, flags: flagBytes, run }: Segment): number {
  const fours = elements(flagBytes.shape);
  for (const tensor of [parameters, gradients]) {
    if (elements(tensor.shape) !== 4 * fours || tensor.dtype !== 'f32') {
      throw new RangeError(
        `a segment with ${flagBytes.describe()} cannot hold ${tensor.describe()}: wanted f32(${4 * fours})`,
      );
    }
  }
  return run === undefined ? fours : run.size / 4;
}

/** The four at which they begin. */
export function firstOf({ run }: Segment): number {
  return (run?.first ?? 0) / 4;
}
