// The gradients of what decoders of today are made of.

import { clamp } from '../shaders/elementwise/clamp.ts';
import { softCap } from '../shaders/elementwise/scale.ts';
import { gated } from '../shaders/matmul/gates/gated.ts';
import { normalize } from '../shaders/rows/norm.ts';
import type { Result } from './checks.ts';
import { gate, normalizeRms } from './decoder.ts';
import { gradientOf } from './gradients.ts';
import type { Inputs } from './inputs.ts';
import { rowsOf } from './math.ts';
import type { NamedCheck } from './run-check.ts';

/** To be run on recordings that keep a tape. */
export function decoderGradientChecks(): NamedCheck[] {
  return [
    ['gradient of RMS norm', (inputs) => checkRmsNormGradient(inputs, 19)],
    ['gradient of RMS norm, in fours', (inputs) => checkRmsNormGradient(inputs, 20)],
    ['gradient of gated silu', (inputs) => checkGatedGradient(inputs, 7)],
    ['gradient of gated silu, in fours', (inputs) => checkGatedGradient(inputs, 8)],
    ['gradient of what is within bounds', checkBoundGradient],
    ['gradient of soft bound', (inputs) => checkCapGradient(inputs, 7)],
    ['gradient of soft bound, in fours', (inputs) => checkCapGradient(inputs, 8)],
  ];
}

function checkRmsNormGradient(inputs: Inputs, columns: number): Result {
  const [x, weight] = [inputs.floats([3, columns]), inputs.floats([columns])];
  const output = normalize(x.tensor, { weight: weight.tensor, eps: 1e-5, offset: 1 });
  return gradientOf(inputs, output, x, (values) =>
    rowsOf(values, columns).flatMap((row) => normalizeRms(row, weight.data, 1e-5)),
  );
}

function checkGatedGradient(inputs: Inputs, columns: number): Result {
  const x = inputs.floats([5, 2 * columns]);
  return gradientOf(inputs, gated(x.tensor, 'silu'), x, (values) => gate(values, columns));
}

function checkBoundGradient(inputs: Inputs): Result {
  const x = inputs.floats([5, 7]);
  const output = clamp(x.tensor.recording, x.tensor, { limit: 0.5, gradient: 'inside' });
  return gradientOf(inputs, output, x, (values) =>
    values.map((value) => Math.min(Math.max(value, -0.5), 0.5)),
  );
}

function checkCapGradient(inputs: Inputs, columns: number): Result {
  const x = inputs.floats([5, columns]);
  return gradientOf(inputs, softCap(x.tensor, 0.5), x, (values) =>
    values.map((value) => 0.5 * Math.tanh(value / 0.5)),
  );
}
