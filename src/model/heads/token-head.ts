// Logits of every token: named entities, parts of speech, and the words behind a mask.

import type { Tensor } from '../../runtime/tensor.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import type { PendingLogits } from '../layers/logits.ts';
import type { ModelInputs } from '../model.ts';
import type { EncoderHead } from './encoder-heads.ts';
import { labelCount } from './head-name.ts';
import { applyLayers, columnsOf, type Head, type HeadLayer, type Labels } from './head.ts';
import { tokenLabels } from './token-labels.ts';

/** Logits (B, T, C); a label for each token. */
export class TokenHead implements Head {
  readonly takes = ['labels'] as const;
  readonly layers: readonly HeadLayer[];

  constructor(layers: readonly HeadLayer[]) {
    this.layers = layers;
  }

  record(states: Tensor): Tensor {
    return applyLayers(states, this.layers);
  }

  pending(states: Tensor): PendingLogits | undefined {
    const last = this.layers.at(-1);
    if (last === undefined || last.activation || last.norm) return undefined;
    return { x: applyLayers(states, this.layers.slice(0, -1)), layer: last.linear };
  }

  labels({ labels }: ModelInputs, { ids }: CheckedInput): Labels | undefined {
    if (labels === undefined) return undefined;
    return { classes: tokenLabels(labels, columnsOf(this.layers), { ids }) };
  }
}

/** One linear layer over every token. */
export const tokenHead: EncoderHead = {
  shown: (has) => has('classifier.weight'),
  declare: ({ config, loader, size }) =>
    new TokenHead([{ linear: loader.linear('classifier', labelCount(config), size) }]),
};
