// The words behind a mask: BERT (arXiv 1810.04805), §3.1, "Masked LM".

import type { Activation } from '../../shaders/matmul/matmul.ts';
import type { Config } from '../config.ts';
import { layerNormWeights } from '../layers/norm-weights.ts';
import type { WeightLoader } from '../weights/weights.ts';
import type { BeforeOutput } from '../layers/logits.ts';
import type { Linear } from '../weights/linear-weights.ts';
import type { EncoderHead, HeadParts } from './encoder-heads.ts';
import { TokenHead } from './token-head.ts';

/** What the parts are called, and how they compute. */
export interface MaskedHeadNames {
  readonly dense: string;
  readonly norm: string;
  readonly decoder: string;
  readonly bias: string;
  /** As config.json says, where it is a name of its own. */
  readonly activation: (config: Config) => Activation;
  readonly eps: (config: Config) => number;
}

/** A layer, its norm, and the token embeddings again. */
export const maskedHead: EncoderHead = {
  shown: (has) =>
    has('vocab_transform.weight') ||
    ['cls.predictions.transform', 'generator_predictions', 'lm_head', 'predictions'].some((name) =>
      has(`${name}.dense.weight`),
    ),
  declare(parts) {
    const { before, output } = maskedLayers(parts);
    return new TokenHead([before, { linear: output }]);
  },
};

/** The layers of such a head. */
export function maskedLayers({
  config,
  loader,
  size,
  embeddingSize = size,
  vocabulary,
  names: { masked },
}: HeadParts): { readonly before: BeforeOutput; readonly output: Linear } {
  const dense = loader.linear(masked.dense, embeddingSize, size);
  const norm = layerNormWeights(loader, masked.norm, embeddingSize, masked.eps(config));
  return {
    before: { linear: dense, activation: masked.activation(config), norm },
    output: loader.linear(masked.decoder, vocabulary, embeddingSize),
  };
}

/**
 * Ties the output layer of a masked language model to the token embeddings, where config.json says so, and
 * the two names of its bias, before any of them is declared.
 */
export function tieMaskedHead(
  config: Config,
  loader: WeightLoader,
  root: string,
  { decoder, bias }: MaskedHeadNames,
): void {
  const tied = config.boolean('tie_word_embeddings', true);
  if (tied) loader.tie(`${root}embeddings.word_embeddings.weight`, `${decoder}.weight`);
  if (tied || !loader.has(`${decoder}.bias`)) loader.tie(bias, `${decoder}.bias`);
}
