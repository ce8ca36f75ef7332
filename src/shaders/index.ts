// Every kernel there is: tests compile them all, `doctor` runs them all.

import type { Kernel } from '../runtime/kernel.ts';
import { activateKernels } from './activate.ts';
import { argmaxKernels } from './argmax.ts';
import { attentionBackwardKernels } from './attention-backward.ts';
import { attentionDecodeKernels } from './attention-decode.ts';
import { attentionKernels } from './attention.ts';
import { crossEntropyKernels } from './cross-entropy.ts';
import { distillationLossKernels } from './distillation-loss.ts';
import { dropoutKernels } from './dropout.ts';
import { elementwiseKernels } from './elementwise.ts';
import { embeddingKernels } from './embedding.ts';
import { layerNormKernels } from './layer-norm.ts';
import { loraKernels } from './lora.ts';
import { matmulKernels } from './matmul-kernels.ts';
import { optimizerKernels } from './optimizer.ts';
import { softmaxKernels } from './softmax.ts';

export const allKernels: readonly Kernel[] = [
  ...matmulKernels,
  ...attentionKernels,
  ...attentionBackwardKernels,
  ...attentionDecodeKernels,
  ...layerNormKernels,
  ...embeddingKernels,
  ...softmaxKernels,
  ...argmaxKernels,
  ...crossEntropyKernels,
  ...distillationLossKernels,
  ...activateKernels,
  ...dropoutKernels,
  ...elementwiseKernels,
  ...optimizerKernels,
  ...loraKernels,
];
