// Logits of labels, or of none, at each step of a sound.

import { TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import { linear } from '../layers/linear.ts';
import type { ModelInputs } from '../model.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { type CtcLossOptions, recordCtcLoss } from './ctc-loss.ts';
import { isPossible } from './ctc-places.ts';
import type { Head, Labels, RecordedLoss } from './head.ts';

export interface CtcSettings extends CtcLossOptions {
  /** Whether labels that no path fits count nothing. */
  readonly zeroInfinity: boolean;
  /** Rate of dropout of the states, in training. */
  readonly dropout: number;
}

/** Labels take room in multiples of this, so that lists are reused. */
const ROOM = 8;

/** Logits (B, T, V); labels of each row, (B, L), fewer ones filled up with numbers below 0. */
export class CtcHead implements Head {
  readonly takes = ['labels'] as const;
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
    const { blank, zeroInfinity, reduction } = this.settings;
    const classes = this.layer.weight.size(0);
    if (blank >= classes) {
      throw new TransformerError(
        'INPUT_INVALID',
        `labels need a blank, but pad_token_id of config.json is ${blank}, and the model has ${classes} classes.`,
      );
    }
    const given: readonly unknown[] = labels;
    const isLabel = (label: unknown): boolean => Number.isInteger(label) && Number(label) < classes;
    if (given.length !== batch || !isListOf(given, (row) => isListOf(row, isLabel))) {
      throw new TransformerError(
        'INPUT_INVALID',
        `labels are ${show(labels)}; wanted ${batch} arrays of labels from 0 to ${classes - 1}, or below 0 for none.`,
      );
    }
    const rows = (given as readonly (readonly number[])[]).map((row) =>
      row.filter((label) => label >= 0),
    );
    const heard = mask.rows.map((row) => row.reduce((sum, step) => sum + step, 0));
    const isImpossible = heard.map((own, i) => !isPossible(rows[i] ?? [], own));
    const impossible = zeroInfinity ? -1 : isImpossible.indexOf(true);
    // A sequence without steps counts nothing.
    const steps = heard.map((own, i) => (zeroInfinity && isImpossible[i] === true ? 0 : own));
    const longest = rows.reduce((most, { length }) => Math.max(most, length), 1);
    return {
      sequences: {
        rows,
        steps,
        room: Math.ceil(longest / ROOM) * ROOM,
        count: reduction === 'mean' ? batch : 1,
        ...(impossible >= 0 && { impossible }),
      },
    };
  }

  loss(logits: Tensor, room: number): RecordedLoss {
    return recordCtcLoss(logits, this.settings, room);
  }
}
