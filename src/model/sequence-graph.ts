// What a model of one stack computes: its input, layers, pooler and head.

import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { embedding } from '../shaders/embedding/embedding.ts';
import type { SequenceDefinition } from './definitions.ts';
import { applyLayers, checkHead, type HeadBatch } from './heads/head.ts';
import { recordHead } from './heads/record-head.ts';
import type { CheckedInput, InputShape } from './inputs/input-stage.ts';
import { sequenceStack } from './layers/sequence-stack.ts';
import { type ModelInputs, refuseInputs } from './model.ts';

/** A batch that was checked. */
export interface SequenceBatch extends HeadBatch {
  readonly input: CheckedInput;
}

export interface SequenceGraph {
  /** (B, T, d_model) */
  readonly hidden: Tensor;
  /** (B, d_model) */
  readonly pooled: Tensor | undefined;
  /** As the head has them. */
  readonly logits: Tensor | undefined;
  readonly boxes: Tensor | undefined;
  /** A label for each row of the logits, where they are asked for. */
  readonly labels: Tensor | undefined;
  write(plan: Plan, batch: SequenceBatch): void;
}

/** @throws TransformerError INPUT_INVALID */
export function checkSequences(
  inputs: ModelInputs,
  { input, head }: SequenceDefinition,
): SequenceBatch {
  refuseInputs(inputs, [...input.takes, ...(head?.takes ?? [])], 'This model');
  const checked = input.check(inputs);
  return { input: checked, ...checkHead(head, inputs, checked) };
}

/** Appends the forward pass. `labelled`: whether labels will be written. */
export function sequenceGraph(
  recording: Recording,
  { input, stack, causal, pooler, head }: SequenceDefinition,
  { labelled, ...shape }: InputShape & { readonly labelled: boolean },
): SequenceGraph {
  const begun = input.record(recording, shape);
  const { mask, place, between } = begun;
  const hidden = sequenceStack(begun.vectors, stack, { mask, place, causal, between });
  const firsts = pooler && recording.persistent('first tokens', [shape.batch], 'u32');
  const pooled = firsts && applyLayers(embedding(firsts, hidden), pooler);
  const headed = head && recordHead(head, hidden, { pooled, labelled });
  return {
    hidden,
    pooled,
    logits: headed?.logits,
    boxes: headed?.boxes,
    labels: headed?.labels,
    write(plan, batch) {
      begun.write(plan, batch.input);
      if (firsts !== undefined) {
        plan.write(
          firsts,
          Uint32Array.from({ length: shape.batch }, (_, row) => row * shape.length),
        );
      }
      headed?.write(plan, batch);
    },
  };
}
