// The token inputs of a recorded list.

import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { ignoredLabel } from '../../shaders/loss/cross-entropy.ts';
import type { ForwardTokens } from './encoder-decoder-inputs.ts';
import { padRows } from './inputs.ts';
import type { Tokens } from '../layers/embeddings.ts';

/** Inputs of a stack: ids and mask (batch, length), places (batch, length, 2). */
export function tokensOf(
  recording: Recording,
  name: string,
  batch: number,
  length: number,
): Tokens {
  return {
    ids: recording.persistent(`${name} ids`, [batch, length], 'u32'),
    place: recording.persistent(`${name} places`, [batch, length, 2], 'u32'),
    mask: recording.persistent(`${name} mask`, [batch, length], 'u32'),
  };
}

/** Where a list takes its sequences from: source and target tokens, and labels of the target. */
export interface SequenceInputs {
  readonly source: Tokens;
  readonly target: Tokens;
  readonly labels: Tensor;
}

/** Inputs of an encoder–decoder list for padded lengths. */
export function sequenceInputs(
  recording: Recording,
  { batch, sourceLength, targetLength }: SequenceShape,
): SequenceInputs {
  return {
    source: tokensOf(recording, 'source', batch, sourceLength),
    target: tokensOf(recording, 'target', batch, targetLength),
    labels: recording.persistent('labels', [batch, targetLength], 'u32'),
  };
}

export interface SequenceShape {
  readonly batch: number;
  readonly sourceLength: number;
  readonly targetLength: number;
}

/** Writes checked sequences, padded to the list's lengths. */
export function writeSequences(
  plan: Plan,
  inputs: SequenceInputs,
  { source, sourceMask, target, targetMask, labels }: ForwardTokens,
): void {
  const [sourceLength, targetLength] = [inputs.source.ids.size(-1), inputs.target.ids.size(-1)];
  plan.write(inputs.source.ids, padRows(source, sourceLength));
  plan.write(inputs.source.mask, padRows(sourceMask, sourceLength));
  plan.write(inputs.target.ids, padRows(target, targetLength));
  plan.write(inputs.target.mask, padRows(targetMask, targetLength));
  if (labels !== undefined) plan.write(inputs.labels, padRows(labels, targetLength, ignoredLabel));
}

/** Positions count from 0 in every sequence, whatever its padding, as in Hugging Face's Marian. */
export function writePositions(plan: Plan, { place }: Tokens): void {
  const length = place.size(1);
  plan.write(
    place,
    Uint32Array.from({ length: place.size(0) * length * 2 }, (_, i) => (i >> 1) % length),
  );
}
