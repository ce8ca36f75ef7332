// How alike texts and images are, of the vectors of both.

import type { Tensor } from '../../runtime/tensor.ts';
import { logScale } from '../../shaders/elementwise/log-scale.ts';
import { matmul } from '../../shaders/matmul/matmul.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import type { ModelOutput } from '../model.ts';
import type { PairLoss, PairLosses } from './similarity-losses.ts';

interface SimilarityParts {
  /** (1): the logarithm of the factor of the likeness */
  readonly scale: Tensor;
  /** (1), added to it; none when absent */
  readonly bias?: Tensor;
  /** The loss of pairs. */
  readonly loss: PairLoss;
}

export class SimilarityHead {
  readonly parts: SimilarityParts;

  constructor(parts: SimilarityParts) {
    this.parts = parts;
  }

  /** e^scale · cos + bias. images: (N, d), texts: (M, d), both of length 1. Result: (N, M). */
  record(images: Tensor, texts: Tensor): Tensor {
    const { scale, bias } = this.parts;
    return logScale(matmul(images, texts, { transposed: true, label: 'likeness' }), scale, bias);
  }

  show(logits: DenseTensor, output: ModelOutput): void {
    output.logitsPerImage = logits;
    output.logitsPerText = transposed(logits);
  }

  /** Appends the losses where text i belongs to image i, of as many as there are images. */
  losses(images: Tensor, texts: Tensor, perImage: Tensor = this.record(images, texts)): PairLosses {
    const perText = (): Tensor => this.record(texts, images);
    return this.parts.loss({ perImage, perText });
  }
}

function transposed({ data, shape: [rows = 0, columns = 0] }: DenseTensor): DenseTensor {
  const turned = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? NaN);
  return { data: turned, shape: [columns, rows] };
}
