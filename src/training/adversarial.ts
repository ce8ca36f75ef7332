// Inputs that are made harder on purpose: "Adversarial Training Methods for Semi-Supervised Text Classification" (Miyato
// et al. 2017, arXiv 1605.07725) and "Towards Deep Learning Models Resistant to Adversarial Attacks" (Madry et al. 2018,
// arXiv 1706.06083), on the vectors that a stack begins with.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { gradients } from '../runtime/gradient.ts';
import { windowOf } from '../runtime/parts.ts';
import type { Points } from '../runtime/points.ts';
import type { Recording } from '../runtime/record.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { add } from '../shaders/elementwise/add.ts';
import { stepAlong, within } from '../shaders/elementwise/perturb.ts';
import { gradientRules } from '../shaders/gradients.ts';
import { rowEnergy } from '../shaders/rows/row-energy.ts';
import { checkPositive, checkWhole, invalidOption } from './check.ts';

export interface AttackOptions {
  /**
   * `fgm`: one step of the whole length along the gradient (Miyato et al., eq. 4 and 5). `pgd`: several, each brought back
   * to that length where it leads farther (Madry et al., §2.1).
   */
  method: 'fgm' | 'pgd';
  /** The length of a perturbation, of all vectors of a text together. */
  epsilon: number;
  /** Steps of `pgd`; 3 by default. */
  steps?: number;
  /** How long each of them is; 2.5 · epsilon / steps by default. */
  stepSize?: number;
}

export interface CheckedAttack extends Required<AttackOptions> {}

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
export function checkAttack(options: AttackOptions): CheckedAttack {
  refuseUnknown(options, ['method', 'epsilon', 'steps', 'stepSize'], 'option of an attack');
  const { method, epsilon, steps = method === 'fgm' ? 1 : 3 } = options;
  if (!['fgm', 'pgd'].includes(method)) throw invalidOption('method', method, "'fgm' or 'pgd'");
  checkPositive('epsilon', epsilon);
  checkWhole('steps', steps, 1);
  if (method === 'fgm' && (steps !== 1 || options.stepSize !== undefined)) {
    throw new TransformerError(
      'OPTION_INVALID',
      "The method 'fgm' takes one step of the length epsilon. Leave steps and stepSize out, or pass method: 'pgd'.",
    );
  }
  const { stepSize = method === 'fgm' ? epsilon : (2.5 * epsilon) / steps } = options;
  checkPositive('stepSize', stepSize);
  return { method, epsilon, steps, stepSize };
}

/** A recorded pass, of which each row of the batch has a loss of its own or several. */
interface Pass {
  readonly losses: Tensor;
}

/** The passes of an attack in order: the first is of the inputs as they are, the last of those that are the hardest. */
export type AttackedPasses<P> = readonly [P, ...P[]];

/**
 * Appends passes over inputs that are made harder step by step. `scale`: makes the gradient of the losses, of their shape.
 * Nothing of how a perturbation is found has a part in the gradients that are taken later.
 */
export function recordAttack<P extends Pass>(
  recording: Recording,
  pass: () => P,
  scale: (losses: Tensor) => Tensor,
  { steps, stepSize, epsilon }: CheckedAttack,
): AttackedPasses<P> {
  let last = begun(recording, pass, undefined);
  const passes: [P, ...P[]] = [last.pass];
  for (let step = 0; step < steps; step++) {
    const { vectors, perturbation: prior } = last;
    const seeds = new Map([[last.pass.losses, scale(last.pass.losses)]]);
    const next = recording.frozen(() => {
      const gradient = gradients(recording, seeds, [vectors], gradientRules).get(vectors);
      if (gradient === undefined) throw new RangeError('the input has no gradient');
      const moved = stepAlong(gradient, energyOf(gradient), { step: stepSize, prior });
      return prior === undefined ? moved : within(moved, energyOf(moved), epsilon);
    });
    last = begun(recording, pass, next);
    passes.push(last.pass);
  }
  return passes;
}

/** Records a pass whose input is moved by a perturbation, if there is one. */
function begun<P>(
  recording: Recording,
  pass: () => P,
  perturbation: Tensor | undefined,
): { readonly pass: P; readonly vectors: Tensor; readonly perturbation: Tensor | undefined } {
  let vectors: Tensor | undefined;
  const points: Points = {
    has: (path) => vectors === undefined && /^(?:encoder\.)?input$/.test(path),
    visit(_path, tensor) {
      vectors = perturbation === undefined ? tensor : add(tensor, perturbation);
      return vectors;
    },
  };
  const made = recording.watched(points, pass);
  if (vectors !== undefined) return { pass: made, vectors, perturbation };
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    'The input of this model has no place where it can be attacked. Leave adversarial out.',
  );
}

/** The sums of the squares of all vectors of each text. (B, T, d) to (B). */
function energyOf(vectors: Tensor): Tensor {
  const batch = vectors.size(0);
  const rows = windowOf(vectors, 0, { shape: [batch, elements(vectors.shape) / batch] });
  return rowEnergy(rows, rows, { first: 0, scale: 0 });
}
