// The float64 reference of every operation, by the name kernels give it.

import { attention, attentionWeights } from './attention.ts';
import {
  attentionBackwardDelta,
  attentionBackwardKey,
  attentionBackwardQuery,
} from './attention-backward.ts';
import {
  attentionBackwardPairDistance,
  attentionBackwardPairs,
  attentionBackwardPairSum,
} from './attention-pairs.ts';
import { attentionBackwardBias, attentionBackwardDistance } from './attention-distance.ts';
import { attentionDecode, attentionMerge } from './attention-decode.ts';
import { beamCandidates, beamCommit, beamGather, beamStep } from './beam.ts';
import { chooseToken, logSoftmax, warp } from './choose-token.ts';
import { distillationLoss, distillationLossBackward } from './distillation-loss.ts';
import { preferenceLoss, preferenceLossBackward } from './preference-loss.ts';
import { gramResidual, importance, orthogonality } from './adaptive-ranks.ts';
import { clamp, clampBackward, clampInPlace } from './clamp.ts';
import { labelWeights, penalty } from './penalty.ts';
import { perturb } from './perturb.ts';
import { ctcEmissions, ctcLossBackward, ctcPaths } from './ctc.ts';
import { sigmoidLoss, sigmoidLossBackward } from './sigmoid-loss.ts';
import { valueLoss, valueLossBackward } from './value-loss.ts';
import { dropout, layerDrop } from './dropout.ts';
import { activate, activateBackward, add, columnSum, transpose } from './elementwise.ts';
import { embedding, embeddingBackward, embeddingLinks } from './embedding.ts';
import { gated, gatedBackward } from './gated.ts';
import { accumulate, gradientNorm, gradientScale } from './gradient-norm.ts';
import { boxCosts, boxLoss, boxLossBackward, matchBoxes, matchLabels } from './boxes.ts';
import { balanceLoss, balanceLossBackward, balanceSums } from './balance-loss.ts';
import {
  chooseExperts,
  clampedGate,
  expertMatmul,
  groupTokens,
  mixExperts,
  routeTokens,
} from './experts.ts';
import {
  chooseExpertsBackward,
  clampedGateBackward,
  expertMatmulBackwardBias,
  expertMatmulBackwardWeight,
  expertMatmulBackwardX,
  mixExpertsBackward,
  mixExpertsBackwardShares,
  routeTokensBackward,
} from './experts-backward.ts';
import { fold, groupNorm, groupNormBackward } from './group-norm.ts';
import { packHalves, unpackHalves } from './halves.ts';
import { splitHeads, splitHeadsBackward } from './split-heads.ts';
import { attentionMix, attentionShares, edit } from './edit.ts';
import { blankColumnsBackward, columnProductBackward, columnScale } from './column-scale.ts';
import {
  imageTokens,
  imageTokensBackward,
  patches,
  patchesBackward,
  pixelUnits,
  pixelValues,
  resample,
  tokenMeans,
  tokenMeansBackward,
} from './image.ts';
import { layerNorm, layerNormBackward } from './layer-norm.ts';
import { logScale } from './log-scale.ts';
import { lora, loraBackward } from './lora.ts';
import { rescale, rescaleProducts, rowEnergy } from './rescale.ts';
import { matmul, matmulJoin, matmulScale } from './matmul.ts';
import { adam, adam8bit, sgd } from './optimizer.ts';
import { quantize } from './quantize.ts';
import {
  deltaGates,
  deltaScan,
  deltaScores,
  deltaSolve,
  deltaStep,
  gatedNorm,
  openHeads,
  unitHeads,
} from './gated-delta.ts';
import {
  gatedDeltaBackwardDecays,
  gatedDeltaBackwardGates,
  gatedDeltaBackwardKeys,
  gatedDeltaBackwardScan,
  gatedDeltaBackwardScores,
  gatedDeltaBackwardSolve,
  gatedDeltaBackwardStates,
  gatedDeltaBackwardTerms,
} from './gated-delta-backward.ts';
import { gatedNormBackward, openHeadsBackward, unitHeadsBackward } from './gated-heads-backward.ts';
import { hideRows, keepInputs, shortConvolution } from './recurrence.ts';
import {
  shortConvolutionBackward,
  shortConvolutionBackwardInput,
  shortConvolutionBackwardWeight,
} from './short-convolution-backward.ts';
import { reorder } from './reorder.ts';
import { dequantize, repack } from './repack.ts';
import { unpackGguf } from './unpack-gguf.ts';
import { rmsNorm, rmsNormBackward } from './rms-norm.ts';
import { scale, softCapBackward } from './scale.ts';
import { crossEntropy, crossEntropyBackward, softmax } from './softmax.ts';
import { logMel, melFloor, sincResample } from './sound.ts';
import {
  joinColumns,
  layerMix,
  layerMixBackward,
  maskRows,
  spanFill,
  spanStarts,
  takeColumns,
  weightNorm,
  weightNormBackward,
} from './speech.ts';
import {
  gaussianTopK,
  gaussianTopKBackward,
  matchMagnitude,
  matchMagnitudeBackward,
  mixStreams,
  mixStreamsBackward,
  mixStreamsBackwardCoefficients,
} from './streams.ts';
import { appendTokens, sequenceBias, tokenHistory, tokenRules } from './token-rules.ts';
import { likelyTokens } from './likely-tokens.ts';
import { timestampRules, tokenLogProbs } from './speech-tokens.ts';
import { windows, windowsBackward } from './windows.ts';
import type { Reference } from './twin.ts';

export const references: Readonly<Record<string, Reference>> = {
  'balance-loss': balanceLoss,
  'balance-loss-backward': balanceLossBackward,
  'balance-sums': balanceSums,
  'box-costs': boxCosts,
  'pack-halves': packHalves,
  'unpack-halves': unpackHalves,
  'box-loss': boxLoss,
  'box-loss-backward': boxLossBackward,
  'match-boxes': matchBoxes,
  'match-labels': matchLabels,
  'clamped-gate': clampedGate,
  'clamped-gate-backward': clampedGateBackward,
  'expert-matmul-backward-bias': expertMatmulBackwardBias,
  'expert-matmul-backward-weight': expertMatmulBackwardWeight,
  'expert-matmul-backward-x': expertMatmulBackwardX,
  'mix-experts-backward': mixExpertsBackward,
  'mix-experts-backward-shares': mixExpertsBackwardShares,
  'route-tokens-backward': routeTokensBackward,
  'expert-matmul': expertMatmul,
  'group-tokens': groupTokens,
  'choose-experts': chooseExperts,
  'choose-experts-backward': chooseExpertsBackward,
  'mix-experts': mixExperts,
  'route-tokens': routeTokens,
  accumulate,
  activate,
  'activate-backward': activateBackward,
  adam,
  'adam-8bit': adam8bit,
  add,
  'append-tokens': appendTokens,
  attention,
  'attention-backward-bias': attentionBackwardBias,
  'attention-backward-delta': attentionBackwardDelta,
  'attention-backward-distance': attentionBackwardDistance,
  'attention-backward-pair-distance': attentionBackwardPairDistance,
  'attention-backward-pair-sum': attentionBackwardPairSum,
  'attention-backward-pairs': attentionBackwardPairs,
  'attention-backward-key': attentionBackwardKey,
  'attention-backward-query': attentionBackwardQuery,
  'blank-columns-backward': blankColumnsBackward,
  'attention-decode': attentionDecode,
  'attention-merge': attentionMerge,
  'attention-weights': attentionWeights,
  'attention-shares': attentionShares,
  'attention-mix': attentionMix,
  edit,
  'beam-candidates': beamCandidates,
  'beam-commit': beamCommit,
  'beam-gather': beamGather,
  'beam-step': beamStep,
  'choose-token': chooseToken,
  'column-sum': columnSum,
  'cross-entropy': crossEntropy,
  'cross-entropy-backward': crossEntropyBackward,
  'ctc-emissions': ctcEmissions,
  'ctc-loss-backward': ctcLossBackward,
  'ctc-paths': ctcPaths,
  dequantize,
  'distillation-loss': distillationLoss,
  'distillation-loss-backward': distillationLossBackward,
  'label-weights': labelWeights,
  'gram-residual': gramResidual,
  importance,
  orthogonality,
  clamp,
  'clamp-in-place': clampInPlace,
  'clamp-backward': clampBackward,
  penalty,
  perturb,
  'preference-loss': preferenceLoss,
  'preference-loss-backward': preferenceLossBackward,
  dropout,
  embedding,
  'embedding-backward': embeddingBackward,
  'embedding-links': embeddingLinks,
  fold,
  gated,
  'gated-backward': gatedBackward,
  'group-norm': groupNorm,
  'group-norm-backward': groupNormBackward,
  'gradient-norm': gradientNorm,
  'gradient-scale': gradientScale,
  'mask-rows': maskRows,
  'mel-floor': melFloor,
  quantize,
  'delta-gates': deltaGates,
  'delta-scan': deltaScan,
  'delta-scores': deltaScores,
  'delta-solve': deltaSolve,
  'delta-step': deltaStep,
  'gated-norm': gatedNorm,
  'open-heads': openHeads,
  'unit-heads': unitHeads,
  'hide-rows': hideRows,
  'gated-delta-backward-decays': gatedDeltaBackwardDecays,
  'gated-delta-backward-gates': gatedDeltaBackwardGates,
  'gated-delta-backward-keys': gatedDeltaBackwardKeys,
  'gated-delta-backward-scan': gatedDeltaBackwardScan,
  'gated-delta-backward-scores': gatedDeltaBackwardScores,
  'gated-delta-backward-solve': gatedDeltaBackwardSolve,
  'gated-delta-backward-states': gatedDeltaBackwardStates,
  'gated-delta-backward-terms': gatedDeltaBackwardTerms,
  'gated-norm-backward': gatedNormBackward,
  'open-heads-backward': openHeadsBackward,
  'unit-heads-backward': unitHeadsBackward,
  'keep-inputs': keepInputs,
  'short-convolution': shortConvolution,
  'short-convolution-backward': shortConvolutionBackward,
  'short-convolution-backward-input': shortConvolutionBackwardInput,
  'short-convolution-backward-weight': shortConvolutionBackwardWeight,
  reorder,
  repack,
  'unpack-gguf': unpackGguf,
  patches,
  'patches-backward': patchesBackward,
  'pixel-units': pixelUnits,
  resample,
  'pixel-values': pixelValues,
  'token-means': tokenMeans,
  'token-means-backward': tokenMeansBackward,
  'column-product-backward': columnProductBackward,
  'column-scale': columnScale,
  'image-tokens': imageTokens,
  'image-tokens-backward': imageTokensBackward,
  'span-fill': spanFill,
  'span-starts': spanStarts,
  'split-heads': splitHeads,
  'split-heads-backward': splitHeadsBackward,
  'layer-norm': layerNorm,
  'layer-norm-backward': layerNormBackward,
  'log-scale': logScale,
  'join-columns': joinColumns,
  'take-columns': takeColumns,
  'gaussian-top-k': gaussianTopK,
  'gaussian-top-k-backward': gaussianTopKBackward,
  'match-magnitude': matchMagnitude,
  'match-magnitude-backward': matchMagnitudeBackward,
  'mix-streams': mixStreams,
  'mix-streams-backward': mixStreamsBackward,
  'mix-streams-backward-coefficients': mixStreamsBackwardCoefficients,
  'layer-drop': layerDrop,
  'layer-mix': layerMix,
  'layer-mix-backward': layerMixBackward,
  'log-mel': logMel,
  'log-softmax': logSoftmax,
  lora,
  'lora-backward': loraBackward,
  rescale,
  'rescale-products': rescaleProducts,
  'row-energy': rowEnergy,
  matmul,
  'matmul-join': matmulJoin,
  'matmul-scale': matmulScale,
  'rms-norm': rmsNorm,
  'rms-norm-backward': rmsNormBackward,
  scale,
  'sequence-bias': sequenceBias,
  sgd,
  'sigmoid-loss': sigmoidLoss,
  'value-loss': valueLoss,
  'value-loss-backward': valueLossBackward,
  'sigmoid-loss-backward': sigmoidLossBackward,
  'sinc-resample': sincResample,
  'soft-cap-backward': softCapBackward,
  softmax,
  'timestamp-rules': timestampRules,
  'token-history': tokenHistory,
  'likely-tokens': likelyTokens,
  'token-log-probs': tokenLogProbs,
  'token-rules': tokenRules,
  transpose,
  warp,
  'weight-norm': weightNorm,
  'weight-norm-backward': weightNormBackward,
  windows,
  'windows-backward': windowsBackward,
};
