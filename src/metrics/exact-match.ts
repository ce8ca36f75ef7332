// Exact match: the share of hypotheses that are equal to a reference, as for SQuAD (Rajpurkar et al.,
// "SQuAD: 100,000+ Questions for Machine Comprehension of Text", 2016).

import { refuseUnknown } from '../runtime/errors.ts';
import { checkFunction, checkText, pairTexts, type References } from './check.ts';

/** How texts are compared. */
export interface ExactMatchOptions {
  /** Applied to both sides before they are compared. By default texts compare as they are. */
  normalize?: (text: string) => string;
}

/** How many texts are right as a whole. */
export interface ExactMatchScore {
  /** `matches / total`, 0 to 1. */
  readonly score: number;
  /** Texts that are right. */
  readonly matches: number;
  /** Texts that were compared. */
  readonly total: number;
}

/**
 * How many hypotheses are equal to their reference, or to any one of their references. Every
 * character counts: case, spaces and Unicode forms too, unless `normalize` takes them away (SQuAD's
 * takes away case, punctuation, articles and double spaces).
 * Errors: INPUT_INVALID, OPTION_INVALID, OPTION_UNKNOWN.
 */
export function exactMatch(
  hypotheses: readonly string[],
  references: References,
  options: ExactMatchOptions = {},
): ExactMatchScore {
  refuseUnknown(options, ['normalize'], 'option of exactMatch');
  checkFunction('normalize', options.normalize);
  const { normalize = (text) => text } = options;
  const normal = (text: string): string =>
    checkText('exactMatch', 'what normalize returned', normalize(text));

  const pairs = pairTexts('exactMatch', hypotheses, references);
  const matches = pairs.filter((pair) => {
    const hypothesis = normal(pair.hypothesis);
    return pair.references.some((reference) => normal(reference) === hypothesis);
  }).length;
  return { score: matches / pairs.length, matches, total: pairs.length };
}
