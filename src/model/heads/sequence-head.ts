// Logits of each sequence, of one of its tokens or of what the pooler makes of it: classes, numbers or flags.

import { TransformerError } from '../../runtime/errors.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { Config } from '../config.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import type { ModelInputs } from '../model.ts';
import type { EncoderHead } from './encoder-heads.ts';
import { labelCount } from './head-name.ts';
import {
  applyLayers,
  type ChooseToken,
  columnsOf,
  type Head,
  type HeadLayer,
  type Labels,
} from './head.ts';

/** Logits (B, C); a class of each sequence, or as many numbers as it has logits. */
export class SequenceHead implements Head {
  readonly takes = ['labels'] as const;
  readonly choose: ChooseToken | undefined;
  readonly layers: readonly HeadLayer[];
  /** What labels are, by `problem_type`, else by their number. */
  readonly problem: unknown;

  /** What the layers read of all states, (B, T, d_model), where that is more than one token; see `record`. */
  readonly summary: ((states: Tensor, mask: Tensor | undefined) => Tensor) | undefined;

  /** `choose`: the token whose states are read; the pooler's where it and `summary` are absent. */
  constructor(
    config: Config,
    layers: readonly HeadLayer[],
    choose?: ChooseToken,
    summary?: SequenceHead['summary'],
  ) {
    const usual = columnsOf(layers) === 1 ? 'regression' : 'single_label_classification';
    this.problem = config.get('problem_type') ?? usual;
    this.layers = layers;
    this.choose = choose;
    this.summary = summary;
  }

  record(states: Tensor, pooled: Tensor | undefined, mask?: Tensor): Tensor {
    const from = this.summary?.(states, mask) ?? (this.choose ? states : pooled);
    if (from === undefined) throw new RangeError('this head needs a pooler');
    return applyLayers(from, this.layers);
  }

  labels({ labels }: ModelInputs, { batch }: CheckedInput): Labels | undefined {
    if (labels === undefined) return undefined;
    const { problem } = this;
    const columns = columnsOf(this.layers);
    const isFlags = problem === 'multi_label_classification';
    const isValue = isFlags || problem === 'regression';
    const flat = [labels].flat(2) as readonly number[];
    const fits = (label: number): boolean =>
      isValue
        ? Number.isFinite(label)
        : label === ignoredLabel || (Number.isInteger(label) && label >= 0 && label < columns);
    const wanted = isValue ? batch * columns : batch;
    if (flat.length !== wanted || !flat.every(fits)) {
      throw new TransformerError(
        'INPUT_INVALID',
        `labels are [${flat.slice(0, 8).join(', ')}]; wanted ${wanted} ` +
          (isValue ? 'numbers.' : `classes from 0 to ${columns - 1}.`),
      );
    }
    if (!isValue) return { classes: { batch, length: 1, rows: flat.map((label) => [label]) } };
    return {
      values: flat,
      loss: async (logits) => {
        const { flagLoss, squaredLoss } = await import('./losses.ts');
        return (isFlags ? flagLoss : squaredLoss)(logits, flat);
      },
    };
  }
}

export const sequenceHead: EncoderHead = {
  // Classifiers of tokens have no pooler.
  shown: (has) =>
    has('classifier.dense.weight') ||
    has('pre_classifier.weight') ||
    (has('classifier.weight') && (has('bert.pooler.dense.weight') || has('albert.pooler.weight'))),
  declare({ config, loader, size, names: { sequence } }) {
    const { dense, output, choose } = sequence;
    const layers: HeadLayer[] = [];
    if (dense !== undefined) {
      const [name, activation] = dense;
      layers.push({ linear: loader.linear(name, size, size), activation });
    }
    layers.push({ linear: loader.linear(output, labelCount(config), size) });
    return new SequenceHead(config, layers, choose);
  },
};
