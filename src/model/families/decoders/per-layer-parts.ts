// What layers of Gemma 3n and Gemma 4 take of the tokens themselves, as their checkpoints have it.

import type { Config } from '../../config.ts';
import { paddingOf } from '../../layers/embeddings.ts';
import { PerLayerEmbeddings, type PerLayerGate } from '../../layers/per-layer.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { LlamaSizes } from './llama-parts.ts';

interface PerLayerParts {
  readonly embeddings: (root: string) => PerLayerEmbeddings;
  readonly gate: (prefix: string, layer: number) => Omit<PerLayerGate, 'activation'>;
}

interface PerLayerOptions {
  /** What each layer takes where config.json says nothing. */
  readonly usual: number;
  /** How many tokens have vectors, at least; others have those of the first. */
  readonly leastVocabulary: number;
}

/**
 * None where layers take nothing. Factors of what is normalized behind them, 1/√d_model and 1/√2, stand in the norms' ε
 * alone, which is all that they change.
 */
export function perLayerParts(
  config: Config,
  loader: WeightLoader,
  { size, eps }: Pick<LlamaSizes, 'size' | 'eps'>,
  { usual, leastVocabulary }: PerLayerOptions,
): PerLayerParts | undefined {
  const own = config.integer('hidden_size_per_layer_input', usual, 0);
  if (own === 0) return undefined;
  const all = config.layers('num_hidden_layers') * own;
  const vocabulary = config.integer('vocab_size_per_layer_input', 262_144, leastVocabulary);
  return {
    embeddings: (root) =>
      new PerLayerEmbeddings({
        table: loader.matrix(`${root}embed_tokens_per_layer.weight`, vocabulary, all),
        scale: Math.sqrt(own),
        padding: paddingOf(config),
        projection: loader.linear(`${root}per_layer_model_projection`, all, size, { bias: false }),
        norm: {
          weight: loader.vector(`${root}per_layer_projection_norm.weight`, own),
          eps: eps * size,
        },
      }),
    gate: (prefix, layer) => ({
      gate: loader.linear(`${prefix}.per_layer_input_gate`, own, size, { bias: false }),
      projection: loader.linear(`${prefix}.per_layer_projection`, size, own, { bias: false }),
      norm: {
        weight: loader.vector(`${prefix}.post_per_layer_input_norm.weight`, size),
        eps: 2 * eps,
      },
      first: layer * own,
    }),
  };
}
