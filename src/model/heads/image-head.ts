// The heads of encoders of images, by what the name of a class has behind its family and "For".

import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { scale } from '../../shaders/elementwise/scale.ts';
import { tokenMeans } from '../../shaders/image/token-means.ts';
import type { Config } from '../config.ts';
import { linear } from '../layers/linear.ts';
import type { Linear } from '../weights/linear-weights.ts';
import type { WeightLoader } from '../weights/weights.ts';
import { firstToken, type Head } from './head.ts';
import { labelCount } from './head-name.ts';
import { SequenceHead } from './sequence-head.ts';

export interface HeadParts {
  readonly config: Config;
  readonly loader: WeightLoader;
  /** d_model */
  readonly size: number;
}

/** A classifier of the first token. */
export function tokenClassifier({ config, loader, size }: HeadParts): Head {
  const classifier = loader.linear('classifier', labelCount(config), size);
  return new SequenceHead(config, [{ linear: classifier }], firstToken);
}

/** A classifier of the first token beside the mean of the patches, which `prefix` tokens stand before. */
export function meanClassifier({ config, loader, size }: HeadParts, prefix: number): Head {
  const classifier = loader.linear('classifier', labelCount(config), 2 * size);
  const summary = (states: Tensor): Tensor =>
    tokenMeans(states, { first: 0, count: 1 }, { first: prefix, count: states.size(1) - prefix });
  return new SequenceHead(config, [{ linear: classifier }], undefined, summary);
}

/** A classifier of the mean of the patches, which `prefix` tokens stand before. */
export function patchClassifier({ config, loader, size }: HeadParts, prefix: number): Head {
  const classifier = loader.linear('classifier', labelCount(config), size);
  const summary = (states: Tensor): Tensor =>
    tokenMeans(states, { first: prefix, count: states.size(1) - prefix });
  return new SequenceHead(config, [{ linear: classifier }], undefined, summary);
}

/** DeiT (Touvron et al., 2020, arXiv 2012.12877), §4: the mean of the classifiers of both tokens. */
export class TeacherHead implements Head {
  readonly takes = [] as const;
  readonly untrained = 'A classifier with the token of a teacher';
  readonly classifiers: readonly [Linear, Linear];

  constructor({ config, loader, size }: HeadParts) {
    const labels = labelCount(config);
    this.classifiers = [
      loader.linear('cls_classifier', labels, size),
      loader.linear('distillation_classifier', labels, size),
    ];
  }

  record(states: Tensor): Tensor {
    const [own, taught] = this.classifiers;
    const logits = (layer: Linear, first: number): Tensor =>
      linear(tokenMeans(states, { first, count: 1 }), layer, { label: 'head' });
    return scale(add(logits(own, 0), logits(taught, 1)), 0.5);
  }

  labels(): undefined {
    return undefined;
  }
}
