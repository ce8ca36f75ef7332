// What an optimizer computes once the gradients stand: how large they are and whether they can be used
// (gradient-norm.ts), then the update of every parameter, segment by segment.

import type { Dtype } from '../../runtime/dtype.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import adam8bitText from './adam-8bit.wgsl?raw';
import adamText from './adam.wgsl?raw';
import correctionText from './bias-correction.wgsl?raw';
import dynamicCodesText from './dynamic-codes.wgsl?raw';
import { gradientNormKernels } from './gradient-norm.ts';
import { firstOf, foursOf, type Segment, type StepTensors } from './segment.ts';
import sgdText from './sgd.wgsl?raw';
import { flags, workgroup } from '../snippets.ts';
import type { Scalars } from '../traces.ts';

export { accumulate, measureGradients, type MeasureOptions, sumSquares } from './gradient-norm.ts';
export type { Segment, StepTensors } from './segment.ts';

const biasCorrection = { file: 'bias-correction.wgsl', text: correctionText };

/** What every update binds. */
const bound = {
  settings: 'read',
  status: 'read',
  gradient: 'read',
  flags: 'read',
  parameter: 'write',
} as const;

const adamScalars = {
  beta1: 'f32',
  beta2: 'f32',
  log_beta1: 'f32',
  log_beta2: 'f32',
  eps: 'f32',
  weight_decay: 'f32',
} as const;

const adamKernel = kernel({
  name: 'adam',
  code: [workgroup, flags, biasCorrection, { file: 'adam.wgsl', text: adamText }],
  bindings: { ...bound, m: 'write', v: 'write', v_max: 'write' },
  params: { first: 'u32', size: 'u32', span: 'u32', ...adamScalars },
  constants: { DECOUPLED: [false, true], AMSGRAD: [false, true] },
});

const adam8bitKernel = kernel({
  name: 'adam-8bit',
  code: [
    workgroup,
    flags,
    biasCorrection,
    { file: 'dynamic-codes.wgsl', text: dynamicCodesText },
    { file: 'adam-8bit.wgsl', text: adam8bitText },
  ],
  bindings: { ...bound, m: 'write', v: 'write', scales: 'write' },
  params: { first: 'u32', blocks: 'u32', ...adamScalars },
  constants: { DECOUPLED: [false, true] },
});

const sgdKernel = kernel({
  name: 'sgd',
  code: [workgroup, flags, { file: 'sgd.wgsl', text: sgdText }],
  bindings: { ...bound, velocity: 'write' },
  params: { size: 'u32', span: 'u32', momentum: 'f32', rest: 'f32', weight_decay: 'f32' },
  constants: { HAS_MOMENTUM: [false, true], NESTEROV: [false, true] },
});

export const optimizerKernels: readonly Kernel[] = [
  ...gradientNormKernels,
  adamKernel,
  adam8bitKernel,
  sgdKernel,
];

export interface AdamOptions extends StepTensors {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** AdamW: weight decay shrinks the parameters themselves instead of adding to the gradients. */
  readonly decoupled: boolean;
  /** Divides by the largest v so far, for which a third state is kept. */
  readonly amsgrad: boolean;
}

export interface SgdOptions extends StepTensors {
  /** 0 for none, which needs no state. */
  readonly momentum: number;
  /** Part of a gradient that does not enter the velocity; 0 when absent. */
  readonly dampening?: number;
  readonly nesterov?: boolean;
  readonly weightDecay: number;
}

/** How many states a segment needs. */
export const optimizerStates = {
  adam: ({ amsgrad }: Pick<AdamOptions, 'amsgrad'>): number => (amsgrad ? 3 : 2),
  sgd: ({ momentum }: Pick<SgdOptions, 'momentum'>): number => (momentum === 0 ? 0 : 1),
};

/**
 * One update by Adam (arXiv 1412.6980, alg. 1), AdamW (arXiv 1711.05101, alg. 2) or AMSGrad, in place.
 * @throws TransformerError OPTION_INVALID
 */
export function adam(segment: Segment, options: AdamOptions): void {
  const { settings, status, decoupled, amsgrad } = options;
  const scalars = adamParams(options);
  expectStates(segment, optimizerStates.adam(options), 'adam');
  const [m, v, largest] = segment.states;
  const { size, span, workgroups } = elementwise(segment);
  segment.parameters.recording.dispatch({
    kernel: adamKernel,
    bindings: { settings, status, ...boundOf(segment), m, v, v_max: largest },
    params: { first: firstOf(segment), size, span, ...scalars },
    constants: { DECOUPLED: decoupled, AMSGRAD: amsgrad },
    workgroups,
  });
}

/**
 * The same with m and v in bytes: "8-bit Optimizers via Block-wise Quantization" (Dettmers et al. 2022, arXiv
 * 2110.02861, §2), in blocks of 64. The segment's states are their codes, u32 (n / 4) each, and f32 (n / 64, 2), the
 * greatest of both in each block.
 * @throws TransformerError OPTION_INVALID
 */
export function adam8bit(segment: Segment, options: Omit<AdamOptions, 'amsgrad'>): void {
  const { settings, status, decoupled } = options;
  const scalars = adamParams(options);
  expectStates(segment, 3, 'adam8bit');
  const [m, v, scales] = segment.states;
  const blocks = foursOf(segment) / 16;
  expectState(m, 'u32', 16 * blocks);
  expectState(v, 'u32', 16 * blocks);
  expectState(scales, 'f32', 2 * blocks);
  segment.parameters.recording.dispatch({
    kernel: adam8bitKernel,
    bindings: { settings, status, ...boundOf(segment), m, v, scales },
    params: { first: firstOf(segment), blocks, ...scalars },
    constants: { DECOUPLED: decoupled },
    workgroups: Math.ceil(blocks / 64),
  });
}

/** What updates bind of a segment besides its states. */
function boundOf({ parameters, gradients, flags: flagBytes }: Segment): Record<string, Tensor> {
  return { gradient: gradients, flags: flagBytes, parameter: parameters };
}

function adamParams({
  beta1,
  beta2,
  eps,
  weightDecay,
}: Omit<AdamOptions, 'amsgrad'>): Scalars<typeof adamScalars> {
  expectRange('beta1', beta1, 0, 1);
  expectRange('beta2', beta2, 0, 1);
  // Below this it would be 0 in f32, and an element whose gradients are all 0 would become NaN.
  expectRange('eps', eps, 2 ** -126, Infinity);
  expectRange('weightDecay', weightDecay, 0, Infinity);
  // βᵗ is taken as exp(t · ln β), of β as f32 has it: then β, 1 - β and 1 - βᵗ belong together, and
  // a rounded β is no bias. ln 0 is cut off where the exponential is 0 all the same.
  const log = (beta: number): number => Math.max(Math.log(Math.fround(beta)), -100);
  return {
    beta1,
    beta2,
    log_beta1: log(beta1),
    log_beta2: log(beta2),
    eps,
    weight_decay: weightDecay,
  };
}

/**
 * One update by stochastic gradient descent, in place. As in PyTorch the first velocity is the first
 * gradient, and the learning rate is no part of it.
 * @throws TransformerError OPTION_INVALID
 */
export function sgd(segment: Segment, options: SgdOptions): void {
  const { settings, status, momentum, dampening = 0, nesterov = false, weightDecay } = options;
  expectRange('momentum', momentum, 0, Infinity);
  expectRange('dampening', dampening, -Infinity, Infinity);
  expectRange('weightDecay', weightDecay, 0, Infinity);
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new TransformerError(
      'OPTION_INVALID',
      `nesterov takes a momentum and no dampening, got momentum ${momentum} and dampening ` +
        `${dampening}. Change one of them.`,
    );
  }
  expectStates(segment, optimizerStates.sgd(options), 'sgd');
  const { size, span, workgroups } = elementwise(segment);
  segment.parameters.recording.dispatch({
    kernel: sgdKernel,
    bindings: { settings, status, ...boundOf(segment), velocity: segment.states[0] },
    params: { size, span, momentum, rest: 1 - dampening, weight_decay: weightDecay },
    constants: { HAS_MOMENTUM: momentum !== 0, NESTEROV: nesterov },
    workgroups,
  });
}

/** How an update is spread over invocations: on CPU adapters each one takes several fours. */
function elementwise(segment: Segment): { size: number; span: number; workgroups: number } {
  const size = foursOf(segment);
  for (const state of segment.states) expectState(state, 'f32', 4 * size);
  const span = segment.parameters.recording.gpu.tier === 'gpu' ? 1 : 16;
  return { size, span, workgroups: Math.ceil(size / (64 * span)) };
}

function expectStates({ states }: Segment, count: number, name: string): void {
  if (states.length !== count) {
    throw new RangeError(`${name} keeps ${count} states a segment, got ${states.length}`);
  }
}

function expectState(state: Tensor | undefined, dtype: Dtype, size: number): void {
  if (state !== undefined && state.dtype === dtype && elements(state.shape) === size) return;
  throw new RangeError(`a state is ${state?.describe() ?? 'missing'}; wanted ${dtype}(${size})`);
}

/** Refuses a number that is not in [low, high) as f32. */
function expectRange(name: string, value: number, low: number, high: number): void {
  const rounded = Math.fround(value);
  if (rounded >= low && rounded < high) return;
  const range = high === Infinity ? `at least ${low}` : `from ${low} to below ${high}`;
  throw new TransformerError('OPTION_INVALID', `${name} must be ${range}, got ${value}.`);
}
