// The settings of low-rank adapters, and what files say of where one comes from.

import { fieldsOf, isA, refuseUnknown } from '../../runtime/errors.ts';
import { checkPatterns, checkPositive, checkRange, invalidOption } from '../check.ts';
import type { NamePattern } from '../trainable.ts';

export interface LoraOptions {
  /** r of the paper: rows of A, columns of B; 8 by default. */
  rank?: number;
  /** α of the paper, which scales the update by α / r; the rank by default, so that it is not scaled. */
  alpha?: number;
  /**
   * The linear layers to adapt, by the names of their weights without `.weight`; `*` stands for any
   * run of characters. `*.q_proj` and `*.v_proj` by default: the paper adapts W_q and W_v (§7.1).
   */
  targets?: NamePattern | readonly NamePattern[];
  /** Draws A; 0 by default. */
  seed?: number;
}

interface CheckedLoraOptions {
  readonly rank: number;
  readonly alpha: number;
  readonly seed: number;
  readonly patterns: readonly NamePattern[];
}

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
export function checkLoraOptions(options: LoraOptions): CheckedLoraOptions {
  refuseUnknown(options, ['rank', 'alpha', 'targets', 'seed'], 'option of Lora');
  const { rank = 8, alpha = rank, targets = ['*.q_proj', '*.v_proj'], seed = 0 } = options;
  if (!Number.isSafeInteger(rank) || rank < 1)
    throw invalidOption('rank', rank, 'a whole number from 1');
  checkPositive('alpha', alpha);
  if (!Number.isSafeInteger(seed)) throw invalidOption('seed', seed, 'a whole number');
  const isOne = typeof targets === 'string' || isA(targets, RegExp);
  const patterns: readonly NamePattern[] = isOne ? [targets] : targets;
  if (!Array.isArray(patterns) || patterns.length === 0)
    throw invalidOption('targets', targets, 'at least one name');
  checkPatterns('targets', patterns);
  return { rank, alpha, seed, patterns };
}

/** Refuses what says nothing of an origin. @throws TransformerError OPTION_INVALID */
export function checkOrigin(origin: unknown): void {
  const { dropout, ...names } = Object.fromEntries(fieldsOf(origin, 'The origin'));
  checkRange('dropout', dropout, 0, Infinity);
  for (const name of [names['baseModel'], names['taskType']]) {
    if (typeof name === 'string' || name === null) continue;
    throw invalidOption('origin', origin, '{ dropout, baseModel, taskType }');
  }
}
