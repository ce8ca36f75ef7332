// How sure a translator is of what it wrote.

import { isObject } from '../../source/json.ts';
import type { TaskParts } from '../task.ts';

/**
 * From the log-probabilities of the tokens of a translation, end included, their geometric mean. Where config.json has
 * a `score_calibration`, the logistic function of it that was fitted to texts inside and outside of what the model was
 * made for (Platt 1999, "Probabilistic Outputs for Support Vector Machines"); 0 of sources with unknown tokens.
 */
export function translationScore(
  logProbs: readonly number[],
  source: readonly number[],
  { model, tokenizer }: TaskParts,
): number {
  const mean = logProbs.reduce((sum, one) => sum + one, 0) / logProbs.length;
  const calibration = model.config['score_calibration'];
  if (!isObject(calibration)) return Math.exp(mean);
  if (source.some((id) => id === tokenizer.unkToken)) return 0;
  const { slope, offset } = calibration;
  return 1 / (1 + Math.exp(-(Number(slope) * mean + Number(offset))));
}
