// The norm of all gradients, what follows from it for the update, and sums of gradients.

import {
  type Condition,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

/** Whether an element has a flag: bit 0 trainable, bit 1 decays. Element e has byte e mod 4 of a word. */
export function hasFlag(flags: ArrayLike<number>, element: number, bit: number): boolean {
  const byte = Math.floor(flags[Math.floor(element / 4)]! / 256 ** (element % 4)) % 256;
  return Math.floor(byte / 2 ** bit) % 2 === 1;
}

/** Per chunk: Σ g² below 2⁴⁸, Σ (g / 2⁸⁰)² from there on, elements that are not finite, 0. */
export const gradientNorm: Reference = {
  twin: (inputs, params) => {
    const [gradient, flags] = [floats(inputs, 'gradient'), integers(inputs, 'flags')];
    const sums = floats(inputs, 'sums').slice();
    const start = 4 * scalar(params, 'start');
    sums.fill(0, start, start + 4 * scalar(params, 'chunks'));
    for (let e = 0; e < 4 * scalar(params, 'size'); e++) {
      if (!hasFlag(flags, e, 0)) continue;
      const g = gradient[e]!;
      const at = start + 4 * Math.floor(e / (4 * scalar(params, 'chunk')));
      if (!Number.isFinite(g)) sums[at + 2]! += 1;
      else if (Math.abs(g) < 2 ** 48) sums[at]! += g ** 2;
      else sums[at + 1]! += (g / 2 ** 80) ** 2;
    }
    return { sums };
  },
  // No term is negative.
  conditions: (inputs, params, constants) => {
    const { sums } = gradientNorm.twin(inputs, params, constants);
    return { sums: { length: 4 * scalar(params, 'chunk'), magnitude: sums as Float64Array } };
  },
};

/** status: norm, factor, applied, updates so far; counters: applied, skipped, skipped in a row, 0. */
export const gradientScale: Reference = {
  twin: (inputs, params) => {
    const sums = floats(inputs, 'sums');
    let [squares, broken] = [0, 0];
    for (let chunk = 0; chunk < scalar(params, 'chunks'); chunk++) {
      squares += sums[4 * chunk]! + sums[4 * chunk + 1]! * 2 ** 160;
      broken += sums[4 * chunk + 2]!;
    }
    const norm = Math.sqrt(squares);
    const [applied, skipped, inARow, unused] = integers(inputs, 'counters');
    if (broken > 0 || norm >= 2 ** 128 || !Number.isFinite(floats(inputs, 'loss')[0])) {
      return {
        status: Float64Array.of(Infinity, 0, 0, applied!),
        counters: Uint32Array.of(applied!, skipped! + 1, inARow! + 1, unused!),
      };
    }
    const largest = floats(inputs, 'settings')[1]!;
    const factor = largest > 0 ? Math.min(1, largest / (norm + 1e-6)) : 1;
    return {
      status: Float64Array.of(norm, factor, 1, applied! + 1),
      counters: Uint32Array.of(applied! + 1, skipped!, 0, unused!),
    };
  },
  // The norm and the factor are off by the same part of themselves; the rest is exact.
  conditions: (inputs, params, constants) => {
    const [norm, factor] = gradientScale.twin(inputs, params, constants)['status']!;
    const magnitude = Float64Array.of(norm!, factor!, 0, 0);
    return {
      status: { length: scalar(params, 'chunks'), magnitude },
      counters: { length: 0, magnitude: 0 },
    };
  },
};

function total(inputs: Inputs, first: boolean, value: (x: number) => number): Float64Array {
  const before = floats(inputs, 'total');
  return floats(inputs, 'x').map((x, i) => (first ? value(x) : value(before[i]! + x)));
}

/** total + x, or x the first time */
export const accumulate: Reference = {
  twin: (inputs, _params, constants) => ({
    total: total(inputs, constants['FIRST'] === true, (x) => x),
  }),
  conditions: (inputs, _params: Params, constants): Record<string, Condition> => {
    const first = constants['FIRST'] === true;
    return {
      total: { length: first ? 0 : 1, magnitude: first ? 0 : total(inputs, first, Math.abs) },
    };
  },
};
