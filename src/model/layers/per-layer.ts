// What each layer takes of the tokens themselves: "Per-Layer Embeddings", Gemma 3n and Gemma 4. A table has vectors of
// all layers side by side for each token, of which only the rows of a text's tokens are read.

import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { columnProduct, columnScale } from '../../shaders/elementwise/column-scale.ts';
import { reshape } from '../../shaders/elementwise/reshape.ts';
import { embedding } from '../../shaders/embedding/embedding.ts';
import { activate } from '../../shaders/matmul/gates/activate.ts';
import type { Activation } from '../../shaders/matmul/matmul.ts';
import { normalize, type RmsNormWeights } from '../../shaders/rows/norm.ts';
import type { Linear } from '../weights/linear-weights.ts';
import type { PerLayerVectors } from './embeddings.ts';
import { linear } from './linear.ts';
import type { AroundLayer } from './stack.ts';

/** Plain data in public fields, as of heads. */
export class PerLayerEmbeddings implements PerLayerVectors {
  /** (V, layers · size) */
  readonly table: Tensor;
  /** Of what the table has. */
  readonly scale: number;
  /** The token whose vectors do not train, see `EmbeddingWeights`. */
  readonly padding: number;
  /** Of the tokens' embeddings: (layers · size, d_model) */
  readonly projection: Linear;
  /** Of each layer's part of that: (size) */
  readonly norm: RmsNormWeights;

  constructor(parts: Omit<PerLayerEmbeddings, 'record'>) {
    this.table = parts.table;
    this.scale = parts.scale;
    this.padding = parts.padding;
    this.projection = parts.projection;
    this.norm = parts.norm;
  }

  /** Norm(projection of x) + scale · table[id]: (B, T, layers, size). */
  record(ids: Tensor, x: Tensor): Tensor {
    const projected = linear(x, this.projection, { label: 'per-layer projection' });
    const size = this.norm.weight.size(0);
    const shape = [...ids.shape, projected.size(-1) / size, size];
    const normed = normalize(reshape(projected, shape), this.norm);
    const { scale, padding } = this;
    return add(normed, embedding(ids, this.table, { scale, padding }));
  }
}

/** How a layer takes its part: Norm(W(activation(Vx) ⊗ part)). */
export interface PerLayerGate {
  /** V: (size, d_model) */
  readonly gate: Linear;
  readonly activation: Activation;
  /** W: (d_model, size) */
  readonly projection: Linear;
  readonly norm: RmsNormWeights;
  /** Where the part begins among those of all layers. */
  readonly first: number;
}

/** A layer's end: its part is added, then a factor acts on all that comes out. Plain data in public fields. */
export class PerLayerTail implements AroundLayer {
  readonly gate: PerLayerGate | undefined;
  /** (1); 1 when absent. */
  readonly factor: Tensor | undefined;

  constructor(gate: PerLayerGate | undefined, factor: Tensor | undefined) {
    this.gate = gate;
    this.factor = factor;
  }

  record(
    given: Tensor,
    sublayers: (x: Tensor) => Tensor,
    { perLayer }: { readonly perLayer: Tensor | undefined },
  ): Tensor {
    const { gate, factor } = this;
    const output = sublayers(given);
    const whole = gate && perLayer ? add(output, takenOf(perLayer, output, gate)) : output;
    return factor === undefined ? whole : columnScale(whole, factor);
  }
}

/** Norm(W(activation(Vx) ⊗ part)): (B, T, d_model). */
export function takenOf(
  perLayer: Tensor,
  x: Tensor,
  { gate, activation, projection, norm, first }: PerLayerGate,
): Tensor {
  // By itself: fused into a product without a bias, Mesa's lavapipe computes it wrongly in the form for CPUs.
  const opened = activate(linear(x, gate, { label: 'per-layer gate' }), activation);
  const taken = columnProduct(opened, perLayer, first, 'per-layer input');
  return normalize(linear(taken, projection, { label: 'per-layer output' }), norm);
}
