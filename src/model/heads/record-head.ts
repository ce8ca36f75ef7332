// A head on top of a recorded stack, with the tensors that a batch is written to.

import type { Plan } from '../../runtime/plan.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import { padRows } from '../inputs/inputs.ts';
import { chosenTokens } from './chosen-tokens.ts';
import type { PendingLogits } from '../layers/logits.ts';
import type { Head, HeadBatch } from './head.ts';

export interface RecordedHead {
  /** Undefined where they are pending. */
  readonly logits: Tensor | undefined;
  readonly pending: PendingLogits | undefined;
  readonly boxes: Tensor | undefined;
  /** u32, a label for each row of logits; where they are asked for */
  readonly labels: Tensor | undefined;
  /** Those of a loss of its own, where there is room for labels */
  readonly losses: Tensor | undefined;
  write(plan: Plan, batch: HeadBatch): void;
}

interface HeadOptions {
  readonly pooled?: Tensor | undefined;
  readonly mask?: Tensor;
  /** Whether labels will be written. */
  readonly labelled: boolean;
  /** How many each sequence has at most, where the head has a loss of its own. */
  readonly room?: number | undefined;
  /** Whether logits may be left pending. */
  readonly deferred?: boolean | undefined;
  /** Tokens of each sequence that it reads, of heads that read all; all when absent. */
  readonly kept?: number | undefined;
}

/** Appends a head to the last states of a stack, (B, T, d_model). */
export function recordHead(
  head: Head,
  hidden: Tensor,
  { pooled, mask, labelled, room, kept, deferred = false }: HeadOptions,
): RecordedHead {
  const { recording } = hidden;
  const chooses = head.choose !== undefined || kept !== undefined;
  const chosen = chooses ? chosenTokens(hidden, head.chooses ?? kept) : undefined;
  const states = chosen?.states ?? hidden;
  const pending = deferred ? head.pending?.(states) : undefined;
  const logits = pending ? undefined : recording.tap('logits', head.record(states, pooled, mask));
  const rows = (pending?.x ?? logits)?.shape.slice(0, -1) ?? [];
  const boxes = head.boxes?.(states);
  const loss = logits && room !== undefined ? head.loss?.(logits, room, boxes) : undefined;
  const labels = labelled && !loss ? recording.persistent('labels', rows, 'u32') : undefined;
  return {
    logits,
    pending,
    boxes,
    labels,
    losses: loss?.losses,
    write(plan, batchOf) {
      chosen?.write(plan, batchOf.chosen);
      const { classes, sequences } = batchOf.labels ?? {};
      if (sequences !== undefined) loss?.write(plan, sequences);
      if (labels !== undefined && classes !== undefined) {
        plan.write(labels, padRows(classes, rows[1] ?? 1, ignoredLabel));
      }
    },
  };
}
