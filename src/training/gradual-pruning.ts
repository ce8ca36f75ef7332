// Pruning as training goes on ("To prune, or not to prune", Zhu and Gupta 2017, arXiv 1710.01878, §3): what is left is
// trained between one pruning and the next, and takes over from what went.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { checkWhole } from './check.ts';
import { subjectOf } from './pruning-mask.ts';
import { checkPruning, checkSparsity, prunedOf, type PruneWeightsOptions } from './pruning.ts';
import type { Trainer } from './trainer.ts';

/** How much is pruned, and when. */
export interface GradualPruningOptions extends PruneWeightsOptions {
  /** Part of the weights that is zero in the end, 0 to below 1. */
  sparsity: number;
  /** That of the first pruning; 0 by default, which only counts zeros that are there. */
  initialSparsity?: number;
  /** Behind which step the first pruning comes, and behind which the last. */
  from: number;
  /** The step behind which the last pruning comes. */
  to: number;
  /** Steps from one to the next; 100 by default. */
  every?: number;
}

/** What prunes a trainer's weights behind its steps. */
export interface RunPruning {
  /** The part that is zero behind a step; undefined before the first pruning. @throws TransformerError OPTION_INVALID */
  sparsityAt(step: number): number | undefined;
  /** Prunes where it is time. @internal */
  after(step: number, trainer: Trainer): Promise<void>;
  /** Has what was pruned stay zero in a run that was restored at a step. @internal */
  restored(step: number, trainer: Trainer): Promise<void>;
}

/**
 * Prunes the weights of a trainer step by step: `new Trainer(model, { pruning: gradualPruning({ … }) })`. Behind step t the
 * part s + (s₀ - s)(1 - (t - from) / (to - from))³ is zero (eq. 1), fast at first, while there is much to spare. A run that
 * is restored goes on bit for bit.
 * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID
 */
export function gradualPruning(options: GradualPruningOptions): RunPruning {
  const names = ['sparsity', 'initialSparsity', 'from', 'to', 'every', 'targets', 'scope'];
  refuseUnknown(options, names, 'option of gradualPruning');
  const { sparsity, initialSparsity = 0, from, to, every = 100, ...which } = options;
  checkPruning(options);
  checkSparsity('initialSparsity', initialSparsity);
  checkWhole('from', from, 1);
  checkWhole('to', to, from + 1);
  checkWhole('every', every, 1);
  if (initialSparsity > sparsity) {
    throw new TransformerError(
      'OPTION_INVALID',
      `initialSparsity is ${initialSparsity}, more than sparsity, ${sparsity}: what is pruned does not come back.`,
    );
  }
  /** The step of the last pruning that there has been. */
  const pruningBy = (step: number): number | undefined => {
    if (step < from) return undefined;
    return step >= to ? to : step - ((step - from) % every);
  };
  const partOf = (step: number): number =>
    sparsity + (initialSparsity - sparsity) * (1 - (step - from) / (to - from)) ** 3;
  const sparsityAt = (step: number): number | undefined => {
    checkWhole('step', step, 0);
    const at = pruningBy(step);
    return at === undefined ? undefined : partOf(at);
  };
  const prune = async (step: number, trainer: Trainer): Promise<void> => {
    const part = sparsityAt(step);
    if (part === undefined) return;
    const subject = subjectOf(trainer);
    const { mask } = await prunedOf(subject, { ...which, sparsity: part });
    await mask.zero(subject);
  };
  return {
    sparsityAt,
    after: async (step, trainer) => {
      if (pruningBy(step) === step) await prune(step, trainer);
    },
    restored: prune,
  };
}
