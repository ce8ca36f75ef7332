// What an encoder and a decoder compute over whole sequences, with the head on top.

import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { PairDefinition } from './definitions.ts';
import type { InputShape } from './inputs/input-stage.ts';
import { recordHead } from './heads/record-head.ts';
import { remember } from './layers/cross-attention.ts';
import { decodeVectors } from './layers/decoder.ts';
import type { PendingLogits } from './layers/logits.ts';
import { encodeVectors } from './layers/transformer.ts';
import type { PairBatch } from './pair-inputs.ts';

/** What a list is recorded for. Lengths are padded ones. */
export interface PairShape {
  readonly batch: number;
  readonly sourceLength: number;
  readonly sourceSize?: InputShape['size'];
  readonly targetLength: number;
  /** Whether labels will be written. */
  readonly labelled: boolean;
  /** Whether logits may be left pending, for a loss that need not have all of them at a time. */
  readonly deferred?: boolean;
  /** Whether targets see only what stands before them; true when absent. */
  readonly causal?: boolean;
}

export interface PairGraph {
  /** (B, S, d_model), what the encoder gives */
  readonly memory: Tensor;
  /** (B, T, d_model) */
  readonly hidden: Tensor;
  /** As the head has them; undefined where they are pending. */
  readonly logits: Tensor | undefined;
  readonly pending: PendingLogits | undefined;
  /** A label for each row of the logits, where they are asked for. */
  readonly labels: Tensor | undefined;
  write(plan: Plan, batch: PairBatch): void;
}

/** Appends the forward pass. */
export function pairGraph(
  recording: Recording,
  { source, target, weights, head }: PairDefinition,
  { batch, sourceLength, sourceSize, targetLength, labelled, deferred, causal = true }: PairShape,
): PairGraph {
  const { encoder, decoder, bridge } = weights;
  const from = source.record(recording, { batch, length: sourceLength, size: sourceSize });
  const memory = encodeVectors(from, encoder);
  const known = remember(memory, from.mask, decoder, bridge);
  const to = target.record(recording, { batch, length: targetLength });
  const hidden = decodeVectors(to, known, { decoder, causal });
  const headed = head && recordHead(head, hidden, { labelled, deferred });
  return {
    memory,
    hidden,
    logits: headed?.logits,
    pending: headed?.pending,
    labels: headed?.labels,
    write(plan, given) {
      from.write(plan, given.source);
      to.write(plan, given.target);
      headed?.write(plan, given);
    },
  };
}
