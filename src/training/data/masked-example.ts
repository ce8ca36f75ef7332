// Texts as what masked language models learn from ("BERT", Devlin et al., 2018, arXiv 1810.04805, §3.1), masked anew
// each time ("RoBERTa", Liu et al., 2019, arXiv 1907.11692, §4.1).

import { refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { Random } from '../../model/random.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { checkRange, checkTexts, checkWhole, invalidOption } from '../check.ts';
import type { TokenExample } from './examples.ts';

/** How many tokens are masked, and by what. */
export interface MaskingOptions {
  /** Draws what is masked: another number, such as that of the step, draws anew. */
  seed: number;
  /** Part of the tokens that is to be told; 0.15 by default. */
  probability?: number;
  /** Tokens at most, of which the first count; all when absent. */
  maxLength?: number;
}

/**
 * Of the tokens that are to be told, "(1) the [MASK] token 80% of the time (2) a random token 10% of the time (3) the
 * unchanged i-th token 10% of the time" is read. At least one is to be told; those that the tokenizer puts around a
 * text never are.
 * @throws TransformerError MODEL_UNSUPPORTED where the tokenizer has no mask token, INPUT_INVALID, OPTION_*
 */
export function maskedExample(
  tokenizer: Tokenizer,
  text: string,
  options: MaskingOptions,
): TokenExample {
  refuseUnknown(options, ['seed', 'probability', 'maxLength'], 'option of maskedExample');
  const { seed, probability = 0.15, maxLength } = options;
  if (!Number.isSafeInteger(seed)) throw invalidOption('seed', seed, 'a whole number');
  checkRange('probability', probability, 0, 1);
  if (maxLength !== undefined) checkWhole('maxLength', maxLength, 1);
  checkTexts(tokenizer, { text });
  const { maskToken } = tokenizer;
  if (maskToken === undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'The tokenizer has no mask token. Load that of a masked language model.',
    );
  }
  const { ids, textIndex } =
    maxLength === undefined
      ? tokenizer.encoding(text)
      : tokenizer.encodingCut(text, undefined, { maxLength, truncate: 'longest' });
  const places = [...ids.keys()].filter((place) => textIndex[place] !== undefined);
  if (places.length === 0) {
    throw new TransformerError('INPUT_INVALID', 'The text has no tokens to mask. Leave it out.');
  }
  const random = new Random(seed);
  const drawn = places.filter(() => random.next() < probability);
  const told = new Set(drawn.length > 0 ? drawn : [random.pick(places)]);
  const size = tokenizer.vocabularySize;
  const read = (id: number, place: number): number => {
    if (!told.has(place)) return id;
    const kind = random.next();
    if (kind < 0.8) return maskToken;
    return kind < 0.9 ? random.integer(0, size - 1) : id;
  };
  return {
    inputIds: ids.map(read),
    labels: ids.map((id, place) => (told.has(place) ? id : ignoredLabel)),
  };
}
