// Rotary embeddings whose frequencies depend on the length of the sequence.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { rotaryTurns } from '../../shaders/attention/heads/rotary-turns.ts';
import type { RotaryFrequencies } from './rotary.ts';

/** Frequencies that go by the length. Only models that have some bring the code for it. */
export interface StretchedRotary {
  readonly frequencies: RotaryFrequencies;
  /** Whether a cache is filled again by those of sequences that outgrow `steadyLength`; else it stays as it is. */
  readonly feedsAgain?: boolean;
  /** Those for sequences of a length, in place of those of the last play. */
  readonly stretch: (gpu: Gpu, length: number) => void;
}

/** `turns`: where they lie. */
export function stretchedRotary(turns: Tensor, frequencies: RotaryFrequencies): StretchedRotary {
  return {
    frequencies,
    stretch({ device }, length) {
      const values = rotaryTurns(frequencies.frequencies(length));
      if (turns.buffer !== undefined) device.queue.writeBuffer(turns.buffer, turns.offset, values);
    },
  };
}
