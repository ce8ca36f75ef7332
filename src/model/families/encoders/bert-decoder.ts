// BERT and RoBERTa as decoders of what an encoder sees ("Leveraging Pre-trained Checkpoints for Sequence Generation
// Tasks", Rothe et al., 2019, arXiv 1907.12461, §2): tokens see what stands before them, and attend to the encoder's
// vectors; the head that tells masked words tells the next one.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { HeadNames, HeadParts } from '../../heads/encoder-heads.ts';
import type { Head } from '../../heads/head.ts';
import { LanguageHead } from '../../heads/language-head.ts';
import { maskedLayers } from '../../heads/masked-head.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bertNames } from './bert.ts';
import {
  bertEmbeddings,
  bertLayer,
  bertLayers,
  bertModel,
  bertRoot,
  bertSizes,
  checkBert,
} from './bert-layers.ts';
import { robertaNames } from './roberta.ts';

function decoderHead(parts: HeadParts): Head {
  const { before, output } = maskedLayers(parts);
  return new LanguageHead(output, before);
}

interface DecoderOptions {
  readonly family: string;
  readonly names: HeadNames;
  /** The row of the table of positions that the first token has; that of its count when absent. */
  readonly firstPosition?: number;
  /** The width of what it attends to; its own when absent. */
  readonly seenSize?: number | undefined;
}

/** Declares the weights of a `BertLMHeadModel`. `seenSize`: the width of what it attends to; its own when absent. */
export function bertDecoder(
  config: Config,
  loader: WeightLoader,
  seenSize?: number,
): SequenceDefinition {
  return decoder(config, loader, { family: 'bert.', names: bertNames, seenSize });
}

/** Declares the weights of a `RobertaForCausalLM`. */
export function robertaDecoder(config: Config, loader: WeightLoader): SequenceDefinition {
  const firstPosition = config.integer('pad_token_id', 1, 0) + 1;
  return decoder(config, loader, { family: 'roberta.', names: robertaNames, firstPosition });
}

function decoder(
  config: Config,
  loader: WeightLoader,
  { family, names, firstPosition, seenSize }: DecoderOptions,
): SequenceDefinition {
  checkBert(config, true);
  config.only('add_cross_attention', true);
  // What tells masked words tells the next one.
  const head = 'MaskedLM';
  const root = bertRoot(config, loader, family, { head, names });
  const sizes = bertSizes(config);
  const { size, heads, eps } = sizes;
  const layer = (prefix: string): LayerWeights => ({
    ...bertLayer(loader, prefix, sizes),
    crossAttention: {
      heads,
      query: loader.linear(`${prefix}.crossattention.self.query`, size, size),
      keyValue: loader.linear(
        ['key', 'value'].map((name) => `${prefix}.crossattention.self.${name}`),
        size,
        seenSize ?? size,
      ),
      output: loader.linear(`${prefix}.crossattention.output.dense`, size, size),
    },
    crossAttentionNorm: layerNormWeights(
      loader,
      `${prefix}.crossattention.output.LayerNorm`,
      size,
      eps,
    ),
  });
  return bertModel(config, loader, {
    head,
    names,
    sizes,
    layers: bertLayers(config, layer, root),
    embeddings: bertEmbeddings(loader, root, sizes, firstPosition),
    ownHead: decoderHead,
    causal: true,
  });
}
