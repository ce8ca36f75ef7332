// Whether experts are to be used evenly, as config.json says.

import { balanceLoss } from '../../../shaders/experts/balance-loss.ts';
import type { Config } from '../../config.ts';
import type { ExpertBalance } from '../../definitions.ts';
import { headName } from '../../heads/head-name.ts';

/**
 * `router_aux_loss_coef` times the balance of experts, where `output_router_logits` asks for it; language models
 * alone have it.
 */
export function expertBalance(config: Config): ExpertBalance | undefined {
  const isAsked = config.boolean('output_router_logits', false);
  const factor = config.number('router_aux_loss_coef', 0.001);
  if (!isAsked || headName(config) !== 'CausalLM') return undefined;
  return { record: (layers, mask) => balanceLoss(layers, { mask, factor }) };
}
