// Learning rates over the steps of a run. A schedule is a function, so yours is as good as these.

import { refuseUnknown } from '../runtime/errors.ts';
import { checkPositive, checkRange } from './check.ts';

/** The learning rate of a step; steps count from 1. */
export type Schedule = (step: number) => number;

/** A rate that rises first. */
export interface WarmupOptions {
  /** Steps over which the rate grows linearly from 0. */
  warmupSteps?: number;
}

/** A rate that falls to the last step. */
export interface DecayOptions extends WarmupOptions {
  /** The greatest rate, reached after the warm-up. */
  learningRate: number;
  /** The step at which the rate reaches `final`. */
  totalSteps: number;
  /** The rate at the end and beyond; 0 by default. */
  final?: number;
}

/** One rate for all steps, after the warm-up. */
export function constant(learningRate: number, options: WarmupOptions = {}): Schedule {
  refuseUnknown(options, ['warmupSteps'], 'option of constant');
  checkPositive('learningRate', learningRate);
  const { warmupSteps = 0 } = options;
  checkRange('warmupSteps', warmupSteps, 0, Infinity);
  return (step) => learningRate * Math.min(1, step / Math.max(1, warmupSteps));
}

/**
 * factor · d_model^-0.5 · min(step^-0.5, step · warmupSteps^-1.5): "Attention Is All You Need",
 * §5.3, eq. 3, where the factor is 1 and there are 4000 steps of warm-up.
 */
export function inverseSquareRoot(options: {
  dModel: number;
  warmupSteps?: number;
  factor?: number;
}): Schedule {
  refuseUnknown(options, ['dModel', 'warmupSteps', 'factor'], 'option of inverseSquareRoot');
  const { dModel, warmupSteps = 4000, factor = 1 } = options;
  checkPositive('dModel', dModel);
  checkPositive('warmupSteps', warmupSteps);
  checkRange('factor', factor, 0, Infinity);
  return (step) => factor * dModel ** -0.5 * Math.min(step ** -0.5, step * warmupSteps ** -1.5);
}

/** Linear warm-up, then linear decay. */
export function linear(options: DecayOptions): Schedule {
  return decaying(options, 'linear', (progress) => 1 - progress);
}

/** Linear warm-up, then half a cosine down (Loshchilov and Hutter 2017, arXiv 1608.03983, eq. 5). */
export function cosine(options: DecayOptions): Schedule {
  return decaying(options, 'cosine', (progress) => (1 + Math.cos(Math.PI * progress)) / 2);
}

function decaying(
  options: DecayOptions,
  name: string,
  shape: (progress: number) => number,
): Schedule {
  const known = ['learningRate', 'totalSteps', 'final', 'warmupSteps'];
  refuseUnknown(options, known, `option of ${name}`);
  const { learningRate, totalSteps, final = 0, warmupSteps = 0 } = options;
  checkPositive('learningRate', learningRate);
  checkPositive('totalSteps', totalSteps);
  checkRange('final', final, 0, Infinity);
  checkRange('warmupSteps', warmupSteps, 0, Infinity);
  return (step) => {
    if (step < warmupSteps) return (learningRate * step) / warmupSteps;
    const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
    return final + (learningRate - final) * shape(Math.min(1, progress));
  };
}
