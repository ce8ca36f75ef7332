// Logits of labels, or of none, at each step of a sound.

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import { linear } from '../layers/linear.ts';
import type { ModelInputs } from '../model.ts';
import type { Linear } from '../weights/linear-weights.ts';
import type { CtcSettings } from './ctc-loss.ts';
import type { Head, Labels } from './head.ts';

/** Logits (B, T, V); labels of each row, (B, L), fewer ones filled up with numbers below 0. */
export class CtcHead implements Head {
  readonly takes = ['labels'] as const;
  readonly untrained = 'A head of connectionist temporal classification';
  readonly layer: Linear;
  readonly settings: CtcSettings;

  constructor(layer: Linear, settings: CtcSettings) {
    this.layer = layer;
    this.settings = settings;
  }

  record(states: Tensor): Tensor {
    return linear(dropout(states, this.settings.dropout), this.layer, { label: 'head' });
  }

  labels({ labels }: ModelInputs, { batch, mask }: CheckedInput): Labels | undefined {
    if (labels === undefined) return undefined;
    const classes = this.layer.weight.size(0);
    const rows: readonly unknown[] = labels;
    const isLabel = (label: unknown): boolean => Number.isInteger(label) && Number(label) < classes;
    if (rows.length !== batch || !rows.every((row) => Array.isArray(row) && row.every(isLabel))) {
      throw new TransformerError(
        'INPUT_INVALID',
        `labels are ${show(labels)}; wanted ${batch} arrays of labels from 0 to ${classes - 1}, or below 0 for none.`,
      );
    }
    const own = (rows as readonly (readonly number[])[]).map((row) =>
      row.filter((label) => label >= 0),
    );
    const lengths = mask.rows.map((row) => row.reduce((sum, step) => sum + step, 0));
    return {
      loss: async (logits) => {
        const { ctcLoss } = await import('./ctc-loss.ts');
        return ctcLoss(logits, own, lengths, this.settings);
      },
    };
  }
}
