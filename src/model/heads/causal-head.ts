// What a language model's decoder feeds: the next token, or a classifier of the whole text.

import { headName, labelCount } from './head-name.ts';
import type { Config } from '../config.ts';
import type { Head } from '../definitions.ts';
import type { LanguageModelWeights } from '../layers/logits.ts';
import { oneLinear } from '../weights/linear-weights.ts';
import type { WeightLoader } from '../weights/weights.ts';

/** The name of the output layer's weight. */
const output = 'lm_head.weight';

const heads = ['CausalLM', 'LMHeadModel', 'Model', 'SequenceClassification'];

/**
 * Ties the output layer to the token embeddings where config.json says so, before either is declared.
 * @throws TransformerError MODEL_UNSUPPORTED for other heads than `causalHead` knows
 */
export function tieOutput(
  config: Config,
  loader: WeightLoader,
  embedding: string,
  isTied: boolean,
): void {
  if (!heads.includes(headName(config))) config.refuse('architectures');
  if (config.boolean('tie_word_embeddings', isTied)) loader.tie(embedding, output);
}

/** The head that `architectures` names. */
export function causalHead(
  config: Config,
  loader: WeightLoader,
  { tokens }: Pick<LanguageModelWeights['target'], 'tokens'>,
  softcap?: number,
): Head | undefined {
  const [vocabulary, size] = [tokens.size(0), tokens.size(1)];
  const name = headName(config);
  if (name === 'Model') return undefined;
  if (name === 'SequenceClassification') {
    const linear = loader.linear('score', labelCount(config), size, { bias: false });
    const single = config.get('pad_token_id') === undefined;
    return { kind: 'sequence', from: 'last', single, layers: [{ linear }] };
  }
  const layer = oneLinear('lm_head', loader.matrix(output, vocabulary, size));
  return { kind: 'language', output: { ...layer, softcap } };
}
