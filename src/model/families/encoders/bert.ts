// BERT (Devlin et al., 2018, arXiv 1810.04805): the encoder of "Attention Is All You Need" with learned
// positions and segments, and a pooler of the first token.

import {
  bertEmbeddings,
  type BertHead,
  bertLayer,
  bertLayers,
  bertModel,
  bertPooler,
  bertRoot,
  bertSizes,
  checkBert,
} from './bert-layers.ts';
import type { HeadNames } from '../../heads/encoder-heads.ts';
import { headName } from '../../heads/head-name.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { WeightLoader } from '../../weights/weights.ts';

export const bertNames: HeadNames = {
  masked: {
    dense: 'cls.predictions.transform.dense',
    norm: 'cls.predictions.transform.LayerNorm',
    decoder: 'cls.predictions.decoder',
    bias: 'cls.predictions.bias',
    activation: (config) => config.activation('hidden_act', 'gelu'),
    eps: (config) => config.positive('layer_norm_eps', 1e-12),
  },
  sequence: { output: 'classifier' },
};

/** Declares the weights of a `Bert…` checkpoint, the head as `architectures` says. */
export function bert(config: Config, loader: WeightLoader): SequenceDefinition {
  const given = headName(config);
  const head = given === 'PreTraining' ? 'MaskedLM' : given;
  return bertEncoder(config, loader, { family: 'bert.', head, names: bertNames });
}

/** An encoder with BERT's layers. */
export function bertEncoder(
  config: Config,
  loader: WeightLoader,
  own: BertHead & { readonly family: string; readonly paddingToken?: number },
): SequenceDefinition {
  checkBert(config);
  const root = bertRoot(config, loader, own.family, own);
  const sizes = bertSizes(config, { padding: own.paddingToken });
  return bertModel(config, loader, {
    ...own,
    sizes,
    layers: bertLayers(config, (prefix) => bertLayer(loader, prefix, sizes), root),
    pooler: bertPooler(loader, `${root}pooler.dense`, sizes.size, own),
    embeddings: bertEmbeddings(loader, root, sizes),
  });
}
