// Classes told beside those that are right: as scikit-learn's `classification_report` counts them.

import { checkArray, inputInvalid, kindOf } from './check.ts';

/** Classes by number or by name. */
export type Classes = readonly number[] | readonly string[];

/** How well classes are told. */
export interface ClassificationScore {
  /** The part of the classes that are told right, 0 to 1. */
  readonly accuracy: number;
  /** Mean of F1 over the classes that are told or right, each counting the same, 0 to 1. */
  readonly macroF1: number;
  /** Predictions that were compared. */
  readonly total: number;
}

/** How often a class was told right, told, and right. */
interface Counts {
  hits: number;
  told: number;
  right: number;
}

/**
 * Accuracy, and F1 = 2 · hits / (told + right) of each class, averaged. Errors: INPUT_INVALID.
 * @example
 * classification(['cat', 'dog', 'dog'], ['cat', 'dog', 'cat']); // { accuracy: 0.667, macroF1: 0.667, total: 3 }
 */
export function classification(predictions: Classes, labels: Classes): ClassificationScore {
  const [told, right] = pairClasses(predictions, labels);
  const counts = new Map<string | number, Counts>();
  const countsOf = (name: string | number): Counts => {
    const known = counts.get(name) ?? { hits: 0, told: 0, right: 0 };
    counts.set(name, known);
    return known;
  };
  for (const [i, label] of right.entries()) {
    const guess = told[i] ?? label;
    countsOf(guess).told += 1;
    countsOf(label).right += 1;
    if (guess === label) countsOf(label).hits += 1;
  }
  const all = [...counts.values()];
  const scores = all.map((one) => (2 * one.hits) / (one.told + one.right));
  return {
    accuracy: all.reduce((sum, { hits }) => sum + hits, 0) / right.length,
    macroF1: scores.reduce((sum, score) => sum + score, 0) / scores.length,
    total: right.length,
  };
}

/** Two lists of classes, as long as each other. */
function pairClasses(
  predictions: unknown,
  labels: unknown,
): [told: (string | number)[], right: (string | number)[]] {
  const told = checkClasses('predictions', predictions);
  const right = checkClasses('labels', labels);
  if (told.length !== right.length) {
    const counts = `${told.length} predictions and ${right.length} labels`;
    throw inputInvalid('classification', `got ${counts}; wanted as many of both`);
  }
  if (told.length === 0) {
    throw inputInvalid('classification', 'got no classes. Pass at least one pair');
  }
  return [told, right];
}

function checkClasses(name: string, value: unknown): (string | number)[] {
  return checkArray('classification', name, value).map((one, i) => {
    if (typeof one === 'string' || (typeof one === 'number' && Number.isFinite(one))) return one;
    throw inputInvalid(
      'classification',
      `${name}[${i}] is ${kindOf(one)}; wanted a number or a name`,
    );
  });
}
