// Magnitude pruning: the smallest weights become zero, and the others are trained on (Han, Pool, Tran and
// Dally 2015, "Learning both Weights and Connections for Efficient Neural Networks", arXiv 1506.02626).
// Zeros are stored like other numbers: what shrinks is the file once it is compressed.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { readBack } from '../runtime/read-back.ts';
import type { Model } from '../model/model.ts';
import type { WeightSlice } from '../model/weights/parameters.ts';
import { checkPatterns } from './check.ts';
import { PruningMask, type Subject, subjectOf } from './pruning-mask.ts';
import { matcher, type NamePattern } from './trainable.ts';
import type { Trainer } from './trainer.ts';

/** Which weights go, and how many. */
export interface PruneWeightsOptions {
  /** Part of the weights that becomes zero, 0 to below 1; those that are zero already count. */
  sparsity: number;
  /** Names of tensors, `*` for any run of characters; all matrices by default, embeddings included. */
  targets?: readonly NamePattern[];
  /** Whether each tensor loses that part, or all of them together; `tensor` by default. */
  scope?: 'tensor' | 'global';
}

/** What pruning made of a tensor of the checkpoint. */
export interface PrunedTensor {
  /** Its name in the checkpoint. */
  readonly name: string;
  /** Elements that are left, and that are zero now. */
  readonly kept: number;
  /** Elements that are zero now. */
  readonly removed: number;
  /** The largest magnitude of what went: 0 when nothing did. */
  readonly threshold: number;
}

/** What pruning made of a model. */
export interface PrunedWeights {
  /** Each tensor that was pruned. */
  readonly tensors: readonly PrunedTensor[];
  /** Keeps the pruned weights zero in a trainer that is made later: `await mask.keepIn(trainer)`. */
  readonly mask: PruningMask;
}

/**
 * Sets the weights of least magnitude to zero. In a trainer they stay zero from its next step on; a model
 * takes `mask` to its trainers. To go on pruning between steps, call it again with a higher sparsity. A
 * run that is restored is pruned again with the same options, which finds the zeros.
 * Of equal magnitudes the first ones go, so the result is always the same.
 * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, MODEL_UNSUPPORTED
 */
export async function pruneWeights(
  target: Model | Trainer,
  options: PruneWeightsOptions,
): Promise<PrunedWeights> {
  refuseUnknown(options, ['sparsity', 'targets', 'scope'], 'option of pruneWeights');
  checkPruning(options);
  const subject = subjectOf(target);
  const pruned = await prunedOf(subject, options);
  await pruned.mask.apply(subject);
  return pruned;
}

/** @throws TransformerError OPTION_INVALID */
export function checkPruning({ sparsity, scope, targets }: PruneWeightsOptions): void {
  checkSparsity('sparsity', sparsity);
  if (scope !== undefined && scope !== 'tensor' && scope !== 'global') {
    throw new TransformerError(
      'OPTION_INVALID',
      `scope is ${show(scope)}; wanted "tensor" or "global".`,
    );
  }
  checkPatterns('targets', targets);
}

/** @throws TransformerError OPTION_INVALID */
export function checkSparsity(name: string, sparsity: unknown): void {
  if (typeof sparsity === 'number' && sparsity >= 0 && sparsity < 1) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `${name} is ${show(sparsity)}; wanted a number from 0 to below 1, the part that becomes zero.`,
  );
}

/** What becomes zero. */
export async function prunedOf(
  subject: Subject,
  { sparsity, targets, scope = 'tensor' }: PruneWeightsOptions,
): Promise<PrunedWeights> {
  const slices = await targetsOf(subject, targets);
  const groups = new Map<string, Weights[]>();
  for (const weights of slices) {
    const group = scope === 'global' ? '' : weights.name;
    groups.set(group, [...(groups.get(group) ?? []), weights]);
  }
  const mask = new PruningMask(subject.parameters);
  const tensors = [...groups.values()].flatMap((group) => pruneGroup(group, sparsity, mask));
  return { tensors, mask };
}

/** A part of a stored tensor, and its values. */
interface Weights {
  readonly name: string;
  readonly slice: WeightSlice;
  readonly values: Float32Array;
}

/** The weights that are to be pruned, as they stand on the GPU. */
async function targetsOf(
  { gpu, parameters }: Subject,
  patterns: readonly NamePattern[] | undefined,
): Promise<Weights[]> {
  const { slices } = parameters;
  const isTarget =
    patterns === undefined
      ? ({ shape }: WeightSlice) => shape.filter((size) => size > 1).length > 1
      : matcher('targets', patterns, slices);
  const chosen = slices.filter(isTarget);
  const read = await readBack(
    gpu,
    chosen.map(({ tensor }) => tensor),
  );
  return chosen.map((slice, index) => {
    const all = new Float32Array(read[index] ?? new ArrayBuffer(0));
    return { name: slice.name, slice, values: all.subarray(slice.first, slice.first + slice.size) };
  });
}

/** Marks the smallest of all these weights in the mask. */
function pruneGroup(
  group: readonly Weights[],
  sparsity: number,
  mask: PruningMask,
): PrunedTensor[] {
  const magnitudes = new Float32Array(group.reduce((sum, { slice }) => sum + slice.size, 0));
  let end = 0;
  for (const { values } of group) {
    magnitudes.set(values.map(Math.abs), end);
    end += values.length;
  }
  magnitudes.sort();
  const removed = Math.round(sparsity * magnitudes.length);
  // What is smaller goes, and of what equals the threshold as much as is wanted.
  const threshold = magnitudes[removed - 1] ?? 0;
  let ties = removed === 0 ? 0 : removed - magnitudes.indexOf(threshold);
  const counts = new Map<string, { kept: number; removed: number; threshold: number }>();
  for (const { name, slice, values } of group) {
    const count = counts.get(name) ?? { kept: 0, removed: 0, threshold: 0 };
    counts.set(name, count);
    const marks = new Uint8Array(slice.size);
    values.forEach((value, i) => {
      const magnitude = Math.abs(value);
      const goes = magnitude < threshold || (magnitude === threshold && ties-- > 0);
      if (!goes) {
        count.kept += 1;
        return;
      }
      marks[i] = 1;
      count.removed += 1;
      count.threshold = Math.max(count.threshold, magnitude);
    });
    mask.mark(slice, marks);
  }
  return [...counts].map(([name, count]) => ({ name, ...count }));
}
