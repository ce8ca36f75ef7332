// How gradients pass back through every operation that has one. Only training imports this.

import { TransformerError } from '../runtime/errors.ts';
import type { GradientRules, InputGradient, TapeEntry } from '../runtime/gradient.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { activateGradient } from './matmul/activate-gradient.ts';
import { attentionGradient } from './attention/attention-gradient.ts';
import { crossEntropyGradient } from './loss/cross-entropy-gradient.ts';
import { distillationLossGradient } from './loss/distillation-loss-gradient.ts';
import { add } from './elementwise/add.ts';
import { drop } from './elementwise/dropout.ts';
import { scale } from './elementwise/rescale.ts';
import { embeddingGradient } from './embedding/embedding-gradient.ts';
import { gatedGradient } from './matmul/gated-gradient.ts';
import { normGradient } from './rows/norm-gradient.ts';
import { loraGradient } from './matmul/lora-gradient.ts';
import { matmulGradient } from './matmul/matmul-gradient.ts';
import type { Rule, Traces } from './traces.ts';

/** Of a sum: every term gets the gradient as it is. */
function addGradient({ inputs }: TapeEntry, dy: Tensor): InputGradient[] {
  return inputs.map((input) => [input, () => dy]);
}

/** Of dropout: what was dropped is drawn again. */
const dropoutGradient: Rule<'dropout'> = ({ trace: { x, residual, params } }, dy) => [
  [x, () => drop(dy, `d ${x.label}`, params)],
  [residual, () => dy],
];

/** Of scaling: the gradient, scaled. Soft bounds have none yet. */
const rescaleGradient: Rule<'rescale'> = ({ trace: { x, factor, bounded } }, dy) => {
  if (bounded) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Bounded logits cannot be trained through yet.',
    );
  }
  return [[x, () => scale(dy, factor)]];
};

const rules: { readonly [Op in keyof Traces]: Rule<Op> } = {
  activate: activateGradient,
  attention: attentionGradient,
  'cross-entropy': crossEntropyGradient,
  'distillation-loss': distillationLossGradient,
  dropout: dropoutGradient,
  embedding: embeddingGradient,
  gated: gatedGradient,
  lora: loraGradient,
  matmul: matmulGradient,
  norm: normGradient,
  rescale: rescaleGradient,
};

/** For `gradients()` of runtime/gradient.ts. */
export const gradientRules: GradientRules = { add, rules: { ...rules, add: addGradient } };
