// Every kernel there is: tests compile them all, `doctor` runs them all.

import type { Kernel } from '../runtime/kernel.ts';
import { activateBackwardKernels } from './matmul/gates/activate-backward.ts';
import { activateKernels } from './matmul/gates/activate.ts';
import { attentionDecodeKernels } from './attention/decode/attention-decode.ts';
import { attentionBackwardKernels } from './attention/backward/attention-backward.ts';
import { attentionKernels } from './attention/attention-kernels.ts';
import { attentionStepKernels } from './attention/attention-steps.ts';
import { editKernels } from './elementwise/edit.ts';
import { positionKernels } from './attention/positions/attention-positions.ts';
import { blankColumnKernels } from './matmul/columns/blank-columns-backward.ts';
import { columnProductBackwardKernels } from './elementwise/column-product-backward.ts';
import { clampBackwardKernels } from './elementwise/clamp-backward.ts';
import { clampKernels } from './elementwise/clamp.ts';
import { columnScaleKernels } from './elementwise/column-scale.ts';
import { columnSumKernels } from './matmul/columns/column-sum.ts';
import { boxLossBackwardKernels } from './loss/box-loss-backward.ts';
import { boxLossKernels } from './loss/box-loss.ts';
import { matchBoxesKernels } from './loss/match-boxes.ts';
import { crossEntropyBackwardKernels } from './loss/cross-entropy-backward.ts';
import { beamKernels } from './choice/beam.ts';
import { chooseTokenKernels } from './choice/choose-token.ts';
import { crossEntropyKernels } from './loss/cross-entropy.ts';
import { ctcLossBackwardKernels } from './loss/ctc-loss-backward.ts';
import { ctcLossKernels } from './loss/ctc-loss.ts';
import { distillationLossBackwardKernels } from './loss/distillation-loss-backward.ts';
import { distillationLossKernels } from './loss/distillation-loss.ts';
import { preferenceLossBackwardKernels } from './loss/preference-loss-backward.ts';
import { labelWeightsKernels } from './loss/label-weights.ts';
import { preferenceLossKernels } from './loss/preference-loss.ts';
import { sigmoidLossBackwardKernels } from './loss/sigmoid-loss-backward.ts';
import { valueLossBackwardKernels } from './loss/value-loss-backward.ts';
import { sigmoidLossKernels } from './loss/sigmoid-loss.ts';
import { valueLossKernels } from './loss/value-loss.ts';
import { dropoutKernels } from './elementwise/dropout.ts';
import { elementwiseKernels } from './elementwise/add.ts';
import { embeddingBackwardKernels } from './embedding/embedding-backward.ts';
import { embeddingKernels } from './embedding/embedding.ts';
import { gatedBackwardKernels } from './matmul/gates/gated-backward.ts';
import { gatedKernels } from './matmul/gates/gated.ts';
import { normBackwardKernels } from './rows/norm-backward.ts';
import { normKernels } from './rows/norm.ts';
import { windowBackwardKernels } from './audio/windows-backward.ts';
import { windowKernels } from './audio/windows.ts';
import { logMelKernels } from './audio/log-mel.ts';
import { sincResampleKernels } from './audio/sinc-resample.ts';
import { takeColumnsKernels } from './elementwise/take-columns.ts';
import { mixStreamsBackwardKernels } from './streams/mix-streams-backward.ts';
import { mixStreamsKernels } from './streams/mix-streams.ts';
import { joinColumnsKernels } from './elementwise/join-columns.ts';
import { layerDropKernels } from './elementwise/layer-drop.ts';
import { layerMixKernels } from './elementwise/layer-mix.ts';
import { maskRowsKernels } from './elementwise/mask-rows.ts';
import { weightNormBackwardKernels } from './rows/weight-norm-backward.ts';
import { weightNormKernels } from './rows/weight-norm.ts';
import { layerMixBackwardKernels } from './matmul/columns/layer-mix-backward.ts';
import { foldKernels } from './rows/fold.ts';
import { gaussianTopKBackwardKernels } from './rows/gaussian-top-k-backward.ts';
import { gaussianTopKKernels } from './rows/gaussian-top-k.ts';
import { matchMagnitudeBackwardKernels } from './streams/match-magnitude-backward.ts';
import { matchMagnitudeKernels } from './streams/match-magnitude.ts';
import { groupNormBackwardKernels } from './rows/group-norm-backward.ts';
import { groupNormKernels } from './rows/group-norm.ts';
import { halvesKernels } from './elementwise/halves.ts';
import { imageTokenBackwardKernels } from './image/image-tokens-backward.ts';
import { imageTokenKernels } from './image/image-tokens.ts';
import { patchKernels } from './image/patches.ts';
import { patchesBackwardKernels } from './image/patches-backward.ts';
import { pixelUnitsKernels } from './image/pixel-units.ts';
import { pixelValueKernels } from './image/pixel-values.ts';
import { resampleKernels } from './image/resample.ts';
import { tokenMeansBackwardKernels } from './image/token-means-backward.ts';
import { tokenMeansKernels } from './image/token-means.ts';
import { logScaleKernels } from './elementwise/log-scale.ts';
import { loraBackwardKernels } from './matmul/adapters/lora-backward.ts';
import { loraKernels } from './matmul/adapters/lora.ts';
import { rescaleBackwardKernels } from './matmul/adapters/rescale-backward.ts';
import { rescaleKernels } from './matmul/adapters/rescale.ts';
import { rowEnergyKernels } from './rows/row-energy.ts';
import { matmulKernels } from './matmul/matmul-kernels.ts';
import { optimizerKernels } from './optimizer/optimizer.ts';
import { importanceKernels } from './optimizer/importance.ts';
import { orthogonalityKernels } from './optimizer/orthogonality.ts';
import { penaltyKernels } from './optimizer/penalty.ts';
import { quantizeKernels } from './quantize/quantize.ts';
import { openHeadsBackwardKernels } from './attention/heads/open-heads-backward.ts';
import { openHeadsKernels } from './attention/heads/open-heads.ts';
import { gatedDeltaBackwardKernels } from './recurrence/gated-delta-kernels-backward.ts';
import { gatedDeltaKernels } from './recurrence/gated-delta-kernels.ts';
import { gatedNormBackwardKernels } from './recurrence/gated-norm-backward.ts';
import { gatedNormKernels } from './recurrence/gated-norm.ts';
import { unitHeadsKernels } from './recurrence/unit-heads.ts';
import { hideRowsKernels } from './recurrence/hide-rows.ts';
import { shortConvolutionBackwardKernels } from './recurrence/short-convolution-backward.ts';
import { shortConvolutionKernels } from './recurrence/short-convolution.ts';
import { reorderKernels } from './matmul/columns/reorder.ts';
import { repackKernels } from './quantize/repack.ts';
import { unpackKernels } from './quantize/unpack-gguf.ts';
import { spanKernels } from './elementwise/spans.ts';
import { scaleBackwardKernels } from './elementwise/scale-backward.ts';
import { perturbKernels } from './elementwise/perturb.ts';
import { scaleKernels } from './elementwise/scale.ts';
import { softmaxKernels } from './rows/softmax.ts';
import { transposeKernels } from './matmul/columns/transpose.ts';
import { speechTokenKernels } from './choice/speech-tokens.ts';
import { likelyTokenKernels } from './choice/likely-tokens.ts';
import { tokenLogProbKernels } from './choice/token-log-probs.ts';
import { tokenRuleKernels } from './choice/token-rules.ts';
import { balanceLossBackwardKernels } from './experts/balance-loss-backward.ts';
import { balanceLossKernels } from './experts/balance-loss.ts';
import { chooseExpertsBackwardKernels } from './experts/choose-experts-backward.ts';
import { chooseExpertsKernels } from './experts/choose-experts.ts';
import { clampedGateBackwardKernels } from './experts/clamped-gate-backward.ts';
import { clampedGateKernels } from './experts/clamped-gate.ts';
import { expertMatmulBackwardKernels } from './experts/expert-matmul-backward.ts';
import { expertMatmulKernels } from './experts/expert-matmul.ts';
import { mixExpertsBackwardKernels } from './experts/mix-experts-backward.ts';
import { mixExpertsKernels } from './experts/mix-experts.ts';
import { routeBackwardKernels } from './experts/route-backward.ts';
import { routeKernels } from './experts/route.ts';
import { splitHeadsBackwardKernels } from './attention/heads/split-heads-backward.ts';
import { splitHeadsKernels } from './attention/heads/split-heads.ts';

export const allKernels: readonly Kernel[] = [
  ...matmulKernels,
  ...attentionKernels,
  ...attentionStepKernels,
  ...editKernels,
  ...positionKernels,
  ...attentionBackwardKernels,
  ...attentionDecodeKernels,
  ...normKernels,
  ...normBackwardKernels,
  ...embeddingKernels,
  ...embeddingBackwardKernels,
  ...softmaxKernels,
  ...tokenRuleKernels,
  ...speechTokenKernels,
  ...likelyTokenKernels,
  ...tokenLogProbKernels,
  ...chooseTokenKernels,
  ...beamKernels,
  ...boxLossKernels,
  ...boxLossBackwardKernels,
  ...matchBoxesKernels,
  ...crossEntropyKernels,
  ...crossEntropyBackwardKernels,
  ...ctcLossKernels,
  ...ctcLossBackwardKernels,
  ...sigmoidLossKernels,
  ...valueLossKernels,
  ...sigmoidLossBackwardKernels,
  ...valueLossBackwardKernels,
  ...distillationLossKernels,
  ...distillationLossBackwardKernels,
  ...preferenceLossKernels,
  ...preferenceLossBackwardKernels,
  ...labelWeightsKernels,
  ...importanceKernels,
  ...orthogonalityKernels,
  ...clampKernels,
  ...clampBackwardKernels,
  ...penaltyKernels,
  ...perturbKernels,
  ...activateKernels,
  ...activateBackwardKernels,
  ...dropoutKernels,
  ...elementwiseKernels,
  ...halvesKernels,
  ...scaleBackwardKernels,
  ...scaleKernels,
  ...transposeKernels,
  ...columnSumKernels,
  ...columnScaleKernels,
  ...columnProductBackwardKernels,
  ...blankColumnKernels,
  ...logScaleKernels,
  ...optimizerKernels,
  ...quantizeKernels,
  ...gatedDeltaKernels,
  ...gatedDeltaBackwardKernels,
  ...gatedNormKernels,
  ...gatedNormBackwardKernels,
  ...unitHeadsKernels,
  ...hideRowsKernels,
  ...shortConvolutionKernels,
  ...shortConvolutionBackwardKernels,
  ...reorderKernels,
  ...repackKernels,
  ...unpackKernels,
  ...loraKernels,
  ...loraBackwardKernels,
  ...rescaleKernels,
  ...rescaleBackwardKernels,
  ...rowEnergyKernels,
  ...routeKernels,
  ...routeBackwardKernels,
  ...chooseExpertsKernels,
  ...chooseExpertsBackwardKernels,
  ...expertMatmulKernels,
  ...expertMatmulBackwardKernels,
  ...clampedGateKernels,
  ...clampedGateBackwardKernels,
  ...mixExpertsKernels,
  ...mixExpertsBackwardKernels,
  ...balanceLossKernels,
  ...balanceLossBackwardKernels,
  ...splitHeadsBackwardKernels,
  ...splitHeadsKernels,
  ...openHeadsKernels,
  ...openHeadsBackwardKernels,
  ...gatedKernels,
  ...gatedBackwardKernels,
  ...patchKernels,
  ...resampleKernels,
  ...pixelValueKernels,
  ...imageTokenKernels,
  ...imageTokenBackwardKernels,
  ...patchesBackwardKernels,
  ...pixelUnitsKernels,
  ...tokenMeansKernels,
  ...tokenMeansBackwardKernels,
  ...windowKernels,
  ...windowBackwardKernels,
  ...logMelKernels,
  ...sincResampleKernels,
  ...foldKernels,
  ...joinColumnsKernels,
  ...takeColumnsKernels,
  ...mixStreamsKernels,
  ...mixStreamsBackwardKernels,
  ...matchMagnitudeKernels,
  ...matchMagnitudeBackwardKernels,
  ...gaussianTopKKernels,
  ...gaussianTopKBackwardKernels,
  ...layerDropKernels,
  ...layerMixKernels,
  ...layerMixBackwardKernels,
  ...maskRowsKernels,
  ...spanKernels,
  ...weightNormKernels,
  ...weightNormBackwardKernels,
  ...groupNormKernels,
  ...groupNormBackwardKernels,
];
