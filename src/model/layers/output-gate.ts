// Gates of what heads give, made of what they read ("Gated Attention for Large Language Models", Qiu et al., 2025,
// arXiv 2505.06708, §2.2).

import type { Tensor } from '../../runtime/tensor.ts';
import { openHeads } from '../../shaders/attention/heads/open-heads.ts';
import type { Linear } from '../weights/linear-weights.ts';
import type { AttentionGate } from './attention.ts';
import { linear } from './linear.ts';

/** Plain data in public fields, as of heads. */
export class OutputGate implements AttentionGate {
  /** (gates, d_model): a gate for each column of the heads, or for each head. */
  readonly linear: Linear;

  constructor(weights: Linear) {
    this.linear = weights;
  }

  record(attended: Tensor, x: Tensor): Tensor {
    return openHeads(attended, linear(x, this.linear, { label: 'attention gate' }));
  }
}
