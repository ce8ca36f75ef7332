// Every kernel there is: tests compile them all, `doctor` runs them all.

import type { Kernel } from '../runtime/kernel.ts';
import { argmaxKernels } from './argmax.ts';
import { attentionDecodeKernels } from './attention-decode.ts';
import { attentionKernels } from './attention.ts';
import { crossEntropyKernels } from './cross-entropy.ts';
import { embeddingKernels } from './embedding.ts';
import { layerNormKernels } from './layer-norm.ts';
import { matmulKernels } from './matmul.ts';
import { softmaxKernels } from './softmax.ts';

export const allKernels: readonly Kernel[] = [
  ...matmulKernels,
  ...attentionKernels,
  ...attentionDecodeKernels,
  ...layerNormKernels,
  ...embeddingKernels,
  ...softmaxKernels,
  ...argmaxKernels,
  ...crossEntropyKernels,
];
