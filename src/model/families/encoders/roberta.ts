// RoBERTa (Liu et al., 2019, arXiv 1907.11692), XLM-RoBERTa (Conneau et al., arXiv 1911.02116) and CamemBERT (Martin
// et al., arXiv 1911.03894): BERT with other training. Positions count what is no padding, and begin behind the id of
// the padding.

import { bertEncoder } from './bert.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { HeadNames } from '../../heads/encoder-heads.ts';
import { headName } from '../../heads/head-name.ts';
import { firstToken } from '../../heads/head.ts';
import type { WeightLoader } from '../../weights/weights.ts';

export const robertaNames: HeadNames = {
  masked: {
    dense: 'lm_head.dense',
    norm: 'lm_head.layer_norm',
    decoder: 'lm_head.decoder',
    bias: 'lm_head.bias',
    activation: () => 'gelu',
    eps: (config) => config.positive('layer_norm_eps', 1e-12),
  },
  sequence: {
    dense: ['classifier.dense', 'tanh'],
    output: 'classifier.out_proj',
    choose: firstToken,
  },
};

/** Declares the weights of a `Roberta…`, `XLMRoberta…` or `Camembert…` checkpoint, the head as `architectures` says. */
export function roberta(config: Config, loader: WeightLoader): SequenceDefinition {
  const paddingToken = config.integer('pad_token_id', 1, 0);
  return bertEncoder(config, loader, {
    family: 'roberta.',
    head: headName(config),
    names: robertaNames,
    paddingToken,
  });
}
