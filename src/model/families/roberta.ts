// RoBERTa (Liu et al., 2019, arXiv 1907.11692) and XLM-RoBERTa (Conneau et al., arXiv 1911.02116): BERT
// with other training. Positions count what is no padding, and begin behind the id of the padding.

import { bertEncoder, maskedLanguageHead, tieMaskedHead, tokenHead } from './bert-layers.ts';
import { baseRoot, headName, labelCount } from '../heads/head-name.ts';
import type { Config } from '../config.ts';
import type { Head, SequenceDefinition } from '../definitions.ts';
import type { WeightLoader } from '../weights/weights.ts';

const maskedNames = {
  dense: 'lm_head.dense',
  norm: 'lm_head.layer_norm',
  decoder: 'lm_head.decoder',
  bias: 'lm_head.bias',
};

/** Declares the weights of a `Roberta…` or `XLMRoberta…` checkpoint, the head as `architectures` says. */
export function roberta(config: Config, loader: WeightLoader): SequenceDefinition {
  const root = baseRoot(config, loader, 'roberta.', 'embeddings.position_embeddings.weight');
  if (headName(config) === 'MaskedLM') tieMaskedHead(config, loader, root, maskedNames);
  const encoder = bertEncoder(config, loader, root);
  const paddingToken = config.integer('pad_token_id', 1, 0);
  return {
    ...encoder,
    paddingToken,
    maxPositions: config.integer('max_position_embeddings') - paddingToken - 1,
    head: headOf(config, loader, encoder),
  };
}

function headOf(
  config: Config,
  loader: WeightLoader,
  encoder: ReturnType<typeof bertEncoder>,
): Head | undefined {
  const name = headName(config);
  const size = encoder.embeddings.tokens.size(1);
  if (name === 'Model') return undefined;
  if (name === 'SequenceClassification') {
    const dense = loader.linear('classifier.dense', size, size);
    const output = loader.linear('classifier.out_proj', labelCount(config), size);
    const layers = [{ linear: dense, activation: 'tanh' } as const, { linear: output }];
    return { kind: 'sequence', from: 'first', layers };
  }
  if (name === 'MaskedLM') {
    const settings = { activation: 'gelu', eps: config.number('layer_norm_eps', 1e-12) } as const;
    return maskedLanguageHead(loader, encoder, maskedNames, settings);
  }
  return tokenHead(name, config, loader, size) ?? config.refuse('architectures');
}
