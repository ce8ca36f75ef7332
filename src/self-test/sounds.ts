// The checks of what models take of sound.

import type { Tensor } from '../runtime/tensor.ts';
import { logMel, melFloor } from '../shaders/audio/log-mel.ts';
import { sincFilter, sincLength, sincResample } from '../shaders/audio/sinc-resample.ts';
import { fold } from '../shaders/rows/fold.ts';
import { groupNorm } from '../shaders/rows/group-norm.ts';
import type { Result } from './checks.ts';
import type { Input, Inputs } from './inputs.ts';
import type { NamedCheck } from './run-check.ts';

/** Five samples of what were four. */
function checkResample(inputs: Inputs): Result {
  const count = 13;
  const filter = sincFilter(4, 5);
  const { up, down, taps, starts, weights } = filter;
  const x = inputs.floats([sincLength(filter, count)]);
  const tensors = {
    starts: inputs.tensor([up], starts),
    weights: inputs.tensor([up, taps], weights),
  };
  const wanted = Float64Array.from({ length: count }, (_, i) => {
    const start = Math.floor(i / up) * down + (starts[i % up] ?? NaN);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      sum += (x.data[start + tap] ?? NaN) * (weights[(i % up) * taps + tap] ?? NaN);
    }
    return sum;
  });
  return { output: sincResample(x.tensor, tensors, filter, count), wanted };
}

interface Bands {
  readonly y: Tensor;
  readonly wanted: Float64Array;
}

/** Two bands of three spectra of four bins, of one sound. */
function bandsOf(inputs: Inputs): Bands {
  const [bins, frames, taps] = [4, 3, 2];
  const spectra = inputs.floats([frames, 2 * bins]);
  const first = [0, 2];
  const shares = Float32Array.of(0.5, 0.25, 1, 3);
  const y = inputs.recording.transient('logarithms', [1, 2, frames]);
  const bands = {
    ranges: inputs.tensor([2, 2], Uint32Array.of(0, taps, 2, taps)),
    weights: inputs.tensor([2, taps], shares),
  };
  logMel({ spectra: spectra.tensor, bands, y }, { item: 0, first: 0 });
  const wanted = Float64Array.from({ length: 2 * frames }, (_, i) => {
    const [band, frame] = [Math.floor(i / frames), i % frames];
    let power = 0;
    for (let tap = 0; tap < taps; tap++) {
      const at = 2 * bins * frame + (first[band] ?? NaN) + tap;
      const [re, im] = [spectra.data[at] ?? NaN, spectra.data[at + bins] ?? NaN];
      power += (shares[taps * band + tap] ?? NaN) * (re * re + im * im);
    }
    return Math.log10(power);
  });
  return { y, wanted };
}

function checkLogMel(inputs: Inputs): Result {
  const { y, wanted } = bandsOf(inputs);
  return { output: y, wanted };
}

/** One number 20 below the largest. */
function checkFloor(inputs: Inputs): Result {
  const x = inputs.floats([1, 2, 3]);
  const peak = inputs.tensor([1], Float32Array.of(7.5));
  const wanted = Float64Array.from(x.data, (value) => (Math.max(value, -0.5) + 4) / 4);
  return { output: melFloor(x.tensor, peak), wanted };
}

/** The largest of more numbers than are folded at once. */
function checkFold(inputs: Inputs): Result {
  const x = inputs.floats([2, 150, 2]);
  const wanted = [0, 1, 2, 3].map((i) => {
    const [batch, group] = [Math.floor(i / 2), i % 2];
    return Math.max(
      ...x.data.filter((_, at) => at % 2 === group && Math.floor(at / 300) === batch),
    );
  });
  return { output: fold(x.tensor, { kind: 'largest' }), wanted };
}

interface Normed {
  readonly output: Tensor;
  readonly x: Input;
  readonly forward: (x: ArrayLike<number>) => Float64Array;
}

/** Two groups of two channels, at five times. */
export function normedOf(inputs: Inputs): Normed {
  const [times, channels, groups, eps] = [5, 4, 2, 1e-5];
  const x = inputs.floats([2, times, channels]);
  const [weight, bias] = [inputs.floats([channels]), inputs.floats([channels])];
  const forward = (values: ArrayLike<number>): Float64Array => {
    const own = (i: number): number[] => {
      const [batch, group] = [Math.floor(i / times / channels), Math.floor((i % channels) / 2)];
      const all = Array.from({ length: times * channels }, (_, k) => k);
      return all
        .filter((k) => Math.floor((k % channels) / 2) === group)
        .map((k) => values[batch * times * channels + k] ?? NaN);
    };
    return Float64Array.from({ length: 2 * times * channels }, (_, i) => {
      const group = own(i);
      const mean = group.reduce((a, b) => a + b, 0) / group.length;
      const variance = group.reduce((a, b) => a + (b - mean) ** 2, 0) / group.length;
      const value = ((values[i] ?? NaN) - mean) / Math.sqrt(variance + eps);
      return value * (weight.data[i % channels] ?? NaN) + (bias.data[i % channels] ?? NaN);
    });
  };
  const affine = { weight: weight.tensor, bias: bias.tensor };
  return { output: groupNorm(x.tensor, { groups, affine, eps }), x, forward };
}

function checkGroupNorm(inputs: Inputs): Result {
  const { output, x, forward } = normedOf(inputs);
  return { output, wanted: forward(x.data) };
}

export function soundChecks(): NamedCheck[] {
  return [
    ['sound at another rate', checkResample],
    ['power in bands', checkLogMel],
    ['power above a floor', checkFloor],
    ['the largest of many', checkFold],
    ['groups of channels, normalized', checkGroupNorm],
  ];
}
