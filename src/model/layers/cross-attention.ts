// §3.2.3 of "Attention Is All You Need": the attention of a decoder to its encoder's output.

import type { Tensor } from '../../runtime/tensor.ts';
import { attentionCross } from '../../shaders/attention/attention-decode.ts';
import { attention } from '../../shaders/attention/attention.ts';
import { concatenate, type CrossAttentionWeights, type WatchWeights } from './attention.ts';
import { linear } from './feed-forward.ts';

export interface CrossAttentionOptions {
  /** Keys and values of the encoder's output: (B, S, 2 · heads · d_k) */
  readonly memory: Tensor;
  /** (B, S), 0 = padding */
  readonly memoryMask: Tensor;
  readonly residual?: Tensor | undefined;
  readonly watch?: WatchWeights;
  /** Rate of dropout of the weights; 0 when absent. */
  readonly dropout?: number;
}

/**
 * "The queries come from the previous decoder layer, and the memory keys and values come from the
 * output of the encoder", §3.2.3. x and result: (B, T, d_model). One token a sequence may be
 * several sequences a source: x is then (B · beams, 1, d_model).
 */
export function crossAttention(
  x: Tensor,
  weights: CrossAttentionWeights,
  { memory, memoryMask, residual, watch, dropout = 0 }: CrossAttentionOptions,
): Tensor {
  const { heads, query, output, scale } = weights;
  const width = memory.size(-1) / 2;
  const shared = {
    q: { tensor: linear(x, query, { label: 'query' }), start: 0 },
    k: { tensor: memory, start: 0 },
    v: { tensor: memory, start: width },
    keyMask: memoryMask,
    heads,
    headSize: width / heads,
    ...(scale !== undefined && { scale }),
  };
  if (x.size(1) === 1 && !x.recording.training && watch === undefined) {
    return linear(attentionCross(shared), output, { residual, label: 'attention output' });
  }
  return concatenate(attention({ ...shared, causal: false, dropout }), output, residual, watch);
}
