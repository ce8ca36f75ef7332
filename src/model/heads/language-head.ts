// Logits of the token that follows each token: language models.

import type { Tensor } from '../../runtime/tensor.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import {
  type BeforeOutput,
  logits,
  type OutputLayer,
  type PendingLogits,
  pendingLogits,
} from '../layers/logits.ts';
import type { ModelInputs } from '../model.ts';
import type { Head, Labels } from './head.ts';
import { tokenLabels } from './token-labels.ts';

/** Logits (B, T, V); labels are the tokens themselves, each the label of the place before. */
export class LanguageHead implements Head {
  readonly takes = ['labels'] as const;
  readonly output: OutputLayer;
  readonly before: BeforeOutput | undefined;

  constructor(output: OutputLayer, before?: BeforeOutput) {
    this.output = output;
    this.before = before;
  }

  record(states: Tensor): Tensor {
    return logits(states, this);
  }

  pending(states: Tensor): PendingLogits {
    return pendingLogits(states, this);
  }

  labels({ labels }: ModelInputs, { ids }: CheckedInput): Labels | undefined {
    if (labels === undefined) return undefined;
    const { rows, ...size } = tokenLabels(labels, this.output.weight.size(0), { ids });
    return { classes: { ...size, rows: rows.map((row) => [...row.slice(1), ignoredLabel]) } };
  }
}
