// The optimizers a trainer can use. Each is a description; the trainer gives it what it keeps.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import type { Segment, StepTensors } from '../shaders/optimizer/segment.ts';
import {
  adam as adamUpdate,
  adam8bit,
  optimizerStates,
  sgd as sgdUpdate,
} from '../shaders/optimizer/optimizer.ts';
import { checkRange, checkSwitch, invalidOption } from './check.ts';

/** A rule by which gradients change parameters. */
export interface Optimizer {
  /** Kept in checkpoints: a run resumes with the same one. */
  readonly name: string;
  /** Its settings, kept in checkpoints. */
  readonly settings: Readonly<Record<string, number | boolean>>;
  /** Names of the values that are kept for every parameter. */
  readonly states: readonly string[];
  /** Whether those of large parameters, m and v, are held in bytes; they are f32 when absent. */
  readonly eightBit?: boolean;
  /** Appends the update of one segment. @internal */
  record(segment: Segment, step: StepTensors): void;
}

/** Settings of Adam, AdamW and AMSGrad; the defaults are those of PyTorch. */
export interface AdamSettings {
  /** Decay of the mean of gradients; 0.9 by default. */
  beta1?: number;
  /** Decay of the mean of squared gradients; 0.999 by default. */
  beta2?: number;
  /** Added to the root of the mean square; 1e-8 by default. */
  eps?: number;
  /**
   * Adam: an L2 penalty, 0 by default. AdamW: the part of a weight that a step of rate 1 takes off, 0.01 by default.
   */
  weightDecay?: number;
  /** Divides by the largest mean square so far (Reddi et al. 2018, arXiv 1904.09237). */
  amsgrad?: boolean;
  /**
   * How m and v are held: 'f32', or '8bit', in bytes that share a scale in blocks of 64 ("8-bit Optimizers via Block-wise
   * Quantization", Dettmers et al. 2022, arXiv 2110.02861): 2.1 bytes a number in place of 8. Parameters of fewer than
   * 4096 numbers keep f32. 'f32' by default.
   */
  state?: 'f32' | '8bit';
}

/** Adam (Kingma and Ba 2015, arXiv 1412.6980). `weightDecay`, 0 by default, is an L2 penalty. */
export function adam(settings: AdamSettings = {}): Optimizer {
  return adamOf('adam', settings, false, 0);
}

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101): `weightDecay`, 0.01 by default, shrinks the
 * parameters themselves.
 */
export function adamW(settings: AdamSettings = {}): Optimizer {
  return adamOf('adamW', settings, true, 0.01);
}

function adamOf(
  name: string,
  options: AdamSettings,
  decoupled: boolean,
  defaultDecay: number,
): Optimizer {
  refuseUnknown(
    options,
    ['beta1', 'beta2', 'eps', 'weightDecay', 'amsgrad', 'state'],
    `option of ${name}`,
  );
  const { beta1 = 0.9, beta2 = 0.999, eps = 1e-8 } = options;
  const { weightDecay = defaultDecay, amsgrad = false, state = 'f32' } = options;
  checkRange('beta1', beta1, 0, 1);
  checkRange('beta2', beta2, 0, 1);
  checkRange('eps', eps, 0, Infinity);
  checkRange('weightDecay', weightDecay, 0, Infinity);
  checkSwitch('amsgrad', amsgrad);
  if (state !== 'f32' && state !== '8bit') throw invalidOption('state', state, "'f32' or '8bit'");
  const eightBit = state === '8bit';
  if (eightBit && amsgrad) {
    throw new TransformerError(
      'OPTION_INVALID',
      "amsgrad keeps the largest v there was, which bytes cannot. Leave it out, or state: '8bit'.",
    );
  }
  const settings = { beta1, beta2, eps, weightDecay, amsgrad };
  return {
    name,
    settings: { ...settings, ...(eightBit && { eightBit }) },
    states: ['m', 'v', 'v_max'].slice(0, optimizerStates.adam(settings)),
    ...(eightBit && { eightBit }),
    record(segment, step) {
      const given = { ...step, ...settings, decoupled };
      if (segment.states[0]?.dtype === 'u32') adam8bit(segment, given);
      else adamUpdate(segment, given);
    },
  };
}

/** Settings of stochastic gradient descent. */
export interface SgdSettings {
  /** Part of the last velocity that goes on; 0, none, by default. */
  momentum?: number;
  /** Part of a gradient that does not enter the velocity. */
  dampening?: number;
  /** Nesterov's momentum (Sutskever et al. 2013). */
  nesterov?: boolean;
  /** An L2 penalty; 0 by default. */
  weightDecay?: number;
}

/** Stochastic gradient descent, with momentum as PyTorch defines it. */
export function sgd(options: SgdSettings = {}): Optimizer {
  refuseUnknown(options, ['momentum', 'dampening', 'nesterov', 'weightDecay'], 'option of sgd');
  const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
  checkRange('momentum', momentum, 0, Infinity);
  checkRange('dampening', dampening, -Infinity, Infinity);
  checkSwitch('nesterov', nesterov);
  checkRange('weightDecay', weightDecay, 0, Infinity);
  const settings = { momentum, dampening, nesterov, weightDecay };
  return {
    name: 'sgd',
    settings,
    states: ['velocity'].slice(0, optimizerStates.sgd(settings)),
    record: (segment, step) => sgdUpdate(segment, { ...step, ...settings }),
  };
}
