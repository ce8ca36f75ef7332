// The gradients of layers that keep a state of what they read.

import { gradients } from '../runtime/gradient.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { gradientRules } from '../shaders/gradients.ts';
import { openHeads } from '../shaders/attention/heads/open-heads.ts';
import { shortConvolution } from '../shaders/recurrence/short-convolution.ts';
import type { Result } from './checks.ts';
import { deltaGradientChecks } from './delta-gradients.ts';
import { gradientOf } from './gradients.ts';
import type { Input, Inputs } from './inputs.ts';
import { bound, type NamedCheck } from './run-check.ts';

/** To be run on recordings that keep a tape. */
export function recurrenceGradientChecks(): NamedCheck[] {
  return [
    ['gradient of sums of a convolution', checkSums],
    ['gradient of a short convolution', checkConvolved],
    ['gradient of weights of a short convolution', checkWeights],
    ['gradient of heads behind gates', checkGates],
    ...deltaGradientChecks(),
  ];
}

const [tokens, channels, size] = [9, 5, 3];

/** LFM2's convolution of a sequence, in float64. */
function convolved(x: ArrayLike<number>, weight: ArrayLike<number>): number[] {
  const read = (token: number, part: number, channel: number): number =>
    token < 0 ? 0 : (x[(token * 3 + part) * channels + channel] ?? NaN);
  return Array.from({ length: tokens * channels }, (_, i) => {
    const [token, channel] = [Math.floor(i / channels), i % channels];
    let sum = 0;
    for (let j = 0; j < size; j++) {
      const seen = token - size + 1 + j;
      sum += (weight[channel * size + j] ?? NaN) * read(seen, 0, channel) * read(seen, 2, channel);
    }
    return sum * read(token, 1, channel);
  });
}

function convolution(inputs: Inputs): { x: Input; weight: Input; output: Tensor } {
  const x = inputs.floats([1, tokens, 3 * channels]);
  const weight = inputs.floats([channels, size]);
  const output = shortConvolution(x.tensor, { weight: weight.tensor, isGated: true });
  return { x, weight, output };
}

function checkConvolved(inputs: Inputs): Result {
  const { x, weight, output } = convolution(inputs);
  return gradientOf(inputs, output, x, (values) => convolved(values, weight.data));
}

/** Of a sequence that one chunk holds, whose sum is the last. */
function checkWeights(inputs: Inputs): Result {
  const { x, weight, output } = convolution(inputs);
  const { wanted } = gradientOf(inputs, output, weight, (values) => convolved(x.data, values));
  return { output: bound(inputs, 'short-convolution-backward-weight', 'dw'), wanted };
}

/** What comes back through the gates. */
function checkSums(inputs: Inputs): Result {
  const { x, output } = convolution(inputs);
  const r = inputs.floats(output.shape);
  gradients(inputs.recording, new Map([[output, r.tensor]]), [x.tensor], gradientRules);
  const wanted = r.data.map((value, i) => {
    const [token, channel] = [Math.floor(i / channels), i % channels];
    return value * (x.data[(token * 3 + 1) * channels + channel] ?? NaN);
  });
  return { output: bound(inputs, 'short-convolution-backward', 'ds'), wanted };
}

/** Two heads of three columns, a gate each. */
function checkGates(inputs: Inputs): Result {
  const [x, gate] = [inputs.floats([1, 5, 6]), inputs.floats([1, 5, 2])];
  return gradientOf(inputs, openHeads(x.tensor, gate.tensor), gate, (gates) =>
    Array.from(x.data, (value, i) => value / (1 + Math.exp(-(gates[Math.floor(i / 3)] ?? NaN)))),
  );
}
