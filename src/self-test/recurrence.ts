// The checks of layers that keep a state of what they read.

import { openHeads } from '../shaders/attention/heads/open-heads.ts';
import { hideRows } from '../shaders/recurrence/hide-rows.ts';
import { shortConvolution } from '../shaders/recurrence/short-convolution.ts';
import type { TokenMemory } from '../shaders/recurrence/token-memory.ts';
import type { Result } from './checks.ts';
import { deltaChecks } from './delta-rule.ts';
import type { Inputs } from './inputs.ts';
import type { NamedCheck } from './run-check.ts';

export function recurrenceChecks(): NamedCheck[] {
  return [
    ['short convolution', (inputs) => checkConvolution(inputs, 9)],
    ['short convolution, one token', (inputs) => checkConvolution(inputs, 1)],
    ['inputs that are kept', checkKept],
    ['tokens that are hidden', checkHidden],
    ['heads behind gates', checkGates],
    ...deltaChecks(),
  ];
}

/** The table of one sequence whose third token is hidden, and the places of `tokens` from `first` on. */
function knownOf(inputs: Inputs, first: number, tokens: number): Omit<TokenMemory, 'cache'> {
  const table = Uint32Array.from({ length: 20 }, (_, place) => (place === 2 ? 2 ** 32 - 1 : place));
  const places = Array.from({ length: tokens }, (_, token) => [first + token, first + token]);
  return {
    table: inputs.tensor([1, 20], table),
    place: inputs.tensor([1, tokens, 2], Uint32Array.from(places.flat())),
  };
}

/** LFM2's, of three tokens, two of which are remembered at first. */
function checkConvolution(inputs: Inputs, tokens: number): Result {
  const [channels, size, first] = [7, 3, 4];
  const x = inputs.floats([1, tokens, 3 * channels]);
  const weight = inputs.floats([channels, size]);
  const cache = inputs.floats([1, size * channels]);
  const read = (token: number, part: number, channel: number): number =>
    x.data[(token * 3 + part) * channels + channel] ?? NaN;
  const seen = (token: number, channel: number): number =>
    token < 0
      ? (cache.data[((first + token) % size) * channels + channel] ?? NaN)
      : read(token, 0, channel) * read(token, 2, channel);
  const wanted = Array.from({ length: tokens * channels }, (_, i) => {
    const [token, channel] = [Math.floor(i / channels), i % channels];
    let sum = 0;
    for (let j = 0; j < size; j++) {
      sum += (weight.data[channel * size + j] ?? NaN) * seen(token - size + 1 + j, channel);
    }
    return sum * read(token, 1, channel);
  });
  const memory = { cache: cache.tensor, ...knownOf(inputs, first, tokens) };
  const output = shortConvolution(x.tensor, { weight: weight.tensor, isGated: true }, memory);
  return { output, wanted };
}

function checkHidden(inputs: Inputs): Result {
  const [tokens, columns] = [5, 3];
  const x = inputs.floats([1, tokens, columns]);
  const wanted = x.data.map((value, i) => (Math.floor(i / columns) === 2 ? 0 : value));
  return { output: hideRows(x.tensor, knownOf(inputs, 0, tokens)), wanted };
}

/** The last three of five tokens, at the places 4 to 8. */
function checkKept(inputs: Inputs): Result {
  const [tokens, channels, size, first] = [5, 3, 3, 4];
  const x = inputs.floats([1, tokens, channels]);
  const weight = inputs.floats([channels, size]);
  const cache = inputs.floats([1, size * channels]);
  const wanted = Float64Array.from({ length: size * channels }, (_, i) => {
    const token = [6, 7, 8].find((place) => place % size === Math.floor(i / channels)) ?? NaN;
    return x.data[(token - first) * channels + (i % channels)] ?? NaN;
  });
  const memory = { cache: cache.tensor, ...knownOf(inputs, first, tokens) };
  shortConvolution(x.tensor, { weight: weight.tensor }, memory);
  return { output: cache.tensor, wanted };
}

/** Two heads of three columns, a gate each. */
function checkGates(inputs: Inputs): Result {
  const x = inputs.floats([1, 5, 6]);
  const gate = inputs.floats([1, 5, 2]);
  const wanted = x.data.map(
    (value, i) => value / (1 + Math.exp(-(gate.data[Math.floor(i / 3)] ?? NaN))),
  );
  return { output: openHeads(x.tensor, gate.tensor), wanted };
}
