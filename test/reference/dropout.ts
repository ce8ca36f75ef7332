// Dropout: which elements are kept follows from seed, step, site and place alone. The bits are those
// of pcg4d (Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020), to the last.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

/** The 32 random bits of a place. */
export function randomBits(seed: number, step: number, site: number, place: number): number {
  const [x, y, z, w] = [0, 1, 2, 3];
  const state = [seed, step, site, place].map((n) => (Math.imul(n, 1664525) + 1013904223) | 0);
  const stir = (): void => {
    for (const [into, a, b] of [
      [x, y, w],
      [y, z, x],
      [z, x, y],
      [w, y, z],
    ] as const) {
      state[into] = (state[into]! + Math.imul(state[a]!, state[b]!)) | 0;
    }
  };
  stir();
  for (const i of [x, y, z, w]) state[i]! ^= state[i]! >>> 16;
  stir();
  return state[w]! >>> 0;
}

/** What an element of an operation that drops is multiplied by, from its place. */
export function keeping(inputs: Inputs, params: Params): (place: number) => number {
  const [seed, step] = integers(inputs, inputs['random'] === undefined ? 'state' : 'random');
  const [site, below] = [scalar(params, 'site'), scalar(params, 'drop_below')];
  const scale = scalar(params, 'keep_scale');
  return (place) => (randomBits(seed!, step!, site, place) < below ? 0 : scale);
}

export const dropout: Reference = {
  twin: (inputs, params, constants) => {
    const keep = keeping(inputs, params);
    const together = scalar(params, 'together');
    const residual = constants['HAS_RESIDUAL'] === true ? floats(inputs, 'residual') : undefined;
    return {
      y: floats(inputs, 'x').map(
        (x, i) => x * keep(Math.floor(i / together)) + (residual?.[i] ?? 0),
      ),
    };
  },
  conditions: (inputs, params, constants) => {
    const scale = scalar(params, 'keep_scale');
    const residual = constants['HAS_RESIDUAL'] === true ? floats(inputs, 'residual') : undefined;
    const magnitude = floats(inputs, 'x').map(
      (x, i) => Math.abs(x) * scale + Math.abs(residual?.[i] ?? 0),
    );
    return { y: { length: 1, magnitude } };
  },
};

/** One of two tensors as a whole. */
export const layerDrop: Reference = {
  twin: (inputs, params) => {
    const [seed, step] = integers(inputs, 'random');
    const bits = randomBits(seed!, step!, scalar(params, 'site'), 0);
    const name = bits < scalar(params, 'drop_below') ? 'given' : 'output';
    const zeros = new Float64Array(scalar(params, 'size'));
    return { y: inputs[name] === undefined ? zeros : floats(inputs, name) };
  },
  // Numbers that are copied are exact.
  conditions: (_, params) => ({
    y: { length: 0, magnitude: new Float64Array(scalar(params, 'size')) },
  }),
};
