// Samples at another rate, and spectra in bands.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What each sample at the new rate is the sum of. */
function weighted(inputs: Inputs, params: Params): number[][] {
  const [x, weights] = [floats(inputs, 'x'), floats(inputs, 'weights')];
  const starts = integers(inputs, 'starts');
  const at = (name: string): number => scalar(params, name);
  return range(at('count')).map((i) => {
    const phase = i % at('up');
    const start = Math.floor(i / at('up')) * at('down') + starts[phase]!;
    return range(at('taps')).map((tap) => x[start + tap]! * weights[phase * at('taps') + tap]!);
  });
}

export const sincResample: Reference = {
  twin: (inputs, params) => ({ y: Float64Array.from(weighted(inputs, params), sum) }),
  conditions: (inputs, params) => {
    const sized = weighted(inputs, params).map((each) => sum(each.map(Math.abs)));
    return { y: { length: scalar(params, 'taps'), magnitude: Float64Array.from(sized) } };
  },
};

/** Where each result lies, and its power. */
function bands(inputs: Inputs, params: Params): { to: number; power: number }[] {
  const [spectra, weights] = [floats(inputs, 'spectra'), floats(inputs, 'weights')];
  const ranges = integers(inputs, 'ranges');
  const at = (name: string): number => scalar(params, name);
  const [bins, all] = [at('bins'), at('bands')];
  return range(all).flatMap((band) =>
    range(at('frames')).map((frame) => {
      const [first, count] = [ranges[2 * band]!, ranges[2 * band + 1]!];
      const terms = range(count).map((tap) => {
        const re = spectra[2 * bins * frame + first + tap]!;
        const im = spectra[2 * bins * frame + bins + first + tap]!;
        return weights[band * at('taps') + tap]! * (re ** 2 + im ** 2);
      });
      const row = (at('item') * all + band) * at('all_frames');
      return { to: row + at('first') + frame, power: sum(terms) };
    }),
  );
}

export const logMel: Reference = {
  twin: (inputs, params) => {
    const y = Float64Array.from(floats(inputs, 'y'));
    for (const { to, power } of bands(inputs, params)) y[to] = Math.log10(Math.max(power, 1e-10));
    return { y };
  },
  // The error of a power, as a part of it, and that of its logarithm, as a part of that.
  conditions: (inputs, params) => {
    const magnitude = new Float64Array(floats(inputs, 'y').length);
    for (const { to, power } of bands(inputs, params)) {
      magnitude[to] = 1 + Math.abs(Math.log10(Math.max(power, 1e-10)));
    }
    return { y: { length: scalar(params, 'taps'), magnitude } };
  },
};

export const melFloor: Reference = {
  twin: (inputs, params) => {
    const peaks = floats(inputs, 'peaks');
    const y = floats(inputs, 'x').map((x, i) => {
      const least = peaks[Math.floor(i / scalar(params, 'row'))]! - 8;
      return (Math.max(x, least) + 4) / 4;
    });
    return { y };
  },
  conditions: (inputs, params) => {
    const peaks = floats(inputs, 'peaks');
    const magnitude = floats(inputs, 'x').map((x, i) => {
      const peak = Math.abs(peaks[Math.floor(i / scalar(params, 'row'))]!);
      return (Math.max(Math.abs(x), peak + 8) + 4) / 4;
    });
    return { y: { length: 1, magnitude } };
  },
};
