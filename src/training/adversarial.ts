// Inputs that are made harder on purpose: "Adversarial Training Methods for Semi-Supervised Text Classification" (Miyato
// et al. 2017, arXiv 1605.07725) and "Towards Deep Learning Models Resistant to Adversarial Attacks" (Madry et al. 2018,
// arXiv 1706.06083), on the pixels of images, or on the vectors that a stack of texts or sounds begins with.

import { fieldOf, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import type { ImageProcessor } from '../images/image-processor.ts';
import { gradients } from '../runtime/gradient.ts';
import { isListOf } from '../runtime/lists.ts';
import { windowOf } from '../runtime/parts.ts';
import type { Points } from '../runtime/points.ts';
import type { Recording } from '../runtime/record.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { add } from '../shaders/elementwise/add.ts';
import { stepAlong, within } from '../shaders/elementwise/perturb.ts';
import { gradientRules } from '../shaders/gradients.ts';
import { keepPixels, type PixelRange, scalePixels } from '../shaders/image/pixel-units.ts';
import { rowEnergy } from '../shaders/rows/row-energy.ts';
import { checkPositive, checkWhole, invalidOption } from './check.ts';

/** How inputs are made harder. */
export interface AttackOptions {
  /**
   * `fgm`: one step of the whole length along the gradient (Miyato et al., eq. 4 and 5). `pgd`: several, each brought back
   * to that length where it leads farther (Madry et al., §2.1).
   */
  method: 'fgm' | 'pgd';
  /** The length of a perturbation, of all vectors of a text or all pixels of an image together; by `norm`, of each number. */
  epsilon: number;
  /**
   * What `epsilon` measures: `l2`, the length (default); or `linf`, how far each number is moved, by the sign of its
   * gradient (`fgm` is then the fast gradient sign method: Goodfellow et al. 2015, arXiv 1412.6572, §4).
   */
  norm?: 'l2' | 'linf';
  /**
   * What made the pixel values of images. `epsilon` then counts in parts of the way from black to white, 8 / 255 say, in
   * place of pixel values, and no pixel is moved beyond black and white. Without it pixel values are bounded by `epsilon` alone.
   */
  processor?: Pick<ImageProcessor, 'range'>;
  /** Steps of `pgd`; 3 by default. */
  steps?: number;
  /** How long each of them is; 2.5 · epsilon / steps by default. */
  stepSize?: number;
}

export interface CheckedAttack extends Required<Omit<AttackOptions, 'processor'>> {
  /** Of pixels that are kept between black and white. */
  readonly range: PixelRange | undefined;
}

const known = ['method', 'epsilon', 'norm', 'processor', 'steps', 'stepSize'];

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
export function checkAttack(options: AttackOptions): CheckedAttack {
  refuseUnknown(options, known, 'option of an attack');
  const { method, epsilon, norm = 'l2', processor, steps = method === 'fgm' ? 1 : 3 } = options;
  if (!['fgm', 'pgd'].includes(method)) throw invalidOption('method', method, "'fgm' or 'pgd'");
  if (!['l2', 'linf'].includes(norm)) throw invalidOption('norm', norm, "'l2' or 'linf'");
  if (processor !== undefined && !isRange(fieldOf(processor, 'range'))) {
    throw invalidOption('processor', processor, 'what ImageProcessor.load resolves with');
  }
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
  return { method, epsilon, norm, steps, stepSize, range: processor?.range };
}

function isRange(given: unknown): boolean {
  const isNumber = (value: unknown): boolean => Number.isFinite(value);
  return ['black', 'white'].every((end) => {
    const values = fieldOf(given, end);
    return isListOf(values, isNumber) && values.length > 0;
  });
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
  attack: CheckedAttack,
): AttackedPasses<P> {
  let last = begun(recording, pass, undefined, attack.range);
  const passes: [P, ...P[]] = [last.pass];
  for (let step = 0; step < attack.steps; step++) {
    const before = last;
    const seeds = new Map([[before.pass.losses, scale(before.pass.losses)]]);
    const next = recording.frozen(() => {
      const { moved } = before;
      const gradient = gradients(recording, seeds, [moved], gradientRules).get(moved);
      if (gradient === undefined) throw new RangeError('the input has no gradient');
      return harder(gradient, before, attack);
    });
    last = begun(recording, pass, next, attack.range);
    passes.push(last.pass);
  }
  return passes;
}

/** A pass whose input is moved. */
interface Begun<P> extends Moved {
  readonly pass: P;
}

interface Moved {
  /** What is attacked, as the batch has it. */
  readonly input: Tensor;
  /** The same with the perturbation. */
  readonly moved: Tensor;
  /** Of pixels with a range, in parts of it. */
  readonly perturbation: Tensor | undefined;
}

/** The perturbation that one more step along the gradient leads to. */
function harder(
  gradient: Tensor,
  { input, perturbation: prior }: Moved,
  { norm, stepSize, epsilon, range }: CheckedAttack,
): Tensor {
  const lengths = (x: Tensor): Tensor | undefined => (norm === 'l2' ? energyOf(x) : undefined);
  const slope = range ? scalePixels(gradient, range) : gradient;
  const step = stepAlong(slope, lengths(slope), { step: stepSize, prior });
  const isWithin = prior === undefined && stepSize <= epsilon;
  const bounded = isWithin ? step : within(step, lengths(step), epsilon);
  return range ? keepPixels(bounded, input, range) : bounded;
}

/** Records a pass whose input is moved by a perturbation, if there is one. */
function begun<P>(
  recording: Recording,
  pass: () => P,
  perturbation: Tensor | undefined,
  range: PixelRange | undefined,
): Begun<P> {
  let found: Moved | undefined;
  const points: Points = {
    // Of images the pixels come first.
    has: (path) => found === undefined && /^(?:encoder\.)?(?:pixels|embeddings)$/.test(path),
    visit(path, input) {
      if (range) expectPixels(path, input, range);
      const added = range && perturbation ? scalePixels(perturbation, range) : perturbation;
      const moved = added === undefined ? input : add(input, added);
      found = { input, moved, perturbation };
      return moved;
    },
  };
  const made = recording.watched(points, pass);
  if (found !== undefined) return { pass: made, ...found };
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    'The input of this model has no place where it can be attacked. Leave adversarial out.',
  );
}

/** Refuses a range of other pixels. */
function expectPixels(path: string, input: Tensor, { black }: PixelRange): void {
  if (path.endsWith('pixels') && input.size(1) === black.length) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `processor makes images of ${black.length} channels, which this model does not take. Pass that of its ` +
      'checkpoint, or leave it out.',
  );
}

/** The sums of the squares of all vectors of each text. (B, T, d) to (B). */
function energyOf(vectors: Tensor): Tensor {
  const batch = vectors.size(0);
  const rows = windowOf(vectors, 0, { shape: [batch, elements(vectors.shape) / batch] });
  return rowEnergy(rows, rows, { first: 0, scale: 0 });
}
