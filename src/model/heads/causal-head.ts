// What a language model's decoder feeds: the next token, or a classifier of the whole text or of each token.

import { TransformerError } from '../../runtime/errors.ts';
import { headName, labelCount } from './head-name.ts';
import type { Config } from '../config.ts';
import { oneLinear } from '../weights/linear-weights.ts';
import type { WeightLoader } from '../weights/weights.ts';
import type { EmbeddingWeights } from '../layers/embeddings.ts';
import type { ChooseToken, Head } from './head.ts';
import { LanguageHead } from './language-head.ts';
import type { OutputLayer } from '../layers/logits.ts';
import { SequenceHead } from './sequence-head.ts';
import { TokenHead } from './token-head.ts';

const usual = 'lm_head';

const heads = ['CausalLM', 'LMHeadModel', 'Model', 'SequenceClassification', 'TokenClassification'];

/** What the layer to the vocabulary has of its own. */
export interface CausalOutput extends Pick<OutputLayer, 'scale' | 'softcap'> {
  /** `lm_head` when absent. */
  readonly name?: string;
}

/**
 * Ties the output layer to the token embeddings where config.json says so, before either is declared.
 * @throws TransformerError MODEL_UNSUPPORTED for other heads than `causalHead` knows
 */
export function tieOutput(
  config: Config,
  loader: WeightLoader,
  embedding: string,
  isTied: boolean,
  { name = usual }: CausalOutput = {},
): void {
  if (!heads.includes(headName(config))) config.refuse('architectures');
  if (config.boolean('tie_word_embeddings', isTied)) loader.tie(embedding, `${name}.weight`);
}

/** The head that `architectures` names. */
export function causalHead(
  config: Config,
  loader: WeightLoader,
  { tokens }: Pick<EmbeddingWeights, 'tokens'>,
  { name = usual, ...scaling }: CausalOutput = {},
): Head | undefined {
  const [vocabulary, size] = [tokens.size(0), tokens.size(1)];
  switch (headName(config)) {
    case 'Model':
      return undefined;
    case 'SequenceClassification': {
      const linear = loader.linear('score', labelCount(config), size, { bias: false });
      return new SequenceHead(config, [{ linear }], lastToken(config));
    }
    case 'TokenClassification': {
      const layer = loader.has('classifier.weight') ? 'classifier' : 'score';
      return new TokenHead([{ linear: loader.linear(layer, labelCount(config), size) }]);
    }
    default: {
      const layer = oneLinear(name, loader.matrix(`${name}.weight`, vocabulary, size));
      return new LanguageHead({ ...layer, ...scaling });
    }
  }
}

/** The last token that is no padding; the very last one where all are. */
export function lastToken(config: Config): ChooseToken {
  const padding = config.get('pad_token_id');
  return ({ batch, length, ids }) => {
    if (padding === undefined && batch > 1) {
      throw new TransformerError(
        'INPUT_INVALID',
        `inputIds has ${batch} rows, but ${config.file} has no "pad_token_id" to tell the last token of ` +
          'each by. Pass one sequence at a time.',
      );
    }
    return (ids?.rows ?? []).map((row) => {
      const last = row.findLastIndex((id) => id !== padding);
      return last < 0 ? length - 1 : last;
    });
  };
}
