// What objects are in an image, and where: "End-to-End Object Detection with Transformers" (Carion et al., 2020, arXiv
// 2005.12872), §3.2. Each of the last tokens says what it sees, the last label being nothing, and where.

import type { Tensor } from '../../runtime/tensor.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import { applyLayers, type Head, type HeadLayer } from './head.ts';
import type { HeadParts } from './image-head.ts';
import { labelCount } from './head-name.ts';

class DetectionHead implements Head {
  readonly takes = [] as const;
  readonly untrained = 'Object detection';
  readonly chooses: number;
  readonly classifier: readonly HeadLayer[];
  readonly locator: readonly HeadLayer[];

  constructor(tokens: number, classifier: readonly HeadLayer[], locator: readonly HeadLayer[]) {
    this.chooses = tokens;
    this.classifier = classifier;
    this.locator = locator;
  }

  choose({ batch, length }: CheckedInput): number[] {
    const first = length - this.chooses;
    return Array.from({ length: batch * this.chooses }, (_, i) => first + (i % this.chooses));
  }

  record(states: Tensor): Tensor {
    return applyLayers(states, this.classifier);
  }

  boxes(states: Tensor): Tensor {
    return applyLayers(states, this.locator);
  }

  labels(): undefined {
    return undefined;
  }
}

/** Of the last `tokens` of each image. */
export function detectionHead({ config, loader, size }: HeadParts, tokens: number): Head {
  const layers = (name: string, columns: number, last?: 'sigmoid'): HeadLayer[] => [
    { linear: loader.linear(`${name}.layers.0`, size, size), activation: 'relu' },
    { linear: loader.linear(`${name}.layers.1`, size, size), activation: 'relu' },
    { linear: loader.linear(`${name}.layers.2`, columns, size), ...(last && { activation: last }) },
  ];
  return new DetectionHead(
    tokens,
    layers('class_labels_classifier', labelCount(config) + 1),
    layers('bbox_predictor', 4, 'sigmoid'),
  );
}
