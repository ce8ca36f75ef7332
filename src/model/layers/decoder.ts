// The decoder of "Attention Is All You Need" (Vaswani et al., 2017, arXiv 1706.03762), Figure 1, over whole
// sequences.

import type { Tensor } from '../../runtime/tensor.ts';
import { type Memory, recall } from './cross-attention.ts';
import { sequenceStack } from './sequence-stack.ts';
import type { StackWeights } from './stack.ts';
import type { StackInput } from './transformer.ts';

/**
 * "Given z, the decoder then generates an output sequence." §3 Result: (B, T, d_model). `causal`: whether
 * targets see only what stands before them.
 */
export function decodeVectors(
  { vectors, mask, place }: StackInput,
  memory: Memory,
  { decoder, causal = true }: { readonly decoder: StackWeights; readonly causal?: boolean },
): Tensor {
  return vectors.recording.within('decoder', () => {
    const cross = recall(memory, decoder.dropout?.attention);
    return sequenceStack(vectors, decoder, { mask, place, causal, cross });
  });
}
