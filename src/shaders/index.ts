// Every kernel there is: tests compile them all, `doctor` runs them all.

import type { Kernel } from '../runtime/kernel.ts';
import { activateGradientKernels } from './activate-gradient.ts';
import { activateKernels } from './activate.ts';
import { attentionDecodeKernels } from './attention-decode.ts';
import { attentionGradientKernels } from './attention-gradient.ts';
import { attentionKernels } from './attention.ts';
import { columnSumKernels } from './column-sum.ts';
import { crossEntropyGradientKernels } from './cross-entropy-gradient.ts';
import { beamKernels } from './beam.ts';
import { chooseTokenKernels } from './choose-token.ts';
import { crossEntropyKernels } from './cross-entropy.ts';
import { distillationLossGradientKernels } from './distillation-loss-gradient.ts';
import { distillationLossKernels } from './distillation-loss.ts';
import { dropoutKernels } from './dropout.ts';
import { elementwiseKernels } from './elementwise.ts';
import { embeddingGradientKernels } from './embedding-gradient.ts';
import { embeddingKernels } from './embedding.ts';
import { gatedGradientKernels } from './gated-gradient.ts';
import { gatedKernels } from './gated.ts';
import { headsKernels } from './heads.ts';
import { layerNormGradientKernels } from './layer-norm-gradient.ts';
import { layerNormKernels } from './layer-norm.ts';
import { loraGradientKernels } from './lora-gradient.ts';
import { loraKernels } from './lora.ts';
import { matmulKernels } from './matmul-kernels.ts';
import { optimizerKernels } from './optimizer.ts';
import { rmsNormGradientKernels } from './rms-norm-gradient.ts';
import { rmsNormKernels } from './rms-norm.ts';
import { rescaleKernels } from './rescale.ts';
import { softmaxKernels } from './softmax.ts';
import { transposeKernels } from './transpose.ts';
import { tokenRuleKernels } from './token-rules.ts';

export const allKernels: readonly Kernel[] = [
  ...matmulKernels,
  ...attentionKernels,
  ...attentionGradientKernels,
  ...attentionDecodeKernels,
  ...layerNormKernels,
  ...layerNormGradientKernels,
  ...embeddingKernels,
  ...embeddingGradientKernels,
  ...softmaxKernels,
  ...tokenRuleKernels,
  ...chooseTokenKernels,
  ...beamKernels,
  ...crossEntropyKernels,
  ...crossEntropyGradientKernels,
  ...distillationLossKernels,
  ...distillationLossGradientKernels,
  ...activateKernels,
  ...activateGradientKernels,
  ...dropoutKernels,
  ...elementwiseKernels,
  ...rescaleKernels,
  ...transposeKernels,
  ...columnSumKernels,
  ...optimizerKernels,
  ...loraKernels,
  ...loraGradientKernels,
  ...headsKernels,
  ...gatedKernels,
  ...gatedGradientKernels,
  ...rmsNormKernels,
  ...rmsNormGradientKernels,
];
