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

/** Elements of a segment that an update changes; its states are of these alone. */
interface Run {
  readonly first: number;
  readonly end: number;
}

/** The written bindings after an update: `update` is asked for each trainable element. */
function walk(
  inputs: Inputs,
  written: readonly string[],
  update: (element: number, decays: boolean) => Record<string, Term>,
  { first, end }: Run = { first: 0, end: Infinity },
): Elements {
  const flags = integers(inputs, 'flags');
  const result: Elements = {};
  for (const name of written) {
    if (inputs[name] === undefined) continue;
    const values = floats(inputs, name).slice();
    result[name] = { values, magnitudes: new Float64Array(values.length) };
  }
  if (floats(inputs, 'status')[2] === 0) return result;
  for (let e = first; e < Math.min(end, 4 * flags.length); e++) {
    if (!hasFlag(flags, e, 0)) continue;
    for (const [name, { value, magnitude }] of Object.entries(update(e, hasFlag(flags, e, 1)))) {
      const at = name === 'parameter' ? e : e - first;
      result[name]!.values[at] = value;
      result[name]!.magnitudes[at] = magnitude;
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
  const first = 4 * scalar(params, 'first');
  const run = { first, end: first + floats(inputs, 'm').length };
  const update = (e: number, decays: boolean): Record<string, Term> => {
    const decay = decays ? scalar(params, 'weight_decay') : 0;
    const theta = floats(inputs, 'parameter')[e]!;
    const [oldM, oldV] = [floats(inputs, 'm')[e - first]!, floats(inputs, 'v')[e - first]!];
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
      const oldMax = floats(inputs, 'v_max')[e - first]!;
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
  };
  return walk(inputs, ['parameter', 'm', 'v', 'v_max'], update, run);
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
/** The parts that numbers from 0 to 1 fall into, from the least on; part `i` has code i + 1. */
function partsOf(least: number): { readonly low: number; readonly middle: number }[] {
  return Array.from({ length: 7 }, (_, decade) => {
    const count = least * 2 ** decade;
    return Array.from({ length: count }, (__, k) => {
      const [low, middle] = [k, k + 0.5].map((x) => (0.1 + (0.9 * x) / count) * 10 ** (decade - 6));
      return { low: low!, middle: middle! };
    });
  }).flat();
}

const signedParts = partsOf(1);
const unsignedParts = partsOf(2);

/** What the bytes of words stand for, scaled by the numbers of their blocks of 64. */
function decode(words: Uint32Array, scales: Float64Array, which: 0 | 1): Float64Array {
  return Float64Array.from({ length: 4 * words.length }, (_, e) => {
    const byte = (words[e >> 2]! >>> (8 * (e % 4))) & 255;
    const isNegative = which === 0 && byte > 127;
    const code = which === 0 ? byte & 127 : byte;
    const parts = which === 0 ? signedParts : unsignedParts;
    const greatest = which === 0 ? 127 : 255;
    const level = code === 0 ? 0 : code === greatest ? 1 : parts[code - 1]!.middle;
    return scales[2 * Math.floor(e / 64) + which]! * (isNegative ? -level : level);
  });
}

/** The code of a number from 0 to 1: that of the part it lies in. */
function codeOf(x: number, which: 0 | 1): number {
  const parts = which === 0 ? signedParts : unsignedParts;
  if (x === 0 || (which === 0 && x < 2.75e-7)) return 0;
  if (which === 1 && x > 0.99824) return 255;
  return Math.max(1, parts.filter(({ low }) => low <= x).length);
}

function encode(values: Float64Array, which: 0 | 1): { words: Uint32Array; scales: number[] } {
  const words = new Uint32Array(values.length / 4);
  const scales = Array.from({ length: values.length / 64 }, (_, block) =>
    Math.max(...values.subarray(64 * block, 64 * block + 64).map(Math.abs)),
  );
  values.forEach((value, e) => {
    const code = codeOf(Math.abs(value) / (scales[Math.floor(e / 64)]! || 1), which);
    const sign = which === 0 && value < 0 && code > 0 ? 128 : 0;
    words[e >> 2] = words[e >> 2]! | ((code | sign) << (8 * (e % 4)));
  });
  return { words, scales };
}

/** The same as Adam's, of m and v that bytes stand for, which become bytes again. */
function eightBitElements(inputs: Inputs, params: Params, constants: Constants): Elements {
  const scales = floats(inputs, 'scales');
  const m = decode(integers(inputs, 'm'), scales, 0);
  const v = decode(integers(inputs, 'v'), scales, 1);
  return adamElements({ ...inputs, m, v }, params, constants);
}

export const adam8bit: Reference = {
  twin: (inputs, params, constants) => {
    const { parameter, m, v } = eightBitElements(inputs, params, constants);
    if (floats(inputs, 'status')[2] === 0) {
      return {
        parameter: parameter!.values,
        m: inputs['m']!,
        v: inputs['v']!,
        scales: inputs['scales']!,
      };
    }
    const [ofM, ofV] = [encode(m!.values, 0), encode(v!.values, 1)];
    const scales = Float64Array.from(ofM.scales.flatMap((scale, i) => [scale, ofV.scales[i]!]));
    return { parameter: parameter!.values, m: ofM.words, v: ofV.words, scales };
  },
  // Codes are compared as they are: a number at the edge of two parts is not to be expected among those that are drawn.
  conditions: (inputs, params, constants) => {
    const { parameter, m, v } = eightBitElements(inputs, params, constants);
    const largest = (values: Float64Array): number =>
      values.reduce((most, x) => Math.max(most, x), 0);
    const of = { m: largest(m!.magnitudes), v: largest(v!.magnitudes) };
    const magnitude = floats(inputs, 'scales').map((_, i) => (i % 2 === 0 ? of.m : of.v));
    return {
      parameter: { length: 2, magnitude: parameter!.magnitudes },
      m: { length: 0, magnitude: 0 },
      v: { length: 0, magnitude: 0 },
      scales: { length: 2, magnitude },
    };
  },
};
export const sgd: Reference = reference(sgdElements);
