// The token inputs of a recorded list.

import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { Tokens } from './transformer.ts';

/** Inputs of a stack: ids, positions and mask, each (batch, length). */
export function tokensOf(
  recording: Recording,
  name: string,
  batch: number,
  length: number,
): Tokens {
  const input = (part: string): Tensor =>
    recording.persistent(`${name} ${part}`, [batch, length], 'u32');
  return { ids: input('ids'), position: input('positions'), mask: input('mask') };
}

/** Positions count from 0 in every sequence, whatever its padding, as in Hugging Face's Marian. */
export function writePositions(plan: Plan, { position }: Tokens, length: number): void {
  const batch = position.size(0);
  plan.write(
    position,
    Uint32Array.from({ length: batch * length }, (_, i) => i % length),
  );
}
