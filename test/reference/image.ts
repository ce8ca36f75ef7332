// Patches of images and the tokens that they become, by the axes that they have.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

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
  const at = (name: string): number => scalar(params, name);
  const [prefix, behind, placed] = [at('prefix'), at('behind'), at('placed')];
  const [own, positions] = [floats(inputs, 'patches'), floats(inputs, 'positions')];
  const around = prefix + behind > 0 ? floats(inputs, 'around') : [];
  const count = tokens - prefix - behind;
  return range(images * tokens * columns).map((i) => {
    const [column, token] = [i % columns, Math.floor(i / columns) % tokens];
    const image = Math.floor(i / columns / tokens);
    const n = token - prefix;
    const isPatch = n >= 0 && n < count;
    const value = isPatch
      ? own[(image * count + n) * columns + column]!
      : around[(n < 0 ? token : token - count) * columns + column]!;
    if (n < 0 && token >= placed) return [value];
    return [value, positions[(n < 0 ? token : placed + n) * columns + column]!];
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

/** The bytes of a pixel, one a channel. */
function bytesOf(word: number): number[] {
  return range(4).map((channel) => Math.floor(word / 256 ** channel) % 256);
}

/** A pass of resampling, in whole numbers: those of 22 bits behind the point are exact in float64. */
export const resample: Reference = {
  twin: (inputs, params, constants) => {
    const [pixels, windows] = [integers(inputs, 'pixels'), integers(inputs, 'windows')];
    const weights = new Int32Array(integers(inputs, 'weights'));
    const at = (name: string): number => scalar(params, name);
    const [width, isDown] = [at('width'), constants['DOWN'] === true];
    const y = range(at('height') * width).map((i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      const sample = isDown ? row : column;
      const sums = [0, 0, 0, 0];
      for (const tap of range(windows[2 * sample + 1]!)) {
        const place = windows[2 * sample]! + tap;
        const [line, pixel] = isDown ? [place, column] : [row, place];
        const bytes = bytesOf(pixels[line * at('source_width') + pixel]!);
        const weight = weights[sample * at('taps') + tap]!;
        bytes.forEach((byte, channel) => (sums[channel]! += byte * weight));
      }
      const rounded = sums.map((total) => Math.floor(total / 2 ** 22 + 0.5));
      return rounded.reduceRight((word, byte) => word * 256 + Math.min(255, Math.max(0, byte)), 0);
    });
    return { y: Uint32Array.from(y) };
  },
  conditions: () => ({ y: { length: 0, magnitude: 0 } }),
};

export const pixelValues: Reference = {
  twin: (inputs, params) => {
    const [pixels, values] = [integers(inputs, 'pixels'), floats(inputs, 'values')];
    const at = (name: string): number => scalar(params, name);
    const [height, width] = [at('height'), at('width')];
    const y = Float64Array.from(floats(inputs, 'y'));
    const first = at('image') * at('channels') * height * width;
    for (const i of range(at('channels') * height * width)) {
      const channel = Math.floor(i / (height * width));
      const row = (Math.floor(i / width) % height) + (at('top') | 0);
      const column = (i % width) + (at('left') | 0);
      const isInside =
        row >= 0 && row < at('source_height') && column >= 0 && column < at('source_width');
      const word = isInside ? pixels[row * at('source_width') + column]! : 0;
      y[first + i] = values[256 * channel + bytesOf(word)[channel]!]!;
    }
    return { y };
  },
  conditions: (inputs) => ({ y: { length: 0, magnitude: magnitudes(floats(inputs, 'y')) } }),
};

/** The ranges of tokens, as the scalars say. */
function rangesOf(params: Params): { first: number; count: number }[] {
  const at = (name: string): number => scalar(params, name);
  const all = [
    { first: at('first'), count: at('count') },
    { first: at('second'), count: at('second_count') },
  ];
  return all.slice(0, at('ranges'));
}

/** What each mean is of. */
function averaged(inputs: Inputs, params: Params): number[][] {
  const x = floats(inputs, 'x');
  const [tokens, columns] = [scalar(params, 'tokens'), scalar(params, 'columns')];
  return range(scalar(params, 'batches')).flatMap((batch) =>
    rangesOf(params).flatMap(({ first, count }) =>
      range(columns).map((column) =>
        range(count).map((i) => x[(batch * tokens + first + i) * columns + column]! / count),
      ),
    ),
  );
}

export const tokenMeans: Reference = {
  twin: (inputs, params) => ({ y: Float64Array.from(averaged(inputs, params), sum) }),
  conditions: (inputs, params) => {
    const sized = averaged(inputs, params).map((each) => sum(each.map(Math.abs)));
    return { y: { length: scalar(params, 'tokens'), magnitude: Float64Array.from(sized) } };
  },
};

/** The share of each token in the ranges that it is in. */
function shares(inputs: Inputs, params: Params): number[][] {
  const dy = floats(inputs, 'dy');
  const [tokens, columns] = [scalar(params, 'tokens'), scalar(params, 'columns')];
  const ranges = rangesOf(params);
  return range(scalar(params, 'batches') * tokens * columns).map((i) => {
    const [column, token] = [i % columns, Math.floor(i / columns) % tokens];
    const batch = Math.floor(i / columns / tokens);
    return ranges.flatMap(({ first, count }, r) =>
      token >= first && token < first + count
        ? [dy[(batch * ranges.length + r) * columns + column]! / count]
        : [],
    );
  });
}

export const tokenMeansBackward: Reference = {
  twin: (inputs, params) => ({ dx: Float64Array.from(shares(inputs, params), sum) }),
  conditions: (inputs, params) => {
    const sized = shares(inputs, params).map((each) => sum(each.map(Math.abs)));
    return { dx: { length: 2, magnitude: Float64Array.from(sized) } };
  },
};

export const patchesBackward: Reference = {
  twin: (inputs, params) => {
    const dy = floats(inputs, 'dy');
    const [images, channels] = [scalar(params, 'images'), scalar(params, 'channels')];
    const [height, width] = [scalar(params, 'height'), scalar(params, 'width')];
    const [tall, wide] = [scalar(params, 'patch_height'), scalar(params, 'patch_width')];
    const [down, across] = [Math.floor(height / tall), Math.floor(width / wide)];
    const dx = new Float64Array(images * channels * height * width);
    let from = 0;
    // In the order of the patches, each of which is written where it was read.
    for (const [image, row, column, channel, y, x] of product([
      images,
      down,
      across,
      channels,
      tall,
      wide,
    ])) {
      const line = (image! * channels + channel!) * height + row! * tall + y!;
      dx[line * width + column! * wide + x!] = dy[from++]!;
    }
    return { dx };
  },
  conditions: (inputs, params) => {
    const { dx } = patchesBackward.twin(inputs, params, {});
    return { dx: { length: 0, magnitude: magnitudes(dx!) } };
  },
};

/** All places of an array of these sizes, the last index first. */
function product(counts: readonly number[]): number[][] {
  return counts.reduce<number[][]>(
    (places, size) => places.flatMap((place) => range(size).map((i) => [...place, i])),
    [[]],
  );
}

export const pixelUnits: Reference = {
  twin: (inputs, params, constants) => {
    const x = floats(inputs, 'x');
    const y = Float64Array.from(x, (value, i) => {
      const channel = Math.floor(i / scalar(params, 'area')) % scalar(params, 'channels');
      const black = scalar(params, `black_${channel}`);
      const reach = scalar(params, `white_${channel}`) - black;
      if (constants['SCALED'] === true) return reach * value;
      const own = (floats(inputs, 'pixels')[i]! - black) / reach;
      return Math.min(Math.max(0, 1 - own), Math.max(Math.min(0, -own), value));
    });
    return { y };
  },
  conditions: (inputs, params, constants) => {
    const { y } = pixelUnits.twin(inputs, params, constants);
    const pixels = inputs['pixels'] === undefined ? undefined : floats(inputs, 'pixels');
    const magnitude = Float64Array.from(y as Float64Array, (value, i) => {
      const channel = Math.floor(i / scalar(params, 'area')) % scalar(params, 'channels');
      const [black, white] = [`black_${channel}`, `white_${channel}`].map((name) =>
        scalar(params, name),
      );
      const own = (Math.abs(pixels?.[i] ?? 0) + Math.abs(black!)) / Math.abs(white! - black!);
      return Math.abs(value) + (pixels ? 2 + own : 0);
    });
    return { y: { length: 4, magnitude } };
  },
};
