// The gradients of short convolutions: of what is summed, of what is read, and of the weights.

import { activation, activationMagnitude, derivative } from './activation.ts';
import { inputOf } from './recurrence.ts';
import {
  type Constants,
  floats,
  type Inputs,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** A token's place in its sequence, so many tokens before or behind it: its row there, if there is one. */
function rowFrom(params: Params, row: number, by: number): number | undefined {
  const tokens = scalar(params, 'tokens');
  const token = (row % tokens) + by;
  return token >= 0 && token < tokens ? row + by : undefined;
}

/** The slope of each sum, and of each gate, with the sum of the absolute values of what flows into them. */
function ofSums(inputs: Inputs, params: Params, constants: Constants) {
  const [x, weight, dy] = [floats(inputs, 'x'), floats(inputs, 'weight'), floats(inputs, 'dy')];
  const [channels, size] = [scalar(params, 'channels'), scalar(params, 'size')];
  const isGated = constants['GATED'] === true;
  const bias = constants['HAS_BIAS'] === true ? floats(inputs, 'bias') : undefined;
  const code = Number(constants['ACTIVATION']);
  const read = inputOf(inputs, params, isGated);
  return range(scalar(params, 'rows') * channels).map((i) => {
    const [row, channel] = [Math.floor(i / channels), i % channels];
    const terms = range(size).map((back) => {
      const seen = rowFrom(params, row, -back);
      const factor = weight[channel * size + size - 1 - back]!;
      return seen === undefined ? 0 : factor * read(seen, channel);
    });
    const sum = total(terms) + (bias?.[channel] ?? 0);
    const spread = total(terms.map(Math.abs)) + Math.abs(bias?.[channel] ?? 0);
    const gate = row * scalar(params, 'pitch') + channels + channel;
    const open = isGated ? x[gate]! : 1;
    return {
      gate,
      ds: dy[i]! * open * derivative(code, sum),
      // What is uncertain of the sum moves the slope by at most as much, and none of them is above 2.
      dsMagnitude: Math.abs(dy[i]! * open) * (2 + spread),
      dGate: dy[i]! * activation(code, sum),
      dGateMagnitude: Math.abs(dy[i]!) * Math.max(activationMagnitude(code, sum), spread),
    };
  });
}

export const shortConvolutionBackward: Reference = {
  twin: (inputs, params, constants) => {
    const all = ofSums(inputs, params, constants);
    const ds = Float64Array.from(all, (one) => one.ds);
    if (constants['GATED'] !== true) return { ds };
    const dx = Float64Array.from(floats(inputs, 'dx'));
    for (const { gate, dGate } of all) dx[gate] = dGate;
    return { ds, dx };
  },
  conditions: (inputs, params, constants) => {
    const all = ofSums(inputs, params, constants);
    const length = scalar(params, 'size') + 3;
    const ds = { length, magnitude: Float64Array.from(all, (one) => one.dsMagnitude) };
    if (constants['GATED'] !== true) return { ds };
    const magnitude = new Float64Array(scalar(params, 'rows') * scalar(params, 'pitch'));
    for (const { gate, dGateMagnitude } of all) magnitude[gate] = dGateMagnitude;
    return { ds, dx: { length, magnitude } };
  },
};

/** The gradient of what is read, of which gates, which have theirs already, are left out. */
function ofInput(inputs: Inputs, params: Params, constants: Constants, isSize: boolean) {
  const [x, weight, ds] = [floats(inputs, 'x'), floats(inputs, 'weight'), floats(inputs, 'ds')];
  const [channels, size] = [scalar(params, 'channels'), scalar(params, 'size')];
  const pitch = scalar(params, 'pitch');
  const isGated = constants['GATED'] === true;
  const sized = isSize ? Math.abs : (value: number): number => value;
  return range(scalar(params, 'rows') * pitch).map((i) => {
    const [row, column] = [Math.floor(i / pitch), i % pitch];
    const [part, channel] = [Math.floor(column / channels), column % channels];
    if (isGated && part === 1) return undefined;
    if (part > (isGated ? 2 : 0)) return 0;
    const other = isGated ? x[row * pitch + (2 - part) * channels + channel]! : 1;
    const terms = range(size).map((ahead) => {
      const seen = rowFrom(params, row, ahead);
      const factor = weight[channel * size + size - 1 - ahead]!;
      return seen === undefined ? 0 : sized(factor * ds[seen * channels + channel]! * other);
    });
    return total(terms);
  });
}

export const shortConvolutionBackwardInput: Reference = {
  twin: (inputs, params, constants) => {
    const before = floats(inputs, 'dx');
    const all = ofInput(inputs, params, constants, false);
    return { dx: Float64Array.from(all, (value, i) => value ?? before[i]!) };
  },
  conditions: (inputs, params, constants) => ({
    dx: {
      length: scalar(params, 'size') + 1,
      magnitude: Float64Array.from(ofInput(inputs, params, constants, true), (value) => value ?? 0),
    },
  }),
};

function ofWeight(inputs: Inputs, params: Params, constants: Constants, isSize: boolean) {
  const ds = floats(inputs, 'ds');
  const [channels, size] = [scalar(params, 'channels'), scalar(params, 'size')];
  const [rows, chunk] = [scalar(params, 'rows'), scalar(params, 'chunk')];
  const read = inputOf(inputs, params, constants['GATED'] === true);
  return Float64Array.from(range(Math.ceil(rows / chunk) * channels * size), (i) => {
    const [first, column] = [Math.floor(i / size / channels) * chunk, i % size];
    const channel = Math.floor(i / size) % channels;
    const terms = range(Math.min(chunk, rows - first)).map((k) => {
      const seen = rowFrom(params, first + k, column - (size - 1));
      if (seen === undefined) return 0;
      return ds[(first + k) * channels + channel]! * read(seen, channel);
    });
    return total(isSize ? terms.map(Math.abs) : terms);
  });
}

export const shortConvolutionBackwardWeight: Reference = {
  twin: (inputs, params, constants) => ({ dw: ofWeight(inputs, params, constants, false) }),
  conditions: (inputs, params, constants) => ({
    dw: {
      length: scalar(params, 'chunk') + 1,
      magnitude: ofWeight(inputs, params, constants, true),
    },
  }),
};
