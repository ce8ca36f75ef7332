// §3.2.3 of "Attention Is All You Need": the attention of a decoder to its encoder's output.

import type { Tensor } from '../../runtime/tensor.ts';
import { attentionCross } from '../../shaders/attention/attention-decode.ts';
import { attention } from '../../shaders/attention/attention.ts';
import { concatenate, type CrossAttentionWeights } from './attention.ts';
import { linear } from './linear.ts';
import type { StackCross, StackWeights } from './stack.ts';

/** What every decoder layer attends to besides its own input. */
export interface Memory {
  /** Per layer, keys and values of the encoder's output: (B, S, 2 · heads · d_k) */
  readonly keyValues: readonly Tensor[];
  /** (B, S), 0 = padding */
  readonly mask: Tensor;
}

/** Each layer's keys and values of the encoder's output z, computed once. z: (B, S, d_model). */
export function remember(z: Tensor, mask: Tensor, { layers }: StackWeights): Memory {
  const keyValues = layers.flatMap(({ crossAttention: cross }) =>
    cross === undefined ? [] : [linear(z, cross.keyValue, { label: 'memory key, value' })],
  );
  return { keyValues, mask };
}

/** The cross-attention of a stack's layers to what it remembers; none without a memory. */
export function recall(memory: Memory | undefined, dropout: number = 0): StackCross | undefined {
  if (memory === undefined) return undefined;
  const { keyValues, mask } = memory;
  return (weights, layer) => {
    const known = keyValues[layer];
    if (known === undefined) throw new RangeError(`decoder layer ${layer} has no memory`);
    return (x, residual) =>
      crossAttention(x, weights, { memory: known, memoryMask: mask, residual, dropout });
  };
}

interface CrossAttentionOptions {
  /** Keys and values of the encoder's output: (B, S, 2 · heads · d_k) */
  readonly memory: Tensor;
  /** (B, S), 0 = padding */
  readonly memoryMask: Tensor;
  readonly residual?: Tensor | undefined;
  /** Rate of dropout of the weights; 0 when absent. */
  readonly dropout?: number;
}

/**
 * "The queries come from the previous decoder layer, and the memory keys and values come from the
 * output of the encoder", §3.2.3. x and result: (B, T, d_model). One token a sequence may be
 * several sequences a source: x is then (B · beams, 1, d_model).
 */
function crossAttention(
  x: Tensor,
  weights: CrossAttentionWeights,
  { memory, memoryMask, residual, dropout = 0 }: CrossAttentionOptions,
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
  const { recording } = x;
  if (x.size(1) === 1 && !recording.training && !recording.isTapped('weights')) {
    return linear(attentionCross(shared), output, { residual, label: 'attention output' });
  }
  return concatenate(attention({ ...shared, causal: false, dropout }), output, residual);
}
