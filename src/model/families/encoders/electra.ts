// ELECTRA (Clark et al., 2020, arXiv 2003.10555): BERT as a discriminator, which "predicts whether each token … was
// replaced by a generator sample" (§2), and the small BERT that proposes them, the generator. Embeddings are projected
// where they are of another width than the layers.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { HeadNames } from '../../heads/encoder-heads.ts';
import { firstToken } from '../../heads/head.ts';
import { headName } from '../../heads/head-name.ts';
import { ReplacedTokenHead } from '../../heads/replaced-token-head.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  bertEmbeddings,
  bertLayer,
  bertLayers,
  bertModel,
  bertRoot,
  bertSizes,
  checkBert,
} from './bert-layers.ts';

const names: HeadNames = {
  masked: {
    dense: 'generator_predictions.dense',
    norm: 'generator_predictions.LayerNorm',
    decoder: 'generator_lm_head',
    bias: 'generator_lm_head.bias',
    activation: () => 'gelu',
    eps: (config) => config.positive('layer_norm_eps', 1e-12),
  },
  sequence: {
    dense: ['classifier.dense', 'gelu'],
    output: 'classifier.out_proj',
    choose: firstToken,
  },
};

/** Declares the weights of an `Electra…` checkpoint, the head as `architectures` says. */
export function electra(config: Config, loader: WeightLoader): SequenceDefinition {
  checkBert(config);
  const own = { head: headName(config), names };
  const root = bertRoot(config, loader, 'electra.', own);
  const embeddingSize = config.integer('embedding_size', 128);
  const sizes = { ...bertSizes(config), embeddingSize };
  const { size } = sizes;
  return bertModel(config, loader, {
    ...own,
    sizes,
    layers: bertLayers(config, (prefix) => bertLayer(loader, prefix, sizes), root),
    embeddings: {
      ...bertEmbeddings(loader, root, sizes),
      ...(embeddingSize !== size && {
        projection: loader.linear(`${root}embeddings_project`, size, embeddingSize),
      }),
    },
    ...(own.head === 'PreTraining' && {
      ownHead: () => {
        const of = (name: string, columns: number) =>
          loader.linear(`discriminator_predictions.${name}`, columns, size);
        const activation = config.activation('hidden_act', 'gelu');
        return new ReplacedTokenHead([
          { linear: of('dense', size), activation },
          { linear: of('dense_prediction', 1) },
        ]);
      },
    }),
  });
}
