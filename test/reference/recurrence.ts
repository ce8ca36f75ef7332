// Layers that keep a state: short convolutions, and where what is kept of a token lies.

import { activation, activationMagnitude } from './activation.ts';
import {
  type Constants,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const hidden = 2 ** 32 - 1;

/** Where things lie of tokens that go on from others. */
export class StateRows {
  readonly #params: Params;
  readonly #place: Uint32Array;
  readonly #table: Uint32Array;
  readonly #isOwned: boolean;

  constructor(inputs: Inputs, params: Params, constants: Constants) {
    this.#params = params;
    this.#place = integers(inputs, 'place');
    this.#table = integers(inputs, 'table');
    this.#isOwned = constants['OWNED'] === true;
  }

  /** The place of a token; undefined where its sequence is over. */
  placeOf(batch: number, token: number): number | undefined {
    if (this.#isOwned && this.#table[batch] === hidden) return undefined;
    const at = this.#place[2 * (batch * scalar(this.#params, 'tokens') + token) + 1]!;
    return at < scalar(this.#params, 'capacity') ? at : undefined;
  }

  /** Where the numbers of a token of the list go, so many. */
  own(batch: number, at: number, width: number): number {
    return this.#kept(this.#isOwned ? this.#table[batch]! : batch, at, width);
  }

  /** Where those of a place before the first token of the list are. */
  before(batch: number, at: number, width: number): number {
    if (this.#isOwned) return this.own(batch, at, width);
    const slot = this.#table[batch * scalar(this.#params, 'capacity') + at]!;
    const writer = slot === hidden ? batch : slot % scalar(this.#params, 'batches');
    return this.#kept(writer, at, width);
  }

  #kept(row: number, at: number, width: number): number {
    const [start, kept, places] = ['start', 'kept', 'places'].map((name) =>
      scalar(this.#params, name),
    ) as [number, number, number];
    return start + row * kept + (at % places) * width;
  }
}

/** What a convolution sees of a channel of a token. */
export function inputOf(
  inputs: Inputs,
  params: Params,
  isGated: boolean,
): (row: number, channel: number) => number {
  const x = floats(inputs, 'x');
  const [pitch, channels] = [scalar(params, 'pitch'), scalar(params, 'channels')];
  return (row, channel) =>
    isGated
      ? x[row * pitch + channel]! * x[row * pitch + 2 * channels + channel]!
      : x[row * pitch + channel]!;
}

/** Of a product of two parts of a token. */
function largest(inputs: Inputs): number {
  return floats(inputs, 'x').reduce((most, value) => Math.max(most, value * value), 0);
}

function convolve(
  inputs: Inputs,
  params: Params,
  constants: Constants,
): { y: Float64Array; magnitude: Float64Array } {
  const [tokens, channels, size] = [
    scalar(params, 'tokens'),
    scalar(params, 'channels'),
    scalar(params, 'size'),
  ];
  const isGated = constants['GATED'] === true;
  const code = Number(constants['ACTIVATION']);
  const weight = floats(inputs, 'weight');
  const bias = constants['HAS_BIAS'] === true ? floats(inputs, 'bias') : undefined;
  const memory =
    constants['CACHED'] === true ? new StateRows(inputs, params, constants) : undefined;
  const read = inputOf(inputs, params, isGated);
  const seen = (batch: number, token: number, channel: number): number => {
    if (token >= 0) return read(batch * tokens + token, channel);
    const first = memory?.placeOf(batch, 0);
    if (memory === undefined || first === undefined || first + token < 0) return 0;
    return floats(inputs, 'cache')[memory.before(batch, first + token, channels) + channel]!;
  };
  const all = range(scalar(params, 'batches') * tokens * channels).map((i) => {
    const [row, channel] = [Math.floor(i / channels), i % channels];
    const [batch, token] = [Math.floor(row / tokens), row % tokens];
    const terms = range(size).map(
      (j) => weight[channel * size + j]! * seen(batch, token - (size - 1 - j), channel),
    );
    const own = bias?.[channel] ?? 0;
    const gate = isGated
      ? floats(inputs, 'x')[row * scalar(params, 'pitch') + channels + channel]!
      : 1;
    const sum = terms.reduce((a, b) => a + b, own);
    const spread = terms.reduce((a, b) => a + Math.abs(b), Math.abs(own));
    return {
      y: activation(code, sum) * gate,
      magnitude: Math.max(activationMagnitude(code, sum), spread) * Math.abs(gate),
    };
  });
  return {
    y: Float64Array.from(all, ({ y }) => y),
    magnitude: Float64Array.from(all, ({ magnitude }) => magnitude),
  };
}

export const shortConvolution: Reference = {
  twin: (inputs, params, constants) => {
    const { y } = convolve(inputs, params, constants);
    if (constants['CACHED'] !== true) return { y };
    const cache = Float64Array.from(floats(inputs, 'cache'));
    const memory = new StateRows(inputs, params, constants);
    const channels = scalar(params, 'channels');
    const read = inputOf(inputs, params, constants['GATED'] === true);
    if (scalar(params, 'tokens') === 1) {
      for (let batch = 0; batch < scalar(params, 'batches'); batch++) {
        const at = memory.placeOf(batch, 0);
        if (at === undefined) continue;
        const first = memory.own(batch, at, channels);
        for (let c = 0; c < channels; c++) cache[first + c] = read(batch, c);
      }
    }
    return { y, cache };
  },
  conditions: (inputs, params, constants) => {
    const { magnitude } = convolve(inputs, params, constants);
    const y = { length: scalar(params, 'size') + 3, magnitude };
    return constants['CACHED'] === true
      ? { y, cache: { length: 1, magnitude: largest(inputs) } }
      : { y };
  },
};

export const keepInputs: Reference = {
  twin: (inputs, params, constants) => {
    const cache = Float64Array.from(floats(inputs, 'cache'));
    const memory = new StateRows(inputs, params, constants);
    const [tokens, channels] = [scalar(params, 'tokens'), scalar(params, 'channels')];
    const read = inputOf(inputs, params, constants['GATED'] === true);
    for (let batch = 0; batch < scalar(params, 'batches'); batch++) {
      const own = range(tokens).filter((token) => memory.placeOf(batch, token) !== undefined);
      for (const token of own.slice(-scalar(params, 'places'))) {
        const first = memory.own(batch, memory.placeOf(batch, token)!, channels);
        for (let c = 0; c < channels; c++) cache[first + c] = read(batch * tokens + token, c);
      }
    }
    return { cache };
  },
  conditions: (inputs) => ({ cache: { length: 1, magnitude: largest(inputs) } }),
};

export const hideRows: Reference = {
  twin: (inputs, params) => {
    const [columns, tokens] = [scalar(params, 'columns'), scalar(params, 'tokens')];
    const [place, table] = [integers(inputs, 'place'), integers(inputs, 'table')];
    const capacity = scalar(params, 'capacity');
    const y = floats(inputs, 'x').map((value, i) => {
      const row = Math.floor(i / columns);
      const at = place[2 * row + 1]!;
      const isSeen = at < capacity && table[Math.floor(row / tokens) * capacity + at] !== hidden;
      return isSeen ? value : 0;
    });
    return { y };
  },
  conditions: () => ({ y: { length: 0, magnitude: 0 } }),
};
