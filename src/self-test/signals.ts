// The checks of what sound becomes on its way into a stack.

import type { Tensor } from '../runtime/tensor.ts';
import { windows } from '../shaders/audio/windows.ts';
import type { Result } from './checks.ts';
import type { Input, Inputs } from './inputs.ts';
import type { NamedCheck } from './run-check.ts';

interface Windows {
  readonly output: Tensor;
  readonly x: Input;
  readonly forward: (x: ArrayLike<number>) => Float64Array;
}

/** Four windows of three of seven steps, every second step, one step beyond both ends; two channels, last. */
export function windowsOf(inputs: Inputs): Windows {
  const x = inputs.floats([2, 7, 2]);
  const cut = { size: 3, stride: 2, padding: 1, channelsLast: true };
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: 48 }, (_, i) => {
      const [batch, window, channel] = [
        Math.floor(i / 24),
        Math.floor(i / 6) % 4,
        Math.floor(i / 3) % 2,
      ];
      const step = 2 * window + (i % 3) - 1;
      return step < 0 || step > 6 ? 0 : (values[14 * batch + 2 * step + channel] ?? NaN);
    });
  return { output: windows(x.tensor, cut), x, forward };
}

function checkWindows(inputs: Inputs): Result {
  const { output, x, forward } = windowsOf(inputs);
  return { output, wanted: forward(x.data) };
}

export function signalChecks(): NamedCheck[] {
  return [['windows of a signal', checkWindows]];
}
