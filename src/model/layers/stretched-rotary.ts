// Rotary embeddings whose frequencies depend on the length of the sequence.

import type { Gpu } from '../../runtime/gpu.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { rotaryTurns } from '../../shaders/attention/split-heads.ts';

/** Frequencies for sequences of a length, in place of those of the last play. */
export function stretchRotary(
  { device }: Gpu,
  rotary: NonNullable<SequenceDefinition['rotary']>,
  length: number,
): void {
  for (const { turns, frequencies } of rotary) {
    const values = rotaryTurns(frequencies.frequencies(length));
    if (turns.buffer !== undefined) device.queue.writeBuffer(turns.buffer, turns.offset, values);
  }
}
