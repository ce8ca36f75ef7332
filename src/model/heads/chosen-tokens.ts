// Tokens of each sequence, chosen anew with every batch.

import type { Plan } from '../../runtime/plan.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { embedding } from '../../shaders/embedding/embedding.ts';

export interface ChosenTokens {
  /** (B, d_model), or (B, count, d_model) */
  readonly states: Tensor;
  /** Writes the place of each in its sequence, before a play. */
  write(plan: Plan, tokens: readonly number[] | undefined): void;
}

/** Appends the choice, of one token a sequence or of `count`. hidden: (B, T, d_model). */
export function chosenTokens(hidden: Tensor, count?: number): ChosenTokens {
  const [batch = 0, length = 0] = hidden.shape;
  const shape = count === undefined ? [batch] : [batch, count];
  const places = hidden.recording.persistent('chosen tokens', shape, 'u32');
  const place = (token: number, i: number): number => Math.floor(i / (count ?? 1)) * length + token;
  return {
    states: embedding(places, hidden),
    write(plan, tokens = []) {
      plan.write(places, Uint32Array.from(tokens, place));
    },
  };
}
