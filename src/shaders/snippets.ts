// The pieces of WGSL that several kernels share.

import type { Tier } from '../runtime/gpu.ts';
import type { Snippet } from '../runtime/kernel.ts';
import { registerText } from '../runtime/late-texts.ts';
import activationText from './matmul/gates/activation.wgsl?raw';
import element1Text from './elementwise/element-1.wgsl?raw';
import element4Text from './elementwise/element-4.wgsl?raw';
import flagsText from './flags.wgsl?raw';
import gumbelText from './choice/gumbel.wgsl?raw';
import numbersText from './numbers.wgsl?raw';
import randomText from './random.wgsl?raw';
import rowInvocationText from './rows/row-invocation.wgsl?raw';
import rowSubgroupText from './rows/row-subgroup.wgsl?raw';
import rowWorkgroupText from './rows/row-workgroup.wgsl?raw';
import tanhText from './tanh.wgsl?raw';
import rulesText from './choice/rules.wgsl?raw';
import tokenRuleText from './choice/token-rule.wgsl?raw';
import workgroupText from './workgroup.wgsl?raw';

/**
 * A text that few programs need, since they run on the other kind of device or ask for less: it is
 * loaded when the first pipeline is made of it, or as soon as there is a device of the `tier` that needs it.
 */
export function late(
  load: () => Promise<{ readonly default: string }>,
  tier?: Tier,
): () => Promise<string> {
  if (tier !== undefined) registerText(tier, load);
  return async () => (await load()).default;
}

/** What `Element` is in kernels that are written for one number or four. */
export const element1: Snippet = { file: 'element-1.wgsl', text: element1Text };
export const element4: Snippet = { file: 'element-4.wgsl', text: element4Text };
/** In terms of `Element`; needs `tanh`. */
export const activation: Snippet = { file: 'activation.wgsl', text: activationText };
export const tanh: Snippet = { file: 'tanh.wgsl', text: tanhText };
export const flags: Snippet = { file: 'flags.wgsl', text: flagsText };
/** Needs `random`. */
export const gumbel: Snippet = { file: 'gumbel.wgsl', text: gumbelText };
export const numbers: Snippet = { file: 'numbers.wgsl', text: numbersText };
export const random: Snippet = { file: 'random.wgsl', text: randomText };
/** Both read the tensor bound as `rules`; `tokenRule` needs the other, and `numbers`. */
export const rules: Snippet = { file: 'rules.wgsl', text: rulesText };
export const tokenRule: Snippet = { file: 'token-rule.wgsl', text: tokenRuleText };
export const workgroup: Snippet = { file: 'workgroup.wgsl', text: workgroupText };
export const rowInvocation: Snippet = { file: 'row-invocation.wgsl', text: rowInvocationText };
/** Of rows of the tensor bound as `x`; needs `numbers` and one of the forms of rows. */
export const rowSoftmax: Snippet = {
  file: 'row-softmax.wgsl',
  text: late(() => import('./rows/row-softmax.wgsl?raw')),
};
export const rowSubgroup: Snippet = { file: 'row-subgroup.wgsl', text: rowSubgroupText };
export const rowSubgroups: Snippet = {
  file: 'row-subgroups.wgsl',
  text: late(() => import('./rows/row-subgroups.wgsl?raw'), 'gpu'),
};
export const rowWorkgroup: Snippet = { file: 'row-workgroup.wgsl', text: rowWorkgroupText };
