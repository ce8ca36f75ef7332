// What sentence-transformers puts behind a model, on the GPU, so that it trains with it: layers of vectors, after a pooling.

import type { Plan } from '../runtime/plan.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { add } from '../shaders/elementwise/add.ts';
import { dropout } from '../shaders/elementwise/dropout.ts';
import type { Activation } from '../shaders/matmul/matmul.ts';
import { type LayerNormWeights, normalize } from '../shaders/rows/norm.ts';
import { linear } from './layers/linear.ts';
import type { Linear } from './weights/linear-weights.ts';

/** How the states of a text's tokens become the vector that it is compared by. */
export interface SentenceHead {
  readonly pooling: 'mean' | 'cls' | 'last';
  readonly layers: readonly VectorLayer[];
  /** Its files of JSON, by their paths. */
  readonly files: Readonly<Record<string, unknown>>;
}

/** A layer of vectors, as plain data. */
export type VectorLayer =
  | DenseLayer
  | { readonly norm: LayerNormWeights }
  | { readonly rate: number }
  | 'normalize';

interface DenseLayer {
  readonly dense: Linear;
  readonly activation: Activation;
  /** What is added: the vector, or a projection of it; nothing when absent. */
  readonly residual?: 'vector' | Linear;
  /** The error of vectors that do not fit it. */
  readonly mismatch: (given: number) => Error;
}

/** Vectors, and what writes what they need before a play. */
export interface WrittenVectors {
  readonly vectors: Tensor;
  readonly write: (plan: Plan) => void;
}

/** Appends the layers of a head, (B, d_model) to (B, d). */
export function recordVectors(vectors: Tensor, { layers }: SentenceHead): WrittenVectors {
  const writes: WrittenVectors['write'][] = [];
  const last = layers.reduce((x, layer) => {
    if (layer === 'normalize') {
      const unit = unitVectors(x);
      writes.push(unit.write);
      return unit.vectors;
    }
    if ('norm' in layer) return normalize(x, layer.norm, { label: 'layer norm of a vector' });
    if ('rate' in layer) return dropout(x, layer.rate);
    return denseOf(x, layer);
  }, vectors);
  return { vectors: last, write: (plan) => writes.forEach((write) => write(plan)) };
}

/** Vectors of length 1: an RMS norm whose gain, for vectors of `size` numbers, is 1/√size. */
export function unitVectors(vectors: Tensor): WrittenVectors {
  const size = vectors.size(-1);
  const weight = vectors.recording.persistent('length of 1', [size]);
  const gain = new Float32Array(size).fill(1 / Math.sqrt(size));
  return {
    vectors: normalize(vectors, { weight, eps: 1e-24 }, { label: 'unit vectors' }),
    write: (plan) => plan.write(weight, gain),
  };
}

function denseOf(x: Tensor, { dense, activation, residual, mismatch }: DenseLayer): Tensor {
  if (x.size(-1) !== dense.weight.size(1)) throw mismatch(x.size(-1));
  const y = linear(x, dense, { activation, label: 'dense layer of a vector' });
  if (residual === undefined) return y;
  return add(y, residual === 'vector' ? x : linear(x, residual, { label: 'residual' }));
}
