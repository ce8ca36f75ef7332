// The vector of a text or an image that others are compared with.

import type { Tensor } from '../../runtime/tensor.ts';
import { normalize, type RmsNormWeights } from '../../shaders/rows/norm.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import { linear } from '../layers/linear.ts';
import type { ModelOutput } from '../model.ts';
import type { Linear } from '../weights/linear-weights.ts';
import type { WeightLoader } from '../weights/weights.ts';
import type { Head } from './head.ts';

type EmbeddingName = 'textEmbeds' | 'imageEmbeds';

interface EmbeddingParts {
  /** Of what the pooler gives; none when absent. */
  readonly projection?: Linear;
  /** Brings vectors to length 1, see `unitNorm`; as they are when absent. */
  readonly norm?: RmsNormWeights;
}

export class EmbeddingHead implements Head {
  readonly takes = [] as const;
  readonly untrained = 'A model that gives vectors alone';
  readonly name: EmbeddingName;
  readonly parts: EmbeddingParts;

  constructor(name: EmbeddingName, parts: EmbeddingParts) {
    this.name = name;
    this.parts = parts;
  }

  record(_states: Tensor, pooled: Tensor | undefined): Tensor {
    const { projection, norm } = this.parts;
    if (pooled === undefined) throw new RangeError('this head needs a pooler');
    const vectors = projection ? linear(pooled, projection, { label: this.name }) : pooled;
    return norm ? normalize(vectors, norm, { label: this.name }) : vectors;
  }

  show(vectors: DenseTensor, output: ModelOutput): void {
    output[this.name] = vectors;
  }

  labels(): undefined {
    return undefined;
  }
}

/** x / |x|: an RMS norm whose gain, for vectors of `size` numbers, is 1/√size. */
export function unitNorm(loader: WeightLoader, size: number): RmsNormWeights {
  const gain = new Float32Array(size).fill(1 / Math.sqrt(size));
  return { weight: loader.computed('length of 1', [size], gain), eps: 1e-24 };
}
