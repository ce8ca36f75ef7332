// How sure a translator is of what it wrote.

import { isObject } from '../../source/json.ts';
import type { GeneratedRow } from '../generation.ts';
import type { TaskParts } from '../task.ts';

/** Below what f32 tells from 1; it keeps logarithms finite. */
const leastProbability = 2 ** -24;

/**
 * The mean log-probability of the tokens of a translation, end included. One that begins with the token of what is
 * outside of the model's field has the log-probability of its being wrong.
 */
export function certaintyOf(
  { ids: [, begin], logProbs }: GeneratedRow,
  outsideToken: unknown,
): number {
  const [first = 0] = logProbs;
  if (begin === outsideToken) return Math.log(Math.max(leastProbability, 1 - Math.exp(first)));
  return logProbs.reduce((sum, one) => sum + one, 0) / logProbs.length;
}

/**
 * From the log-probabilities of the tokens of a translation, their geometric mean. Where config.json has a
 * `score_calibration`, the logistic function of it that was fitted to texts inside and outside of what the model was
 * made for (Platt 1999, "Probabilistic Outputs for Support Vector Machines"); 0 of sources with unknown tokens.
 */
export function translationScore(
  translation: GeneratedRow,
  source: readonly number[],
  { model, tokenizer }: TaskParts,
): number {
  const { score_calibration: calibration, outside_token_id: outside = null } = model.config;
  const mean = certaintyOf(translation, outside);
  if (!isObject(calibration)) return Math.exp(mean);
  if (source.some((id) => id === tokenizer.unkToken)) return 0;
  const { slope, offset } = calibration;
  return 1 / (1 + Math.exp(-(Number(slope) * mean + Number(offset))));
}
