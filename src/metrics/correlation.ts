// How numbers told go with those that are right: Pearson's correlation, and Spearman's, which is that of their ranks.

import { checkArray, inputInvalid, kindOf } from './check.ts';

/** How closely two lists of numbers go together, -1 to 1. */
export interface Correlation {
  /** −1 to 1; NaN where one side is the same number throughout. */
  readonly pearson: number;
  /** The same of ranks; numbers that are equal share the mean of theirs. */
  readonly spearman: number;
}

/** As SciPy's `pearsonr` and `spearmanr`. Errors: INPUT_INVALID. */
export function correlation(
  predictions: readonly number[],
  labels: readonly number[],
): Correlation {
  const [told, right] = [checkNumbers('predictions', predictions), checkNumbers('labels', labels)];
  if (told.length !== right.length || told.length < 2) {
    throw inputInvalid(
      'correlation',
      `got ${told.length} predictions and ${right.length} labels; wanted as many of both, at least two`,
    );
  }
  return { pearson: pearson(told, right), spearman: pearson(ranks(told), ranks(right)) };
}

function pearson(x: readonly number[], y: readonly number[]): number {
  const [u, v] = [centred(x), centred(y)];
  const product = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const [length, other] = [Math.sqrt(product(u, u)), Math.sqrt(product(v, v))];
  // Of numbers that are all the same, rounding leaves some length.
  if (isConstant(x) || isConstant(y)) return NaN;
  return Math.max(-1, Math.min(1, product(u, v) / length / other));
}

function isConstant(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]);
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

/** From 1 for the least. */
function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const result = values.map(() => 0);
  for (let first = 0; first < order.length;) {
    const value = values[order[first] ?? 0];
    let end = first + 1;
    while (end < order.length && values[order[end] ?? 0] === value) end += 1;
    for (const place of order.slice(first, end)) result[place] = (first + 1 + end) / 2;
    first = end;
  }
  return result;
}

function checkNumbers(name: string, value: unknown): number[] {
  return checkArray('correlation', name, value).map((one, i) => {
    if (typeof one === 'number' && Number.isFinite(one)) return one;
    throw inputInvalid('correlation', `${name}[${i}] is ${kindOf(one)}; wanted a finite number`);
  });
}
