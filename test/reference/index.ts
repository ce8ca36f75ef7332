// The float64 reference of every operation, by the name kernels give it.

import { attention, attentionWeights } from './attention.ts';
import { attentionBackwardKey, attentionBackwardQuery } from './attention-backward.ts';
import { attentionCross, attentionDecode } from './attention-decode.ts';
import { activate, activateBackward, add, columnSum, transpose } from './elementwise.ts';
import { advance, embedding, embeddingBackward } from './embedding.ts';
import { layerNorm, layerNormBackward } from './layer-norm.ts';
import { matmul } from './matmul.ts';
import { argmax, crossEntropy, crossEntropyBackward, softmax } from './softmax.ts';
import type { Reference } from './twin.ts';

export const references: Readonly<Record<string, Reference>> = {
  activate,
  'activate-backward': activateBackward,
  add,
  advance,
  argmax,
  attention,
  'attention-backward-key': attentionBackwardKey,
  'attention-backward-query': attentionBackwardQuery,
  'attention-cross': attentionCross,
  'attention-decode': attentionDecode,
  'attention-weights': attentionWeights,
  'column-sum': columnSum,
  'cross-entropy': crossEntropy,
  'cross-entropy-backward': crossEntropyBackward,
  embedding,
  'embedding-backward': embeddingBackward,
  'layer-norm': layerNorm,
  'layer-norm-backward': layerNormBackward,
  matmul,
  softmax,
  transpose,
};
