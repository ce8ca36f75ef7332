// Steps along gradients: prior + step · x / √energy, or x no longer than a bound; of elements by their signs.

import { floats, type Reference, scalar } from './twin.ts';

export const perturb: Reference = {
  twin: (inputs, params, constants) => {
    const x = floats(inputs, 'x');
    const prior = inputs['prior'] === undefined ? undefined : floats(inputs, 'prior');
    const [step, most] = [scalar(params, 'step'), scalar(params, 'most')];
    if (constants['EACH'] === true) {
      return {
        y: Float64Array.from(x, (value, i) =>
          constants['BOUNDED'] === true
            ? Math.min(most, Math.max(-most, value))
            : (prior?.[i] ?? 0) + step * Math.sign(value),
        ),
      };
    }
    const energy = floats(inputs, 'energy');
    const y = Float64Array.from(x, (value, i) => {
      const length = Math.sqrt(energy[Math.floor(i / scalar(params, 'columns'))]!);
      if (constants['BOUNDED'] === true) return length > most ? (value * most) / length : value;
      return (prior?.[i] ?? 0) + (length > 0 ? (step * value) / length : 0);
    });
    return { y };
  },
  conditions: (inputs, params, constants) => {
    const { y } = perturb.twin(inputs, params, constants);
    const prior = inputs['prior'] === undefined ? undefined : floats(inputs, 'prior');
    const magnitude = Float64Array.from(y as Float64Array, (value, i) => {
      return Math.abs(value) + 2 * Math.abs(prior?.[i] ?? 0);
    });
    return { y: { length: 4, magnitude } };
  },
};
