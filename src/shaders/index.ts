// Every kernel there is: tests compile them all, `doctor` runs them all.

import type { Kernel } from '../runtime/kernel.ts';
import { activateGradientKernels } from './matmul/activate-gradient.ts';
import { activateKernels } from './matmul/activate.ts';
import { attentionDecodeKernels } from './attention/attention-decode.ts';
import { attentionGradientKernels } from './attention/attention-gradient.ts';
import { attentionKernels } from './attention/attention.ts';
import { columnSumKernels } from './matmul/column-sum.ts';
import { crossEntropyGradientKernels } from './loss/cross-entropy-gradient.ts';
import { beamKernels } from './choice/beam.ts';
import { chooseTokenKernels } from './choice/choose-token.ts';
import { crossEntropyKernels } from './loss/cross-entropy.ts';
import { distillationLossGradientKernels } from './loss/distillation-loss-gradient.ts';
import { distillationLossKernels } from './loss/distillation-loss.ts';
import { dropoutKernels } from './elementwise/dropout.ts';
import { elementwiseKernels } from './elementwise/add.ts';
import { embeddingGradientKernels } from './embedding/embedding-gradient.ts';
import { embeddingKernels } from './embedding/embedding.ts';
import { gatedGradientKernels } from './matmul/gated-gradient.ts';
import { gatedKernels } from './matmul/gated.ts';
import { headsKernels } from './attention/heads.ts';
import { normGradientKernels } from './rows/norm-gradient.ts';
import { normKernels } from './rows/norm.ts';
import { loraGradientKernels } from './matmul/lora-gradient.ts';
import { loraKernels } from './matmul/lora.ts';
import { matmulKernels } from './matmul/matmul-kernels.ts';
import { optimizerKernels } from './optimizer/optimizer.ts';
import { rescaleKernels } from './elementwise/rescale.ts';
import { softmaxKernels } from './rows/softmax.ts';
import { transposeKernels } from './matmul/transpose.ts';
import { tokenRuleKernels } from './choice/token-rules.ts';

export const allKernels: readonly Kernel[] = [
  ...matmulKernels,
  ...attentionKernels,
  ...attentionGradientKernels,
  ...attentionDecodeKernels,
  ...normKernels,
  ...normGradientKernels,
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
];
