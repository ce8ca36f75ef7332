// How gradients pass back through every operation that has one. Only training imports this.

import type { GradientRules, InputGradient, TapeEntry } from '../runtime/gradient.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { activateGradient } from './activate-gradient.ts';
import { attentionGradient } from './attention-gradient.ts';
import { crossEntropyGradient } from './cross-entropy-gradient.ts';
import { distillationLossGradient } from './distillation-loss-gradient.ts';
import { dropoutGradient } from './dropout-gradient.ts';
import { add } from './elementwise.ts';
import { embeddingGradient } from './embedding-gradient.ts';
import { gatedGradient } from './gated-gradient.ts';
import { layerNormGradient } from './layer-norm-gradient.ts';
import { loraGradient } from './lora-gradient.ts';
import { matmulGradient } from './matmul-gradient.ts';
import { rescaleGradient } from './rescale-gradient.ts';
import { rmsNormGradient } from './rms-norm-gradient.ts';
import type { Rule, Traces } from './traces.ts';

/** Of a sum: every term gets the gradient as it is. */
function addGradient({ inputs }: TapeEntry, dy: Tensor): InputGradient[] {
  return inputs.map((input) => [input, () => dy]);
}

const rules: { readonly [Op in keyof Traces]: Rule<Op> } = {
  activate: activateGradient,
  attention: attentionGradient,
  'cross-entropy': crossEntropyGradient,
  'distillation-loss': distillationLossGradient,
  dropout: dropoutGradient,
  embedding: embeddingGradient,
  gated: gatedGradient,
  'layer-norm': layerNormGradient,
  lora: loraGradient,
  matmul: matmulGradient,
  rescale: rescaleGradient,
  'rms-norm': rmsNormGradient,
};

/** For `gradients()` of runtime/gradient.ts. */
export const gradientRules: GradientRules = { add, rules: { ...rules, add: addGradient } };
