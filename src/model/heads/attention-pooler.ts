// Pooling by attention: a vector of its own asks, all states answer ("Set Transformer", Lee et al., 2018, arXiv
// 1810.00825, §3.2; as the head of images in "Scaling Vision Transformers", Zhai et al., 2021, arXiv 2106.04560, §2.2).

import type { Tensor } from '../../runtime/tensor.ts';
import { embedding } from '../../shaders/embedding/embedding.ts';
import { tokenMeans } from '../../shaders/image/token-means.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';
import type { CrossAttentionWeights } from '../layers/attention.ts';
import { crossAttention } from '../layers/cross-attention.ts';
import { feedForward, type FeedForwardWeights } from '../layers/feed-forward.ts';
import { linear } from '../layers/linear.ts';
import type { Pooler } from './pooler.ts';

interface AttentionPoolerParts {
  /** (1, d_model) */
  readonly probe: Tensor;
  readonly attention: CrossAttentionWeights;
  /** Before the feed-forward network. */
  readonly norm: NormWeights;
  readonly feedForward: FeedForwardWeights;
}

/** y + FFN(LayerNorm(y)), y = MultiHead(probe, states, states). */
export class AttentionPooler implements Pooler {
  readonly parts: AttentionPoolerParts;

  constructor(parts: AttentionPoolerParts) {
    this.parts = parts;
  }

  record(states: Tensor, mask: Tensor): Tensor {
    const { recording } = states;
    const { probe, attention, norm, feedForward: inner } = this.parts;
    return recording.within('pooler', () => {
      // New buffers are 0, which is the probe's row.
      const rows = recording.persistent('probe', [states.size(0), 1], 'u32');
      const known = linear(states, attention.keyValue, { label: 'key, value' });
      const attended = crossAttention(embedding(rows, probe), attention, { known, mask });
      const answer = tokenMeans(attended, { first: 0, count: 1 });
      return feedForward(normalize(answer, norm), inner, answer);
    });
  }
}
