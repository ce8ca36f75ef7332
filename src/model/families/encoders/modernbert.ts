// ModernBERT (Warner et al., 2024, arXiv 2412.13663): a pre-norm encoder without biases, with rotary positions and a
// GELU that gates (§2.1.1); layers see a window of tokens, and some see all (§2.1.2, "Alternating Attention").

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { firstToken, type Head } from '../../heads/head.ts';
import { headName, labelCount } from '../../heads/head-name.ts';
import { meanOfTokens } from '../../heads/mean-of-tokens.ts';
import { SequenceHead } from '../../heads/sequence-head.ts';
import { SpanHead } from '../../heads/span-head.ts';
import { TokenHead } from '../../heads/token-head.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  modernBertModel,
  modernBertSizes,
  type ModernBertSizes,
  predictionHead,
} from './modernbert-layers.ts';

/** Declares the weights of a `ModernBert…` checkpoint, the head as `architectures` says. */
export function modernBert(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = modernBertSizes(config, loader);
  const name = headName(config);
  if (name === 'MaskedLM' && config.boolean('tie_word_embeddings', true)) {
    loader.tie('model.embeddings.tok_embeddings.weight', 'decoder.weight');
  }
  // As many to either side.
  const window = Math.floor(config.integer('local_attention', 128) / 2) + 1;
  const model = modernBertModel(config, loader, {
    ...sizes,
    causal: false,
    queryKeyValue: ['Wqkv'],
    window,
  });
  return { ...model, head: name === 'Model' ? undefined : headOf(name, config, loader, sizes) };
}

function headOf(name: string, config: Config, loader: WeightLoader, sizes: ModernBertSizes): Head {
  const { size, heads, vocabulary } = sizes;
  const before = predictionHead(config, loader, 'head', sizes);
  const layers = (last: string, columns: number, bias = true) => [
    before,
    { linear: loader.linear(last, columns, size, { bias }) },
  ];
  switch (name) {
    case 'MaskedLM':
      // Logits of what has no label would be missing.
      config.only('sparse_prediction', false);
      return new TokenHead(layers('decoder', vocabulary, config.boolean('decoder_bias', true)));
    case 'TokenClassification':
      return new TokenHead(layers('classifier', labelCount(config)));
    case 'QuestionAnswering':
      return new SpanHead(layers('classifier', 2));
    case 'SequenceClassification': {
      const classifier = layers('classifier', labelCount(config));
      switch (config.string('classifier_pooling', 'cls')) {
        case 'cls':
          return new SequenceHead(config, classifier, firstToken);
        case 'mean':
          return new SequenceHead(config, classifier, undefined, (states, mask) =>
            meanOfTokens(states, mask, heads),
          );
        default:
          return config.refuse('classifier_pooling', '"cls" or "mean"');
      }
    }
    default:
      return config.refuse('architectures');
  }
}
