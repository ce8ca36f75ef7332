// What objects are in an image, and where: "End-to-End Object Detection with Transformers" (Carion et al., 2020, arXiv
// 2005.12872), §3.2. Each of the last tokens says what it sees, the last label being nothing, and where.

import type { Tensor } from '../../runtime/tensor.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import {
  type DetectionLossOptions,
  detectionLossOptions,
  objectLabels,
  recordDetectionLoss,
} from './detection-loss.ts';
import {
  applyLayers,
  columnsOf,
  type Head,
  type HeadLayer,
  type Labels,
  type RecordedLoss,
} from './head.ts';
import type { ModelInputs } from '../model.ts';
import type { Config } from '../config.ts';
import { cannotTrain } from '../trainable-model.ts';
import type { HeadParts } from './image-head.ts';
import { labelCount } from './head-name.ts';

interface DetectionParts {
  readonly tokens: number;
  readonly classifier: readonly HeadLayer[];
  readonly locator: readonly HeadLayer[];
}

class DetectionHead implements Head {
  readonly takes = ['labels'] as const;
  readonly untrained: string | undefined;
  readonly chooses: number;
  readonly classifier: readonly HeadLayer[];
  readonly locator: readonly HeadLayer[];

  readonly factors: DetectionLossOptions;

  constructor(config: Config, { tokens, classifier, locator }: DetectionParts) {
    this.chooses = tokens;
    this.classifier = classifier;
    this.locator = locator;
    this.factors = detectionLossOptions(config);
    // Python's models fail with it: what is seen behind each layer is no tensor.
    const isAuxiliary = config.boolean('auxiliary_loss', false);
    this.untrained = isAuxiliary ? 'Object detection with "auxiliary_loss"' : undefined;
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

  loss(logits: Tensor, room: number, boxes: Tensor | undefined): RecordedLoss {
    if (boxes === undefined) throw new RangeError('a detector without boxes');
    return recordDetectionLoss(logits, boxes, this.factors, room);
  }

  labels({ labels }: ModelInputs, { batch }: CheckedInput): Labels | undefined {
    if (labels === undefined) return undefined;
    if (this.untrained !== undefined) throw cannotTrain(this.untrained);
    const classes = columnsOf(this.classifier) - 1;
    return { sequences: objectLabels(labels, { batch, classes, tokens: this.chooses }) };
  }
}

/** Of the last `tokens` of each image. */
export function detectionHead({ config, loader, size }: HeadParts, tokens: number): Head {
  const layers = (name: string, columns: number, last?: 'sigmoid'): HeadLayer[] => [
    { linear: loader.linear(`${name}.layers.0`, size, size), activation: 'relu' },
    { linear: loader.linear(`${name}.layers.1`, size, size), activation: 'relu' },
    { linear: loader.linear(`${name}.layers.2`, columns, size), ...(last && { activation: last }) },
  ];
  return new DetectionHead(config, {
    tokens,
    classifier: layers('class_labels_classifier', labelCount(config) + 1),
    locator: layers('bbox_predictor', 4, 'sigmoid'),
  });
}
