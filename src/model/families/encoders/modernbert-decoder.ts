// The decoder of ModernBERT's layers ("Seq vs Seq: An Open Suite of Paired Encoders and Decoders", Weller et al., 2025,
// arXiv 2507.11412, §3): tokens see only what stands before them, and as much of it as the encoder's do.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { lastToken } from '../../heads/causal-head.ts';
import type { Head } from '../../heads/head.ts';
import { headName, labelCount } from '../../heads/head-name.ts';
import { LanguageHead } from '../../heads/language-head.ts';
import { SequenceHead } from '../../heads/sequence-head.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  modernBertModel,
  modernBertSizes,
  type ModernBertSizes,
  predictionHead,
} from './modernbert-layers.ts';

/** Declares the weights of a `ModernBertDecoder…` checkpoint, the head as `architectures` says. */
export function modernBertDecoder(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = modernBertSizes(config, loader);
  if (config.boolean('tie_word_embeddings', true)) {
    loader.tie('model.embeddings.tok_embeddings.weight', 'decoder.weight');
  }
  const model = modernBertModel(config, loader, {
    ...sizes,
    causal: true,
    queryKeyValue: ['q_proj', 'k_proj', 'v_proj'],
    window: Math.floor(config.integer('local_attention', 128, 2) / 2),
  });
  return { ...model, head: headOf(config, loader, sizes) };
}

function headOf(config: Config, loader: WeightLoader, sizes: ModernBertSizes): Head | undefined {
  const { size, vocabulary } = sizes;
  switch (headName(config)) {
    case 'Model':
      return undefined;
    case 'CausalLM': {
      const before = predictionHead(config, loader, 'lm_head', sizes);
      const bias = config.boolean('decoder_bias', true);
      return new LanguageHead(loader.linear('decoder', vocabulary, size, { bias }), before);
    }
    case 'SequenceClassification': {
      const before = predictionHead(config, loader, 'head', sizes);
      const bias = config.boolean('classifier_bias', false);
      const linear = loader.linear('classifier', labelCount(config), size, { bias });
      return new SequenceHead(config, [before, { linear }], lastToken(config));
    }
    default:
      return config.refuse('architectures');
  }
}
