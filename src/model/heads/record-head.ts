// A head on top of a recorded stack, with the tensors that a batch is written to.

import type { Plan } from '../../runtime/plan.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import { padRows } from '../inputs/inputs.ts';
import { chosenTokens } from './chosen-tokens.ts';
import type { Head, HeadBatch } from './head.ts';

export interface RecordedHead {
  readonly logits: Tensor;
  readonly boxes: Tensor | undefined;
  /** u32, a label for each row of logits; where they are asked for */
  readonly labels: Tensor | undefined;
  write(plan: Plan, batch: HeadBatch): void;
}

/** Appends a head to the last states of a stack, (B, T, d_model). */
export function recordHead(
  head: Head,
  hidden: Tensor,
  { pooled, mask, labelled }: { pooled?: Tensor | undefined; mask?: Tensor; labelled: boolean },
): RecordedHead {
  const { recording } = hidden;
  const chosen = head.choose && chosenTokens(hidden, head.chooses);
  const states = chosen?.states ?? hidden;
  const logits = head.record(states, pooled, mask);
  const rows = logits.shape.slice(0, -1);
  const labels = labelled ? recording.persistent('labels', rows, 'u32') : undefined;
  return {
    logits,
    boxes: head.boxes?.(states),
    labels,
    write(plan, batchOf) {
      chosen?.write(plan, batchOf.chosen);
      const classes = batchOf.labels?.classes;
      if (labels !== undefined && classes !== undefined) {
        plan.write(labels, padRows(classes, rows[1] ?? 1, ignoredLabel));
      }
    },
  };
}
