// The float64 reference of every operation, by the name kernels give it.

import { attention, attentionWeights } from './attention.ts';
import { attentionCross, attentionDecode } from './attention-decode.ts';
import { advance, embedding } from './embedding.ts';
import { layerNorm } from './layer-norm.ts';
import { matmul } from './matmul.ts';
import { argmax, crossEntropy, softmax } from './softmax.ts';
import type { Reference } from './twin.ts';

export const references: Readonly<Record<string, Reference>> = {
  advance,
  argmax,
  attention,
  'attention-cross': attentionCross,
  'attention-decode': attentionDecode,
  'attention-weights': attentionWeights,
  'cross-entropy': crossEntropy,
  embedding,
  'layer-norm': layerNorm,
  matmul,
  softmax,
};
