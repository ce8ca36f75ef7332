// What a language model's decoder feeds: the next token, or a classifier of the whole text.

import { headName, labelCount } from './head-name.ts';
import type { Config } from './config.ts';
import type { Head } from './definitions.ts';
import type { LanguageModelWeights } from './logits.ts';
import type { WeightLoader } from './weights.ts';

/** The head that `architectures` names; `lm_head.weight` where it is not tied to the embeddings. */
export function causalHead(
  config: Config,
  loader: WeightLoader,
  { tokens }: Pick<LanguageModelWeights['target'], 'tokens'>,
  settings: { readonly tied: boolean; readonly softcap?: number | undefined },
): Head | undefined {
  const [vocabulary, size] = [tokens.size(0), tokens.size(1)];
  const name = headName(config);
  if (name === 'Model') return undefined;
  if (name === 'SequenceClassification') {
    const linear = loader.linear('score', labelCount(config), size, { bias: false });
    const single = config.get('pad_token_id') === undefined;
    return { kind: 'sequence', from: 'last', single, layers: [{ linear }] };
  }
  if (!['CausalLM', 'LMHeadModel'].includes(name)) config.refuse('architectures');
  const tied = config.boolean('tie_word_embeddings', settings.tied);
  const weight = tied ? tokens : loader.matrix('lm_head.weight', vocabulary, size);
  return { kind: 'language', output: { weight, softcap: settings.softcap } };
}
