// What several machines learned, as one: a mean of differences that one of them cannot carry off.

import { fieldsOf, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import { checkPositive, invalidOption } from '../check.ts';
import {
  type AdapterTensors,
  type CheckedTensors,
  checkTensors,
  dataOf,
  expectAlike,
  mapTensors,
} from './adapter-tensors.ts';

/** How differences are merged. */
export interface MergeAdaptersOptions {
  /**
   * Differences whose norm, over all their tensors, is larger are scaled down to it; `'median'`: to the median of the
   * norms, the lower one of an even number. They are left as they are by default.
   */
  maxNorm?: number | 'median';
  /**
   * Of each value, so many of the largest and as many of the smallest are left out before the mean (the "coordinate-wise
   * trimmed mean" of Yin et al. 2018, arXiv 1803.01498, §2): as many as may lie. 0 by default; at least one value has
   * to be left.
   */
  trim?: number;
}

/** The largest weight over the smallest at most: beyond it, sums in f64 lose the smallest. */
const furthestWeights = 1e12;

/**
 * The weighted mean of what workers changed in one adapter, value by value: Σ wᵢ·Δᵢ / Σ wᵢ, computed in f64 and rounded
 * to f32 once. `deltas` are differences as `adapterDelta` gives them, `weights` one number above 0 for each, such as the
 * tokens it was trained on. Apply the result by `outerStep`, or add it.
 *
 * The mean of the matrices is not the mean of the updates: with Ā and B̄ the means, Σ wᵢ·Bᵢ·Aᵢ differs from B̄·Ā by
 * Σ wᵢ·(Bᵢ − B̄)·(Aᵢ − Ā). That is of second order in the differences, so it is small where workers begin from one adapter
 * and merge often. The exact mean of the products has a rank of up to n·r.
 *
 * Clipping and trimming bound what a few workers can do. They do not find out who lies, and several that agree on a lie
 * within the range of the others are believed.
 * @throws TransformerError INPUT_INVALID, OPTION_UNKNOWN, OPTION_INVALID; TENSOR_MISMATCH for differences of other
 *   tensors than those of the first
 * @example
 * const merged = mergeAdapters([mine, yours, theirs], [1, 1, 2], { maxNorm: 'median', trim: 1 });
 */
export function mergeAdapters(
  deltas: readonly AdapterTensors[],
  weights: readonly number[],
  options: MergeAdaptersOptions = {},
): AdapterTensors {
  const all = checkDeltas(deltas);
  const shares = checkWeights(weights, all.length);
  const { maxNorm, trim } = checkMergeOptions(options, all.length);
  const factors = clippingFactors(all, maxNorm);
  const workers = Array.from(all.keys());
  const values = new Float64Array(all.length);
  return mapTensors(all[0] ?? new Map(), (name, { data }) => {
    const own = all.map((delta) => dataOf(delta, name));
    return data.map((_, i) => {
      for (const [worker, delta] of own.entries()) {
        values[worker] = (factors[worker] ?? 0) * (delta[i] ?? 0);
      }
      return mean(values, shares, trim === 0 ? workers : trimmed(values, workers, trim));
    });
  });
}

/** The weighted mean of the values of some. */
function mean(
  values: Float64Array,
  weights: readonly number[],
  workers: readonly number[],
): number {
  let [sum, total] = [0, 0];
  for (const worker of workers) {
    const weight = weights[worker] ?? 0;
    sum += weight * (values[worker] ?? 0);
    total += weight;
  }
  return sum / total;
}

/** Those whose values are neither among the `trim` smallest nor the `trim` largest. */
function trimmed(
  values: Float64Array,
  workers: readonly number[],
  trim: number,
): readonly number[] {
  return workers
    .toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
    .slice(trim, workers.length - trim);
}

/** What each difference is multiplied by, so that its norm is no larger than it may be. */
function clippingFactors(
  deltas: readonly CheckedTensors[],
  maxNorm: MergeAdaptersOptions['maxNorm'],
): number[] {
  if (maxNorm === undefined) return deltas.map(() => 1);
  const norms = deltas.map(normOf);
  const middle = norms.toSorted((a, b) => a - b)[(norms.length - 1) >> 1] ?? 0;
  const most = maxNorm === 'median' ? middle : maxNorm;
  return norms.map((norm) => (norm > most ? most / norm : 1));
}

function normOf(delta: CheckedTensors): number {
  let sum = 0;
  for (const { data } of delta.values()) for (const value of data) sum += value * value;
  return Math.sqrt(sum);
}

/** Errors: INPUT_INVALID, TENSOR_MISMATCH. */
function checkDeltas(given: unknown): readonly CheckedTensors[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The differences are ${show(given)}; wanted a list with one at least. Pass what adapterDelta gives.`,
    );
  }
  const all = Array.from<unknown, CheckedTensors>(given, (one, i) =>
    checkTensors(one, `Difference ${i}`),
  );
  const [first = new Map()] = all;
  for (const [i, delta] of all.entries()) {
    expectAlike(delta, `Difference ${i}`, first, 'difference 0');
  }
  return all;
}

/** Weights of which the largest is 1. Errors: INPUT_INVALID. */
function checkWeights(given: unknown, count: number): number[] {
  const wanted = `wanted ${count}, one for each difference, each a number above 0`;
  if (!Array.isArray(given) || given.length !== count) {
    throw new TransformerError('INPUT_INVALID', `The weights are ${show(given)}; ${wanted}.`);
  }
  const weights = Array.from<unknown, number>(given, (weight, i) => {
    if (Number.isFinite(weight) && Number(weight) > 0) return Number(weight);
    throw new TransformerError('INPUT_INVALID', `Weight ${i} is ${show(weight)}; ${wanted}.`);
  });
  const [least, most] = [Math.min(...weights), Math.max(...weights)];
  if (most / least > furthestWeights) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The weights go from ${least} to ${most}; the largest may be 1e12 times the smallest. Leave the smallest out.`,
    );
  }
  return weights.map((weight) => weight / most);
}

/** Errors: OPTION_UNKNOWN, OPTION_INVALID. */
function checkMergeOptions(
  given: unknown,
  count: number,
): { maxNorm: MergeAdaptersOptions['maxNorm']; trim: number } {
  refuseUnknown(given, ['maxNorm', 'trim'], 'option of mergeAdapters');
  const { maxNorm, trim = 0 } = Object.fromEntries(
    fieldsOf(given, 'The object of options of mergeAdapters'),
  );
  if (maxNorm !== undefined && maxNorm !== 'median') checkPositive('maxNorm', maxNorm);
  if (!Number.isSafeInteger(trim) || Number(trim) < 0 || 2 * Number(trim) >= count) {
    const most = (count - 1) >> 1;
    throw invalidOption('trim', trim, `a whole number from 0 to ${most}, of ${count} differences`);
  }
  return { maxNorm: maxNorm as MergeAdaptersOptions['maxNorm'], trim: Number(trim) };
}
