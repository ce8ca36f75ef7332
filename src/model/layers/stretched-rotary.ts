// Rotary embeddings whose frequencies depend on the length of the sequence.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { rotaryTurns } from '../../shaders/attention/heads/split-heads.ts';
import type { RotaryFrequencies } from './rotary.ts';

/** Frequencies, and where they lie. */
export interface StretchedRotary {
  readonly turns: Tensor;
  readonly frequencies: RotaryFrequencies;
  /** Whether a cache is filled again by those of sequences that outgrow `steadyLength`; else it stays as it is. */
  readonly feedsAgain?: boolean;
}

/** Frequencies for sequences of a length, in place of those of the last play. */
export function stretchRotary(
  { device }: Gpu,
  rotary: readonly StretchedRotary[],
  length: number,
): void {
  for (const { turns, frequencies } of rotary) {
    const values = rotaryTurns(frequencies.frequencies(length));
    if (turns.buffer !== undefined) device.queue.writeBuffer(turns.buffer, turns.offset, values);
  }
}
