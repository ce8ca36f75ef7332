// Patches of images and the tokens that they become, by the axes that they have.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export const patches: Reference = {
  twin: (inputs, params) => {
    const pixels = floats(inputs, 'pixels');
    const at = (name: string): number => scalar(params, name);
    const [channels, height, width] = [at('channels'), at('height'), at('width')];
    const [tall, wide] = [at('patch_height'), at('patch_width')];
    const y: number[] = [];
    for (const image of range(at('images'))) {
      for (const down of range(Math.floor(height / tall))) {
        for (const across of range(Math.floor(width / wide))) {
          for (const channel of range(channels)) {
            for (const row of range(tall)) {
              for (const column of range(wide)) {
                const plane = (image * channels + channel) * height;
                const line = (plane + down * tall + row) * width;
                y.push(pixels[line + across * wide + column]!);
              }
            }
          }
        }
      }
    }
    return { y: Float64Array.from(y) };
  },
  conditions: (inputs) => ({ y: { length: 0, magnitude: magnitudes(floats(inputs, 'pixels')) } }),
};

/** Numbers that are copied are exact. */
function magnitudes(values: ArrayLike<number>): Float64Array {
  return new Float64Array(values.length);
}

interface Sizes {
  readonly images: number;
  readonly tokens: number;
  readonly columns: number;
}

function sizes(params: Params): Sizes {
  return {
    images: scalar(params, 'images'),
    tokens: scalar(params, 'tokens'),
    columns: scalar(params, 'columns'),
  };
}

/** The terms of each element, in the order in which they are added. */
function terms(inputs: Inputs, params: Params): number[][] {
  const { images, tokens, columns } = sizes(params);
  const [prefix, placed] = [scalar(params, 'prefix'), scalar(params, 'placed')];
  const [own, first] = [floats(inputs, 'patches'), floats(inputs, 'first')];
  const positions = floats(inputs, 'positions');
  const count = tokens - prefix;
  return range(images * tokens * columns).map((i) => {
    const [column, token] = [i % columns, Math.floor(i / columns) % tokens];
    const image = Math.floor(i / columns / tokens);
    if (token >= prefix) {
      const n = token - prefix;
      const value = own[(image * count + n) * columns + column]!;
      return [value, positions[(placed + n) * columns + column]!];
    }
    const value = first[token * columns + column]!;
    return token < placed ? [value, positions[token * columns + column]!] : [value];
  });
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export const imageTokens: Reference = {
  twin: (inputs, params) => ({ y: Float64Array.from(terms(inputs, params), sum) }),
  conditions: (inputs, params) => {
    const sized = terms(inputs, params).map((each) => sum(each.map(Math.abs)));
    return { y: { length: 1, magnitude: Float64Array.from(sized) } };
  },
};

/** What each row of a gradient is the sum of. */
function gathered(inputs: Inputs, params: Params): number[][] {
  const dy = floats(inputs, 'dy');
  const { images, tokens, columns } = sizes(params);
  const at = (name: string): number => scalar(params, name);
  const [period, skip, shift] = [at('period'), at('skip'), at('shift')];
  return range(at('rows') * columns).map((i) => {
    const row = Math.floor(i / columns);
    const token = row % period < skip ? row % period : (row % period) + shift;
    const image = Math.floor(row / period);
    return range(images).map((n) => dy[((image + n) * tokens + token) * columns + (i % columns)]!);
  });
}

export const imageTokensBackward: Reference = {
  twin: (inputs, params) => ({ dx: Float64Array.from(gathered(inputs, params), sum) }),
  conditions: (inputs, params) => {
    const sized = gathered(inputs, params).map((each) => sum(each.map(Math.abs)));
    return { dx: { length: scalar(params, 'images'), magnitude: Float64Array.from(sized) } };
  },
};
