// "Disentangled attention", DeBERTa (He et al., 2020, arXiv 2006.03654, §3.1): "each word is represented using two
// vectors that encode its content and position", and scores compare both, each with its own weights.

import { windowOf } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import {
  type PositionScores,
  positionScores,
  type PositionTerms,
} from '../../shaders/attention/positions/attention-positions.ts';
import { embedding } from '../../shaders/embedding/embedding.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { layoutOf, type ScoredPositions, type SelfAttentionWeights } from './attention.ts';
import { linear } from './linear.ts';

/** Which rows of the table the distances of a text have. */
export class PositionRows {
  /** u32 (2 · reach + 1): the row of each distance from key to query, -reach first. */
  readonly tensor: Tensor;
  readonly #values: Uint32Array;
  readonly #step: number;

  /** `values`: those of the tensor, which fall; `size`: numbers of a row. */
  constructor(tensor: Tensor, values: Uint32Array, size: number) {
    this.tensor = tensor;
    this.#values = values;
    // Windows of a table begin at multiples of 64 numbers.
    this.#step = [1, 2, 4, 8, 16, 32, 64].find((step) => (step * size) % 64 === 0) ?? 64;
  }

  /** Those of a text of so many tokens. */
  of(length: number): { readonly first: number; readonly count: number } {
    const reach = (this.#values.length - 1) / 2;
    const most = Math.min(length - 1, reach);
    const [low = 0, high = 0] = [this.#values[reach + most], this.#values[reach - most]];
    const first = low - (low % this.#step);
    return { first, count: high - first + 1 };
  }

  /** u32: the row of each distance that x, (B, T, d_model), has, and of some beyond. */
  byDistance(x: Tensor): Tensor {
    const reach = (this.#values.length - 1) / 2;
    // Windows begin at multiples of 64.
    const before = Math.floor((reach - Math.min(x.size(1) - 1, reach)) / 64) * 64;
    const whole = x.recording.use(this.tensor);
    return windowOf(whole, before, { shape: [this.#values.length - 2 * before] });
  }
}

/** The vectors of relative positions, which all layers of a stack share. */
export class RelativePositions {
  /** f32 (rows, d_model) */
  readonly table: Tensor;
  readonly norm: NormWeights | undefined;
  readonly rows: PositionRows;

  constructor(table: Tensor, rows: PositionRows, norm?: NormWeights) {
    this.table = table;
    this.rows = rows;
    this.norm = norm;
  }

  /** Those that the distances of x, (B, T, d_model), have. */
  record(x: Tensor): Tensor {
    const size = this.table.size(-1);
    const { first, count } = this.rows.of(x.size(1));
    const whole = x.recording.use(this.table);
    // In training a row for each distance: what distances have in common gets the sum of their gradients.
    const vectors = x.recording.training
      ? embedding(this.rows.byDistance(x), this.table)
      : windowOf(whole, first * size, { shape: [count, size] });
    return this.norm === undefined ? vectors : normalize(vectors, this.norm);
  }
}

interface DisentangledParts extends PositionTerms {
  readonly rows: PositionRows;
  /** Of positions as queries, as keys, or as both, in this order; the layer's own projections when absent. */
  readonly linear?: Linear | undefined;
}

/** What they are to one layer. */
export class DisentangledPositions implements ScoredPositions {
  readonly parts: DisentangledParts;

  constructor(parts: DisentangledParts) {
    this.parts = parts;
  }

  record(vectors: Tensor, weights: SelfAttentionWeights, x: Tensor): PositionScores {
    const { rows, linear: own = weights.queryKeyValue, c2p, p2c } = this.parts;
    const table = linear(vectors, own, { label: 'positions' });
    const { width } = layoutOf(weights);
    if (x.recording.training) return positionScores(table, undefined, { c2p, p2c, width });
    const { first } = rows.of(x.size(1));
    return positionScores(table, x.recording.use(rows.tensor), { c2p, p2c, width, first });
  }
}
