// "Disentangled attention", DeBERTa (He et al., 2020, arXiv 2006.03654, §3.1): "each word is represented using two
// vectors that encode its content and position", and scores compare both, each with its own weights.

import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import {
  type PositionScores,
  positionScores,
  type PositionTerms,
} from '../../shaders/attention/attention-positions.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { layoutOf, type ScoredPositions, type SelfAttentionWeights } from './attention.ts';
import { linear } from './linear.ts';

/** The vectors of relative positions, which all layers of a stack share. */
export class RelativePositions {
  /** f32 (rows, d_model) */
  readonly table: Tensor;
  readonly norm: NormWeights | undefined;

  constructor(table: Tensor, norm?: NormWeights) {
    this.table = table;
    this.norm = norm;
  }

  record(recording: Recording): Tensor {
    const vectors = recording.use(this.table);
    return this.norm === undefined ? vectors : normalize(vectors, this.norm);
  }
}

interface DisentangledParts extends PositionTerms {
  /** u32 (2 · reach + 1): the row of each distance from key to query, -reach first. */
  readonly rows: Tensor;
  /** Of positions as queries, as keys, or as both, in this order; the layer's own projections when absent. */
  readonly linear?: Linear | undefined;
}

/** What they are to one layer. */
export class DisentangledPositions implements ScoredPositions {
  readonly parts: DisentangledParts;

  constructor(parts: DisentangledParts) {
    this.parts = parts;
  }

  record(vectors: Tensor, weights: SelfAttentionWeights): PositionScores {
    const { rows, linear: own = weights.queryKeyValue, c2p, p2c } = this.parts;
    const table = linear(vectors, own, { label: 'positions' });
    const { width } = layoutOf(weights);
    return positionScores(table, vectors.recording.use(rows), { c2p, p2c, width });
  }
}
