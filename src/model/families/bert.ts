// BERT (Devlin et al., 2018, arXiv 1810.04805): the encoder of "Attention Is All You Need" with learned
// positions and segments, and a pooler of the first token.

import { bertEncoder, maskedLanguageHead, tieMaskedHead, tokenHead } from './bert-layers.ts';
import { baseRoot, headName, labelCount } from '../heads/head-name.ts';
import type { Config } from '../config.ts';
import type { Head, SequenceDefinition } from '../definitions.ts';
import type { WeightLoader } from '../weights/weights.ts';

const maskedNames = {
  dense: 'cls.predictions.transform.dense',
  norm: 'cls.predictions.transform.LayerNorm',
  decoder: 'cls.predictions.decoder',
  bias: 'cls.predictions.bias',
};
const maskedHeads = ['MaskedLM', 'PreTraining'];

/** Declares the weights of a `Bert…` checkpoint, the head as `architectures` says. */
export function bert(config: Config, loader: WeightLoader): SequenceDefinition {
  const root = baseRoot(config, loader, 'bert.', 'embeddings.position_embeddings.weight');
  if (maskedHeads.includes(headName(config))) tieMaskedHead(config, loader, root, maskedNames);
  const encoder = bertEncoder(config, loader, root, headName(config) === 'SequenceClassification');
  return {
    ...encoder,
    maxPositions: config.integer('max_position_embeddings'),
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
    const layers = [{ linear: loader.linear('classifier', labelCount(config), size) }];
    return { kind: 'sequence', from: 'pooler', layers };
  }
  if (maskedHeads.includes(name)) {
    const settings = {
      activation: config.activation('hidden_act', 'gelu'),
      eps: config.number('layer_norm_eps', 1e-12),
    };
    return maskedLanguageHead(loader, encoder, maskedNames, settings);
  }
  return tokenHead(name, config, loader, size) ?? config.refuse('architectures');
}
