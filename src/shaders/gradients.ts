// How gradients pass back through every operation that has one. Only training imports this.

import type { GradientRules, InputGradient, TapeEntry } from '../runtime/gradient.ts';
import { windowOf } from '../runtime/parts.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { activateBackward } from './matmul/gates/activate-backward.ts';
import { splitHeadsBackward } from './attention/heads/split-heads-backward.ts';
import { attentionBackward } from './attention/backward/attention-backward.ts';
import { columnProductBackward } from './elementwise/column-product-backward.ts';
import { clampBackward } from './elementwise/clamp-backward.ts';
import { columnScaleBackward } from './matmul/columns/column-scale-backward.ts';
import { boxLossBackward } from './loss/box-loss-backward.ts';
import { crossEntropyBackward } from './loss/cross-entropy-backward.ts';
import { linearCrossEntropyBackward } from './loss/linear-cross-entropy-backward.ts';
import { ctcLossBackward } from './loss/ctc-loss-backward.ts';
import { valueLossBackward } from './loss/value-loss-backward.ts';
import { sigmoidLossBackward } from './loss/sigmoid-loss-backward.ts';
import { distillationLossBackward } from './loss/distillation-loss-backward.ts';
import { preferenceLossBackward } from './loss/preference-loss-backward.ts';
import { add } from './elementwise/add.ts';
import { drop, type DropoutEntry } from './elementwise/dropout.ts';
import { chosen, type LayerDropEntry } from './elementwise/layer-drop.ts';
import type { ReshapeEntry } from './elementwise/reshape.ts';
import { scaleBackward } from './elementwise/scale-backward.ts';
import { fillSpans, type SpansEntry } from './elementwise/spans.ts';
import { embeddingBackward } from './embedding/embedding-backward.ts';
import { joinColumnsBackward } from './elementwise/join-columns-backward.ts';
import { mixStreamsBackward } from './streams/mix-streams-backward.ts';
import { takeColumnsBackward } from './matmul/columns/take-columns-backward.ts';
import { gaussianTopKBackward } from './rows/gaussian-top-k-backward.ts';
import { matchMagnitudeBackward } from './streams/match-magnitude-backward.ts';
import { masked, type MaskRowsEntry } from './elementwise/mask-rows.ts';
import { balanceLossBackward } from './experts/balance-loss-backward.ts';
import { clampedGateBackward } from './experts/clamped-gate-backward.ts';
import { expertMatmulBackward } from './experts/expert-matmul-backward.ts';
import { mixExpertsBackward } from './experts/mix-experts-backward.ts';
import { chooseExpertsBackward } from './experts/choose-experts-backward.ts';
import { routeBackward } from './experts/route-backward.ts';
import { gatedBackward } from './matmul/gates/gated-backward.ts';
import { groupNormBackward } from './rows/group-norm-backward.ts';
import { normBackward } from './rows/norm-backward.ts';
import { energyBackward, weightNormBackward } from './rows/weight-norm-backward.ts';
import { imageTokensBackward } from './image/image-tokens-backward.ts';
import { patchesBackward } from './image/patches-backward.ts';
import { tokenMeansBackward } from './image/token-means-backward.ts';
import { windowsBackward } from './audio/windows-backward.ts';
import { layerMixBackward } from './matmul/columns/layer-mix-backward.ts';
import { logScaleBackward } from './matmul/columns/log-scale-backward.ts';
import { loraBackward } from './matmul/adapters/lora-backward.ts';
import { rescaleBackward } from './matmul/adapters/rescale-backward.ts';
import { matmulBackward } from './matmul/matmul-backward.ts';
import { type ReorderEntry, reorderBack } from './matmul/columns/reorder.ts';
import { gatedDeltaBackward } from './recurrence/gated-delta-backward.ts';
import { gatedNormBackward } from './recurrence/gated-norm-backward.ts';
import { openHeadsBackward } from './attention/heads/open-heads-backward.ts';
import { shortConvolutionBackward } from './recurrence/short-convolution-backward.ts';
import type { Rule } from './traces.ts';

/** Of a sum: every term gets the gradient as it is. */
function addBackward({ inputs }: TapeEntry, dy: Tensor): InputGradient[] {
  return inputs.map((input) => [input, () => dy]);
}

/** Of dropout: what was dropped is drawn again. */
const dropoutBackward: Rule<DropoutEntry> = ({ trace: { x, residual, params } }, dy) => [
  [x, () => drop(dy, `d ${x.label}`, params)],
  [residual, () => dy],
];

/** Of layers that are dropped: the gradient goes to the one that was chosen; the draw is made again. */
const layerDropBackward: Rule<LayerDropEntry> = ({ trace: { given, output, params } }, dy) => [
  [given, () => chosen({ given: dy }, dy, params)],
  [output, () => chosen({ output: dy }, dy, params)],
];

/** Of rows that count: those that do not have no gradient. */
const maskRowsBackward: Rule<MaskRowsEntry> = ({ trace: { x, mask } }, dy) => [
  [x, () => masked(dy, mask, `d ${x.label}`)],
];

/** Of another shape: the gradient gets the one that was. */
const reshapeBackward: Rule<ReshapeEntry> = ({ trace: { x } }, dy) => [
  [x, () => windowOf(dy, 0, { shape: x.shape })],
];

/** Of spans that are masked: what stood there has no gradient. */
const spansBackward: Rule<SpansEntry> = ({ trace: { x, places } }, dy) => [
  [x, () => fillSpans(dy, places, { label: `d ${x.label}` })],
];

/** Of reordering: each element's gradient goes where the element was. */
const reorderBackward: Rule<ReorderEntry> = ({ trace: { x, order } }, dy) => [
  [x, () => reorderBack(dy, order)],
];

/** Sees to it that a rule's key is the operation whose entries it takes. */
function keyed<
  Rules extends {
    readonly [Op in keyof Rules]: Rule<TapeEntry & { readonly op: Op; readonly trace: never }>;
  },
>(rules: Rules): Rules {
  return rules;
}

const rules = keyed({
  add: addBackward,
  activate: activateBackward,
  attention: attentionBackward,
  'balance-loss': balanceLossBackward,
  'box-loss': boxLossBackward,
  clamp: clampBackward,
  'clamped-gate': clampedGateBackward,
  'column-product': columnProductBackward,
  'column-scale': columnScaleBackward,
  'cross-entropy': crossEntropyBackward,
  'ctc-loss': ctcLossBackward,
  'distillation-loss': distillationLossBackward,
  'preference-loss': preferenceLossBackward,
  dropout: dropoutBackward,
  embedding: embeddingBackward,
  energy: energyBackward,
  'expert-matmul': expertMatmulBackward,
  gated: gatedBackward,
  'gated-delta': gatedDeltaBackward,
  'gated-norm': gatedNormBackward,
  'gaussian-top-k': gaussianTopKBackward,
  'group-norm': groupNormBackward,
  'image-tokens': imageTokensBackward,
  'join-columns': joinColumnsBackward,
  'layer-drop': layerDropBackward,
  'layer-mix': layerMixBackward,
  'linear-cross-entropy': linearCrossEntropyBackward,
  'log-scale': logScaleBackward,
  lora: loraBackward,
  rescale: rescaleBackward,
  'mask-rows': maskRowsBackward,
  'match-magnitude': matchMagnitudeBackward,
  matmul: matmulBackward,
  'mix-experts': mixExpertsBackward,
  'mix-streams': mixStreamsBackward,
  norm: normBackward,
  'open-heads': openHeadsBackward,
  reorder: reorderBackward,
  reshape: reshapeBackward,
  'choose-experts': chooseExpertsBackward,
  'route-tokens': routeBackward,
  scale: scaleBackward,
  'short-convolution': shortConvolutionBackward,
  'sigmoid-loss': sigmoidLossBackward,
  spans: spansBackward,
  'split-heads': splitHeadsBackward,
  'take-columns': takeColumnsBackward,
  patches: patchesBackward,
  'token-means': tokenMeansBackward,
  'value-loss': valueLossBackward,
  'weight-norm': weightNormBackward,
  windows: windowsBackward,
});

/** For `gradients()` of runtime/gradient.ts. */
export const gradientRules: GradientRules = { add, rules };
