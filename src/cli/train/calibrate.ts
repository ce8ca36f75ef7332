// How sure a translator is inside and outside of its field, and the score that tells the two apart.

import type { Model } from '../../index.node.ts';
import { Random } from '../../model/random.ts';
import { fitCalibration } from '../../phrases/calibration.ts';
import { drawOutside } from '../../phrases/outside.ts';
import type { Phrase } from '../../phrases/phrases.ts';
import { certaintyOf } from '../../tasks/text/translation-score.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { batchesByLength, phraseSource } from './answers.ts';

/** Texts side by side. */
const batchSize = 48;

/**
 * Fits a score to as many texts outside of the field as there are phrases, and tells it in a line, with what it marks.
 * Texts with unknown tokens are marked anyway.
 */
export async function calibrationLine(
  model: Model,
  tokenizer: Tokenizer,
  phrases: readonly Phrase[],
  seed: number,
): Promise<string> {
  const random = new Random(seed);
  const texts = phrases.map(({ to }) => phraseSource({ to, text: drawOutside(random) }));
  const inside = await certainties(model, tokenizer, phrases.map(phraseSource));
  const outside = await certainties(model, tokenizer, texts);
  const known = outside.filter((_, index) => {
    const ids = tokenizer.encode(texts[index] ?? '');
    return !ids.some((id) => id === tokenizer.unkToken);
  });
  const { slope, offset } = fitCalibration(inside, known);
  const marked = (list: readonly number[]): number =>
    list.filter((value) => slope * value + offset < 0).length;
  const part = (count: number): string => `${((100 * count) / phrases.length).toFixed(1)} %`;
  const outsideMarked = marked(known) + outside.length - known.length;
  return (
    `"score_calibration": { "slope": ${slope.toFixed(2)}, "offset": ${offset.toFixed(3)} } marks ` +
    `${part(outsideMarked)} of ${outside.length} texts outside, ${part(marked(inside))} of the phrases`
  );
}

/** How certain the model is of each text's translation. */
async function certainties(
  model: Model,
  tokenizer: Tokenizer,
  texts: readonly string[],
): Promise<number[]> {
  const found = texts.map(() => 0);
  for (const { places, inputs } of batchesByLength(tokenizer, texts, batchSize)) {
    const { sequences, logProbs = [] } = await model.generate(inputs, { logProbs: true });
    for (const [row, place] of places.entries()) {
      const written = { ids: sequences[row] ?? [], logProbs: logProbs[row] ?? [] };
      found[place] = certaintyOf(written, model.config['outside_token_id'] ?? null);
    }
  }
  return found;
}
