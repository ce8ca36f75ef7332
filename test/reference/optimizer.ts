// Updates of parameters, element by element, in the notation of the papers.

import { hasFlag } from './gradient-norm.ts';
import {
  type Condition,
  type Constants,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
  type Values,
} from './twin.ts';

/** A number and the sum of the absolute values of what flows into it. */
interface Term {
  readonly value: number;
  readonly magnitude: number;
}

type Elements = Record<string, { values: Float64Array; magnitudes: Float64Array }>;

/** The written bindings after an update: `update` is asked for each trainable element. */
function walk(
  inputs: Inputs,
  written: readonly string[],
  update: (element: number, decays: boolean) => Record<string, Term>,
): Elements {
  const flags = integers(inputs, 'flags');
  const result: Elements = {};
  for (const name of written) {
    if (inputs[name] === undefined) continue;
    const values = floats(inputs, name).slice();
    result[name] = { values, magnitudes: new Float64Array(values.length) };
  }
  if (floats(inputs, 'status')[2] === 0) return result;
  for (let e = 0; e < 4 * flags.length; e++) {
    if (!hasFlag(flags, e, 0)) continue;
    for (const [name, { value, magnitude }] of Object.entries(update(e, hasFlag(flags, e, 1)))) {
      result[name]!.values[e] = value;
      result[name]!.magnitudes[e] = magnitude;
    }
  }
  return result;
}

/** The gradient that counts: scaled, plus `decay` times the parameter. */
function gradientOf(inputs: Inputs, e: number, decay: number): Term {
  const g = floats(inputs, 'status')[1]! * floats(inputs, 'gradient')[e]!;
  const pull = decay * floats(inputs, 'parameter')[e]!;
  return { value: g + pull, magnitude: Math.abs(g) + Math.abs(pull) };
}

/**
 * g ← g + λθ (not decoupled); m ← β₁m + (1 - β₁)g; v ← β₂v + (1 - β₂)g²;
 * θ ← θ - α ((m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε) + λθ (decoupled)).
 */
function adamElements(inputs: Inputs, params: Params, constants: Constants): Elements {
  const [rate, t] = [floats(inputs, 'settings')[0]!, floats(inputs, 'status')[3]!];
  const [beta1, beta2] = [scalar(params, 'beta1'), scalar(params, 'beta2')];
  const correction1 = -Math.expm1(t * scalar(params, 'log_beta1'));
  const correction2 = -Math.expm1(t * scalar(params, 'log_beta2'));
  const decoupled = constants['DECOUPLED'] === true;
  return walk(inputs, ['parameter', 'm', 'v', 'v_max'], (e, decays) => {
    const decay = decays ? scalar(params, 'weight_decay') : 0;
    const theta = floats(inputs, 'parameter')[e]!;
    const [oldM, oldV] = [floats(inputs, 'm')[e]!, floats(inputs, 'v')[e]!];
    const g = gradientOf(inputs, e, decoupled ? 0 : decay);
    const m = {
      value: beta1 * oldM + (1 - beta1) * g.value,
      magnitude: beta1 * Math.abs(oldM) + (1 - beta1) * g.magnitude,
    };
    // An error of g counts twice in its square.
    const v = {
      value: beta2 * oldV + (1 - beta2) * g.value ** 2,
      magnitude: beta2 * oldV + (1 - beta2) * 2 * g.magnitude ** 2,
    };
    let second = v;
    if (constants['AMSGRAD'] === true) {
      const oldMax = floats(inputs, 'v_max')[e]!;
      if (oldMax > v.value) second = { value: oldMax, magnitude: Math.max(oldMax, v.magnitude) };
    }
    const root = Math.sqrt(second.value / correction2);
    const denominator = root + scalar(params, 'eps');
    const move = (rate / correction1) * (m.value / denominator);
    const shrink = decoupled ? rate * decay * theta : 0;
    // Of a root only half of the error of what it is taken of is left.
    const fromV =
      second.value === 0 ? 0 : (second.magnitude / second.value / 2) * (root / denominator);
    const fromM = (rate / correction1) * (m.magnitude / denominator);
    const parameter = {
      value: theta - shrink - move,
      magnitude: Math.abs(theta) + 2 * Math.abs(shrink) + fromM + Math.abs(move) * (1 + fromV),
    };
    const result = { parameter, m, v };
    return constants['AMSGRAD'] === true ? { ...result, v_max: second } : result;
  });
}

/** g ← g + λθ; u ← μu + (1 - damping)g, at first u ← g; θ ← θ - αu, with Nesterov θ - α(g + μu). */
function sgdElements(inputs: Inputs, params: Params, constants: Constants): Elements {
  const [rate, t] = [floats(inputs, 'settings')[0]!, floats(inputs, 'status')[3]!];
  const [momentum, rest] = [scalar(params, 'momentum'), scalar(params, 'rest')];
  return walk(inputs, ['parameter', 'velocity'], (e, decays) => {
    const theta = floats(inputs, 'parameter')[e]!;
    const g = gradientOf(inputs, e, decays ? scalar(params, 'weight_decay') : 0);
    const result: Record<string, Term> = {};
    let step = g;
    if (constants['HAS_MOMENTUM'] === true) {
      const before = floats(inputs, 'velocity')[e]!;
      const u =
        t === 1
          ? g
          : {
              value: momentum * before + rest * g.value,
              magnitude: Math.abs(momentum * before) + Math.abs(rest) * g.magnitude,
            };
      result['velocity'] = u;
      step = u;
      if (constants['NESTEROV'] === true) {
        step = {
          value: g.value + momentum * u.value,
          magnitude: g.magnitude + momentum * u.magnitude,
        };
      }
    }
    result['parameter'] = {
      value: theta - rate * step.value,
      magnitude: Math.abs(theta) + rate * step.magnitude,
    };
    return result;
  });
}

/** A few roundings stand one after the other in an update; none grows with the size. */
function reference(
  elementsOf: (inputs: Inputs, params: Params, constants: Constants) => Elements,
): Reference {
  return {
    twin: (inputs, params, constants) => {
      const results: Record<string, Values> = {};
      for (const [name, { values }] of Object.entries(elementsOf(inputs, params, constants))) {
        results[name] = values;
      }
      return results;
    },
    conditions: (inputs, params, constants) => {
      const results: Record<string, Condition> = {};
      for (const [name, { magnitudes }] of Object.entries(elementsOf(inputs, params, constants))) {
        results[name] = { length: 2, magnitude: magnitudes };
      }
      return results;
    },
  };
}

export const adam: Reference = reference(adamElements);
export const sgd: Reference = reference(sgdElements);
