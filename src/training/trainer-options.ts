// The settings of a training run.

import { hasMethod, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Penalties } from '../shaders/optimizer/penalty.ts';
import type { Parameters } from '../model/weights/parameters.ts';
import type { Adapt, TrainableModel } from '../model/trainable-model.ts';
import { checkPatterns, checkRange, checkSwitch, checkWhole, invalidOption } from './check.ts';
import type { NamedFile } from '../source/target.ts';
import { labelCrossEntropy, type Objective } from './objective.ts';
import type { RunPruning } from './gradual-pruning.ts';
import type { RankAllocation } from './adapters/rank-allocation.ts';
import type { StepsOptions } from './training-step.ts';
import { type AttackOptions, type CheckedAttack, checkAttack } from './adversarial.ts';
import { weightedCrossEntropy } from './class-weights.ts';
import { adamW, type Optimizer } from './optimizers.ts';
import { constant, type Schedule } from './schedules.ts';
import type { NamePattern, TrainableOptions } from './trainable.ts';

/** Parameters that train in place of the model's own, and what they make of its weights. */
export interface Adapter {
  /** @internal */
  readonly parameters: Parameters;
  /** @internal */
  readonly adapt: () => Adapt;
  /** Called before lists with it are played on this model; its result is called when that is over. @internal */
  readonly use: (model: TrainableModel) => () => void;
  /** Called when its device was lost and came back: it is on it as before any training. @internal */
  readonly renew?: () => void;
  /** What it does with its ranks behind each update, where it shares them. @internal */
  readonly allocation?: RankAllocation | undefined;
  /** Waits until it has all its values; undefined where there is nothing to wait for. @internal */
  readonly ready?: () => Promise<void> | undefined;
  /** What is saved in place of the model, as it stands when called. */
  files(): Promise<NamedFile[]>;
}

/** How a run trains. */
export interface TrainerOptions {
  /** A rate for all steps, or a schedule. */
  learningRate: number | Schedule;
  /** AdamW by default. */
  optimizer?: Optimizer;
  /** Part of the target that is spread over all tokens; 0 by default. */
  labelSmoothing?: number;
  /** How much each class counts, of classifiers: a number for each, as `weight` of PyTorch's CrossEntropyLoss. */
  classWeights?: readonly number[];
  /**
   * Penalties of the size of what `decay` names: `l1` times the sum of its absolute values, `l2` times half that of its
   * squares. They move the parameters and are not told in the loss.
   */
  penalty?: { l1?: number; l2?: number };
  /** Has the model meet inputs that are made harder, beside those of the batches (`fgm`) or in their place (`pgd`). */
  adversarial?: AttackOptions;
  /** In place of the labels' cross entropy, for distillation say. */
  objective?: Objective;
  /** Gradients are scaled down to this norm; they are left alone by default. */
  maxGradNorm?: number;
  /** Batches whose gradients make one step; 1 by default. */
  accumulate?: number;
  /** Whether the model's own dropout rates are used; true by default. */
  dropout?: boolean;
  /** Seed of dropout; 0 by default. */
  seed?: number;
  /** Names of tensors that stay as they are; `*` stands for any run of characters. */
  freeze?: readonly NamePattern[];
  /** What weight decay shrinks: matrices only by default. */
  decay?: 'matrices' | 'all' | readonly NamePattern[];
  /** Lengths are padded to multiples of this, so that lists are reused; 8 by default. */
  padToMultipleOf?: number;
  /** Steps with a loss or gradient that is not finite, in a row, before training stops; 10. */
  maxSkippedSteps?: number;
  /**
   * Whether each layer's inner results are computed once more on the way back instead of staying until then ("Training
   * Deep Nets with Sublinear Memory Cost", Chen et al. 2016, arXiv 1604.06174): a step takes about a third longer, and
   * keeps one tensor a layer. The numbers are the same to the last bit. Off by default.
   */
  checkpointLayers?: boolean;
  /**
   * In what results stay until the way back; `f32` by default. `f16` halves that memory (Micikevicius et al. 2018, arXiv
   * 1710.03740); all is computed in f32 still. A gradient is off by a few thousandths of its length.
   */
  activations?: 'f32' | 'f16';
  /** What prunes weights as training goes on, see `gradualPruning`. */
  pruning?: RunPruning;
  /** Low-rank adapters to train in place of the model's parameters. */
  adapter?: Adapter;
}

export interface CheckedOptions extends TrainableOptions {
  readonly schedule: Schedule;
  readonly optimizer: Optimizer;
  readonly objective: Objective;
  readonly penalty: Penalties | undefined;
  readonly adversarial: CheckedAttack | undefined;
  readonly maxGradNorm: number;
  readonly accumulate: number;
  readonly dropout: boolean;
  readonly seed: number;
  readonly padToMultipleOf: number;
  readonly maxSkippedSteps: number;
  readonly checkpointLayers: boolean;
  readonly activations: 'f32' | 'f16';
  readonly pruning: RunPruning | undefined;
  readonly adapter: Adapter | undefined;
  /** @internal */
  readonly allocation: RankAllocation | undefined;
}

const known: Readonly<Record<keyof TrainerOptions, true>> = {
  learningRate: true,
  optimizer: true,
  labelSmoothing: true,
  classWeights: true,
  penalty: true,
  adversarial: true,
  objective: true,
  maxGradNorm: true,
  accumulate: true,
  dropout: true,
  seed: true,
  freeze: true,
  decay: true,
  padToMultipleOf: true,
  maxSkippedSteps: true,
  checkpointLayers: true,
  activations: true,
  pruning: true,
  adapter: true,
};

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
export function checkOptions(options: TrainerOptions): CheckedOptions {
  refuseUnknown(options, Object.keys(known), 'option of Trainer');
  const { learningRate, labelSmoothing = 0, objective, maxGradNorm = 0, freeze, decay } = options;
  const { accumulate = 1, seed = 0, padToMultipleOf = 8, maxSkippedSteps = 10 } = options;
  const { dropout = true, optimizer = adamW(), adapter, checkpointLayers = false } = options;
  const { classWeights, penalty, adversarial, activations = 'f32', pruning } = options;
  checkRange('labelSmoothing', labelSmoothing, 0, 1);
  checkRange('maxGradNorm', maxGradNorm, 0, Infinity);
  checkWhole('accumulate', accumulate, 1);
  checkSwitch('dropout', dropout);
  checkSwitch('checkpointLayers', checkpointLayers);
  if (checkpointLayers && adversarial !== undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      'checkpointLayers and adversarial do not go together: perturbations need all results at hand. Leave one out.',
    );
  }
  if (activations !== 'f32' && activations !== 'f16') {
    throw invalidOption('activations', activations, "'f32' or 'f16'");
  }
  checkWhole('seed', seed, 0);
  checkWhole('padToMultipleOf', padToMultipleOf, 1);
  checkWhole('maxSkippedSteps', maxSkippedSteps, 1);
  checkPart('optimizer', optimizer, 'record', 'adamW() or another of this library');
  checkPart('objective', objective, 'record', 'distillation(…) or another of this library');
  checkPart('adapter', adapter, 'adapt', 'a Lora');
  checkPart('pruning', pruning, 'restored', 'gradualPruning(…)');
  if (pruning !== undefined && adapter !== undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      "An adapter trains beside the model's weights, so pruning has none of its own here. Leave pruning or adapter out.",
    );
  }
  checkPatterns('freeze', freeze);
  checkPatterns('decay', decay, ['matrices', 'all']);
  if (objective !== undefined && (labelSmoothing > 0 || classWeights !== undefined)) {
    throw new TransformerError(
      'OPTION_INVALID',
      `${labelSmoothing > 0 ? 'labelSmoothing' : 'classWeights'} belongs to the default objective. Give it to your own one, or leave one out.`,
    );
  }
  return {
    schedule: typeof learningRate === 'function' ? learningRate : constant(learningRate),
    optimizer,
    objective: objective ?? usualObjective(labelSmoothing, classWeights),
    penalty: checkPenalty(penalty),
    adversarial: adversarial === undefined ? undefined : checkAttack(adversarial),
    maxGradNorm,
    accumulate,
    dropout,
    seed,
    padToMultipleOf,
    maxSkippedSteps,
    checkpointLayers,
    activations,
    pruning,
    adapter,
    allocation: adapter?.allocation,
    ...(freeze && { freeze }),
    ...(decay && { decay }),
  };
}

function usualObjective(smoothing: number, classWeights: readonly number[] | undefined): Objective {
  if (classWeights === undefined) return labelCrossEntropy(smoothing);
  return weightedCrossEntropy(classWeights, smoothing);
}

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
function checkPenalty(penalty: TrainerOptions['penalty']): Penalties | undefined {
  if (penalty === undefined) return undefined;
  refuseUnknown(penalty, ['l1', 'l2'], 'penalty');
  const { l1 = 0, l2 = 0 } = penalty;
  checkRange('penalty.l1', l1, 0, Infinity);
  checkRange('penalty.l2', l2, 0, Infinity);
  return { l1, l2 };
}

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
export function checkStepsOptions(options: StepsOptions): StepsOptions & { maxSteps: number } {
  refuseUnknown(options, ['signal', 'maxSteps'], 'option of steps');
  const { maxSteps = Infinity } = options;
  if (maxSteps !== Infinity) checkWhole('maxSteps', maxSteps, 0);
  return { ...options, maxSteps };
}

/** A schedule's rate for a step, which f32 must hold. @throws TransformerError OPTION_INVALID */
export function learningRateOf(schedule: Schedule, step: number): number {
  const rate = schedule(step);
  if (rate >= 0 && Number.isFinite(Math.fround(rate))) return rate;
  throw new TransformerError(
    'OPTION_INVALID',
    `learningRate is ${show(rate)} in step ${step}; wanted a finite number of at least 0.`,
  );
}

/** Refuses a part that has no method of this name. */
function checkPart(name: string, value: unknown, method: string, wanted: string): void {
  if (value === undefined || hasMethod(value, method)) return;
  throw invalidOption(name, value, wanted);
}

/** Has an adapter be anew on a device that came back. @throws TransformerError DEVICE_LOST where it cannot */
export function renewAdapter(adapter: Adapter | undefined): void {
  if (adapter === undefined || adapter.renew !== undefined) return adapter?.renew?.();
  throw new TransformerError(
    'DEVICE_LOST',
    'The adapter went with a device that was lost. Make it and its trainer again, and restore the run.',
  );
}
