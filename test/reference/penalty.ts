// Penalties of the size of parameters, and how much rows count by their labels.

import { hasFlag } from './gradient-norm.ts';
import { floats, integers, type Reference, scalar } from './twin.ts';

/** g += l1 · sign(p) + l2 · p of what decays. */
export const penalty: Reference = {
  twin: (inputs, params) => {
    const [parameter, flags] = [floats(inputs, 'parameter'), integers(inputs, 'flags')];
    const [l1, l2] = [scalar(params, 'l1'), scalar(params, 'l2')];
    const gradient = Float64Array.from(floats(inputs, 'gradient'), (g, e) => {
      const p = parameter[e]!;
      return hasFlag(flags, e, 1) ? g + l1 * Math.sign(p) + l2 * p : g;
    });
    return { gradient };
  },
  conditions: (inputs, params) => {
    const parameter = floats(inputs, 'parameter');
    const [l1, l2] = [scalar(params, 'l1'), scalar(params, 'l2')];
    const magnitude = Float64Array.from(
      floats(inputs, 'gradient'),
      (g, e) => Math.abs(g) + l1 + l2 * Math.abs(parameter[e]!),
    );
    return { gradient: { length: 3, magnitude } };
  },
};

/** factor[label], 0 for -100. */
export const labelWeights: Reference = {
  twin: (inputs) => {
    const [label, factor] = [integers(inputs, 'label'), floats(inputs, 'factor')];
    const weight = Float64Array.from(label, (own) => {
      if (own === 2 ** 32 - 100) return 0;
      if (own >= factor.length) throw new RangeError(`there is no class ${own}`);
      return factor[own]!;
    });
    return { weight };
  },
  conditions: (inputs) => ({
    weight: { length: 1, magnitude: new Float64Array(integers(inputs, 'label').length) },
  }),
};
