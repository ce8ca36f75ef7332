// Ranks that a budget is shared among as training goes: "AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient
// Fine-Tuning" (Zhang et al. 2023, arXiv 2303.10512), as PEFT computes it.

import { refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import type { StoredValues } from '../../source/safetensors-writer.ts';
import { checkRange, checkWhole, invalidOption } from '../check.ts';
import { expectNoEmbedding } from './dora.ts';
import type { SizedLayer } from './lora-matrices.ts';
import type { AdaptableLayer } from './lora-targets.ts';
import { matrixName } from './matrix-names.ts';

/** How ranks are shared among the layers (AdaLoRA). */
export interface AdaptiveOptions {
  /** Steps of the run, T of the paper: the schedule needs to know them. */
  totalSteps: number;
  /** The mean rank that is left in the end; 8 by default, at most the `rank` that layers begin with. */
  targetRank?: number;
  /** Steps before ranks begin to fall, t_i; 0 by default. */
  initialSteps?: number;
  /** Steps in the end in which they stay, t_f; 0 by default. */
  finalSteps?: number;
  /** Steps from one allocation to the next, Δ_T; 1 by default. */
  interval?: number;
  /** How slowly sensitivities change (β₁), and how slowly their uncertainty does (β₂); 0.85 by default. */
  beta1?: number;
  /** How much of the uncertainty of importance goes on from step to step; 0.85 by default. */
  beta2?: number;
  /** How much it counts that singular vectors are not orthonormal, γ; 0.5 by default. The loss does not tell of it. */
  orthogonality?: number;
}

export type CheckedAdaptive = Readonly<Required<AdaptiveOptions>>;

const known: Readonly<Record<keyof AdaptiveOptions, true>> = {
  totalSteps: true,
  targetRank: true,
  initialSteps: true,
  finalSteps: true,
  interval: true,
  beta1: true,
  beta2: true,
  orthogonality: true,
};

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
export function checkAdaptive(options: AdaptiveOptions, rank: number): CheckedAdaptive {
  refuseUnknown(options, Object.keys(known), 'option of adaptive');
  const { totalSteps, targetRank = Math.min(8, rank), initialSteps = 0, finalSteps = 0 } = options;
  const { interval = 1, beta1 = 0.85, beta2 = 0.85, orthogonality = 0.5 } = options;
  if (totalSteps === undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      'adaptive has no totalSteps, by which ranks are shared out over the run. Pass how many steps it has.',
    );
  }
  checkWhole('adaptive.totalSteps', totalSteps, 1);
  checkWhole('adaptive.targetRank', targetRank, 1);
  if (targetRank > rank) {
    throw invalidOption('adaptive.targetRank', targetRank, `at most the rank, ${rank}`);
  }
  checkWhole('adaptive.initialSteps', initialSteps, 0);
  checkWhole('adaptive.finalSteps', finalSteps, 0);
  checkWhole('adaptive.interval', interval, 1);
  checkRange('adaptive.beta1', beta1, 0, 1);
  checkRange('adaptive.beta2', beta2, 0, 1);
  checkRange('adaptive.orthogonality', orthogonality, 0, Infinity);
  if (initialSteps >= totalSteps - finalSteps) {
    throw new TransformerError(
      'OPTION_INVALID',
      `adaptive: of ${totalSteps} steps ${initialSteps} are before ranks fall and ${finalSteps} behind, so that none ` +
        'are left between. Pass more totalSteps, or fewer initialSteps or finalSteps.',
    );
  }
  return {
    totalSteps,
    targetRank,
    initialSteps,
    finalSteps,
    interval,
    beta1,
    beta2,
    orthogonality,
  };
}

/** Refuses embeddings, and layers of which a part stands here and another there. @throws TransformerError OPTION_INVALID */
export function expectPlain(layers: readonly AdaptableLayer[]): void {
  expectNoEmbedding('adaptive', layers);
  const apart = layers.find(({ pieces }) => pieces.length > 1);
  if (apart === undefined) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `targets: "${apart.name}" is in rows that stand apart here, and adaptive is for layers whose rows stand together. ` +
      'Leave one of them out.',
  );
}

/** Which singular values of each layer are left, by its name. */
export type KeptRanks = ReadonlyMap<string, readonly boolean[]>;

/** What happens after a step, by its number from 1: ranks are shared anew, stay as they are, or nothing. */
export function allocationAt(
  step: number,
  { totalSteps, initialSteps, finalSteps, interval }: CheckedAdaptive,
): 'allocate' | 'keep' | undefined {
  const last = totalSteps - finalSteps;
  if (step > last) return 'keep';
  if (step === last) return 'allocate';
  return step > initialSteps && step % interval === 0 ? 'allocate' : undefined;
}

/** The ranks that all layers share after a step: they fall by a cubic schedule (eq. 12). */
export function budgetAt(
  step: number,
  { totalSteps, initialSteps, finalSteps, targetRank }: CheckedAdaptive,
  { layers, rank }: { readonly layers: number; readonly rank: number },
): number {
  const [first, last] = [layers * rank, layers * targetRank];
  if (step <= initialSteps) return first;
  const left = 1 - (step - initialSteps) / (totalSteps - finalSteps - initialSteps);
  return Math.floor((first - last) * Math.max(0, left) ** 3 + last);
}

/** The product of a parameter's smoothed sensitivity and uncertainty (eq. 11), element by element. */
type ScoreOf = (key: string) => Float64Array;

/** How much each triplet of a layer counts: its singular value, and the means over its two vectors (eq. 7). */
function tripletScores(layer: SizedLayer, scoreOf: ScoreOf): Float64Array {
  const { rank, input, out } = layer;
  const [a, b, e] = (['A', 'B', 'E'] as const).map((name) => scoreOf(matrixName(layer, name)));
  return Float64Array.from({ length: rank }, (_, i) => {
    let [ofRow, ofColumn] = [0, 0];
    for (let j = 0; j < input; j++) ofRow += a?.[i * input + j] ?? 0;
    for (let j = 0; j < out; j++) ofColumn += b?.[j * rank + i] ?? 0;
    return (e?.[i] ?? 0) + ofRow / input + ofColumn / out;
  });
}

/** The triplets that stay within a budget: those that count most. */
export function keptWithin(
  budget: number,
  layers: readonly SizedLayer[],
  [sensitivity, uncertainty]: readonly ReadonlyMap<string, StoredValues>[],
): Map<string, boolean[]> {
  const scoreOf: ScoreOf = (key) => {
    const other = uncertainty?.get(key)?.data ?? [];
    return Float64Array.from(sensitivity?.get(key)?.data ?? [], (own, i) => own * (other[i] ?? 0));
  };
  const scores = layers.map((layer) => tripletScores(layer, scoreOf));
  const all = Float64Array.from(scores.flatMap((own) => [...own])).toSorted();
  const threshold = all[all.length - budget - 1] ?? -Infinity;
  return new Map(
    layers.map(({ name }, i) => [name, Array.from(scores[i] ?? [], (score) => score > threshold)]),
  );
}
