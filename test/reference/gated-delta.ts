// The gated delta rule: its chunks, its scan, and the step of one token.

import { StateRows } from './recurrence.ts';
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
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The logarithm of what stays of a state, and how much is learned. */
function ratesOf(
  inputs: Inputs,
  params: Params,
  row: number,
  head: number,
): { decay: number; rate: number; spread: number } {
  const [x, weight] = [floats(inputs, 'x'), floats(inputs, 'weight')];
  const heads = scalar(params, 'heads');
  const at = row * scalar(params, 'pitch') + scalar(params, 'column') + head;
  const shifted = x[at + heads]! + weight[head]!;
  const factor = Math.exp(weight[heads + head]!);
  const decay = -factor * Math.log1p(Math.exp(shifted));
  const inexact = Math.abs(x[at + heads]!) + Math.abs(weight[head]!) + 1;
  const spread = factor * inexact + Math.abs(decay) * (1 + Math.abs(weight[heads + head]!));
  return { decay, rate: 1 / (1 + Math.exp(-x[at]!)), spread };
}

function chunkGates(
  inputs: Inputs,
  params: Params,
  constants: Constants,
): { gates: Float64Array; magnitude: Float64Array } {
  const size = Number(constants['CHUNK']);
  const [heads, chunks, tokens] = [
    scalar(params, 'heads'),
    scalar(params, 'chunks'),
    scalar(params, 'tokens'),
  ];
  const gates: number[] = [];
  const magnitude: number[] = [];
  for (let block = 0; block < scalar(params, 'batches') * heads * chunks; block++) {
    const batch = Math.floor(block / chunks / heads);
    const begin = scalar(params, 'first') + (block % chunks) * size;
    const own = range(size).map((i) => {
      const row = batch * tokens + begin + i;
      const isOver =
        constants['CACHED'] === true &&
        integers(inputs, 'place')[2 * row + 1]! >= scalar(params, 'capacity');
      return begin + i >= tokens || isOver
        ? { decay: 0, rate: 0, spread: 0 }
        : ratesOf(inputs, params, row, Math.floor(block / chunks) % heads);
    });
    gates.push(...own.map((_, i) => total(own.slice(0, i + 1).map(({ decay }) => decay))));
    gates.push(...own.map(({ rate }) => rate));
    magnitude.push(...own.map((_, i) => total(own.slice(0, i + 1).map(({ spread }) => spread))));
    magnitude.push(...own.map(({ spread }) => 2 + spread));
  }
  return { gates: Float64Array.from(gates), magnitude: Float64Array.from(magnitude) };
}

export const deltaGates: Reference = {
  twin: (inputs, params, constants) => ({ gates: chunkGates(inputs, params, constants).gates }),
  conditions: (inputs, params, constants) => ({
    gates: {
      length: Number(constants['CHUNK']),
      magnitude: chunkGates(inputs, params, constants).magnitude,
    },
  }),
};

/** What a chunk of a head is made of. Absolute values, for magnitudes, where `size` is `Math.abs`. */
class Chunk {
  readonly begin: number;
  readonly #inputs: Inputs;
  readonly #params: Params;
  readonly #block: number;
  readonly #batch: number;
  readonly #head: number;
  readonly #size: number;

  constructor(inputs: Inputs, params: Params, constants: Constants, block: number) {
    const [heads, chunks] = [scalar(params, 'heads'), scalar(params, 'chunks')];
    this.#inputs = inputs;
    this.#params = params;
    this.#block = block;
    this.#batch = Math.floor(block / chunks / heads);
    this.#head = Math.floor(block / chunks) % heads;
    this.#size = Number(constants['CHUNK']);
    this.begin = scalar(params, 'first') + (block % chunks) * this.#size;
  }

  has(i: number): boolean {
    return this.begin + i < scalar(this.#params, 'tokens');
  }

  stays(i: number): number {
    return floats(this.#inputs, 'gates')[2 * this.#block * this.#size + i]!;
  }

  rate(i: number): number {
    return floats(this.#inputs, 'gates')[(2 * this.#block + 1) * this.#size + i]!;
  }

  /** Of the query, part 0, or of the key, part 1, of a token. */
  unit(part: 0 | 1, i: number, c: number): number {
    const [keyHeads, size] = [scalar(this.#params, 'key_heads'), scalar(this.#params, 'key_size')];
    const row = this.#batch * scalar(this.#params, 'tokens') + this.begin + i;
    const head = Math.floor(this.#head / (scalar(this.#params, 'heads') / keyHeads));
    return floats(this.#inputs, 'qk')[((row * 2 + part) * keyHeads + head) * size + c]!;
  }

  value(i: number, c: number): number {
    const row = this.#batch * scalar(this.#params, 'tokens') + this.begin + i;
    const column = scalar(this.#params, 'column') + this.#head * scalar(this.#params, 'value_size');
    return floats(this.#inputs, 'x')[row * scalar(this.#params, 'pitch') + column + c]!;
  }

  /** How a token sees another one, by its key or by its query. */
  score(kind: 0 | 1, i: number, m: number): number {
    const at = (2 * this.#block + kind) * this.#size + i;
    return floats(this.#inputs, 'scores')[at * this.#size + m]!;
  }
}

function chunkScores(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  size: (value: number) => number,
): Float64Array {
  const count = Number(constants['CHUNK']);
  const all: number[] = [];
  for (let block = 0; block < scalar(params, 'rows') / count; block++) {
    const chunk = new Chunk(inputs, params, constants, block);
    for (const part of [1, 0] as const) {
      for (const i of range(count)) {
        for (const m of range(count)) {
          const isSeen = m < i + (part === 1 ? 0 : 1) && chunk.has(i);
          const gap = isSeen ? chunk.stays(i) - chunk.stays(m) : 0;
          const terms = range(isSeen ? scalar(params, 'key_size') : 0).map((c) =>
            size(chunk.unit(part, i, c) * chunk.unit(1, m, c)),
          );
          const factor = Math.exp(gap) * (part === 1 ? chunk.rate(i) : 1);
          all.push(total(terms) * factor * (size(-1) > 0 ? 1 - gap : 1));
        }
      }
    }
  }
  return Float64Array.from(all);
}

export const deltaScores: Reference = {
  twin: (inputs, params, constants) => ({
    scores: chunkScores(inputs, params, constants, (value) => value),
  }),
  conditions: (inputs, params, constants) => ({
    scores: {
      length: scalar(params, 'key_size') + 4,
      magnitude: chunkScores(inputs, params, constants, Math.abs),
    },
  }),
};

/** Rows of a chunk; the sums of absolute values of all that flows into them where `isSize`. */
function chunkTerms(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  isSize: boolean,
): Float64Array {
  const count = Number(constants['CHUNK']);
  const [valueSize, keySize] = [scalar(params, 'value_size'), scalar(params, 'key_size')];
  const size = isSize ? Math.abs : (value: number): number => value;
  const all: number[] = [];
  for (let block = 0; block < scalar(params, 'blocks'); block++) {
    const chunk = new Chunk(inputs, params, constants, block);
    const exp = (gap: number): number => Math.exp(gap) * (isSize ? 1 - gap : 1);
    const solve = (right: (i: number) => number): number[] => {
      const solved: number[] = [];
      for (const i of range(count)) {
        const seen = range(i).map((m) => size(chunk.score(0, i, m)) * solved[m]!);
        const own = chunk.has(i) ? size(right(i)) * chunk.rate(i) : 0;
        solved.push(isSize ? own + total(seen) : own - total(seen));
      }
      return solved;
    };
    const each = (of: (i: number) => number): number[] =>
      range(count).map((i) => (chunk.has(i) ? size(of(i)) : 0));
    for (const c of range(valueSize)) all.push(...solve((i) => chunk.value(i, c)));
    for (const c of range(keySize)) {
      all.push(...solve((i) => exp(chunk.stays(i)) * chunk.unit(1, i, c)));
    }
    for (const c of range(keySize)) {
      all.push(...each((i) => exp(chunk.stays(i)) * chunk.unit(0, i, c)));
    }
    const end = chunk.stays(count - 1);
    for (const c of range(keySize)) {
      all.push(...each((i) => exp(end - chunk.stays(i)) * chunk.unit(1, i, c)));
    }
  }
  return Float64Array.from(all);
}

export const deltaSolve: Reference = {
  twin: (inputs, params, constants) => ({ terms: chunkTerms(inputs, params, constants, false) }),
  conditions: (inputs, params, constants) => ({
    terms: {
      length: Number(constants['CHUNK']),
      magnitude: chunkTerms(inputs, params, constants, true),
    },
  }),
};

/** Where a step or a scan of a sequence finds a head's state, and where it leaves it. */
function statesOf(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  isCached: boolean,
): (batch: number, head: number) => { from?: number; to: number } | undefined {
  const size = scalar(params, 'key_size') * scalar(params, 'value_size');
  const width = scalar(params, 'heads') * size;
  const start = scalar(params, 'start');
  return (batch, head) => {
    if (!isCached) return { to: start + batch * width + head * size };
    const rows = new StateRows(inputs, params, constants);
    const own = range(scalar(params, 'tokens')).map((token) => rows.placeOf(batch, token));
    const last = own.findLast((place) => place !== undefined);
    if (last === undefined) return undefined;
    const to = rows.own(batch, last, width) + head * size;
    const first = own[0];
    if (first === undefined || first === 0) return { to };
    return { from: rows.before(batch, first - 1, width) + head * size, to };
  };
}

function scan(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  isSize: boolean,
): { y: Float64Array; cache: Float64Array } {
  const count = Number(constants['CHUNK']);
  const [heads, chunks, tokens, first] = [
    scalar(params, 'heads'),
    scalar(params, 'chunks'),
    scalar(params, 'tokens'),
    scalar(params, 'first'),
  ];
  const [keySize, valueSize] = [scalar(params, 'key_size'), scalar(params, 'value_size')];
  const size = isSize ? Math.abs : (value: number): number => value;
  const sign = isSize ? 1 : -1;
  const [terms, scores, gates] = ['terms', 'scores', 'gates'].map((name) =>
    floats(inputs, name).map(size),
  ) as [Float64Array, Float64Array, Float64Array];
  const cache = floats(inputs, 'cache').map(size);
  const before = Float64Array.from(cache);
  const y = floats(inputs, 'y').map(size);
  const find = statesOf(inputs, params, constants, constants['CACHED'] === true);
  for (let group = 0; group < scalar(params, 'batches') * heads; group++) {
    const [batch, head] = [Math.floor(group / heads), group % heads];
    const found = find(batch, head);
    const put = (token: number, c: number, value: number): void => {
      if (token < tokens) y[((batch * tokens + token) * heads + head) * valueSize + c] = value;
    };
    if (found === undefined) {
      for (const i of range(chunks * count)) for (const c of range(valueSize)) put(first + i, c, 0);
      continue;
    }
    const state = range(keySize * valueSize).map((i) => {
      if (constants['BEGINS'] !== true) return before[found.to + i]!;
      return found.from === undefined ? 0 : before[found.from + i]!;
    });
    for (const chunk of range(chunks)) {
      const block = group * chunks + chunk;
      const row = (c: number, i: number): number =>
        terms[(block * (valueSize + 3 * keySize) + c) * count + i]!;
      const times = (from: number, i: number, c: number): number =>
        total(range(keySize).map((m) => row(from + m, i) * state[m * valueSize + c]!));
      const values = range(count).map((i) =>
        range(valueSize).map((c) => row(c, i) + sign * times(valueSize, i, c)),
      );
      for (const i of range(count)) {
        for (const c of range(valueSize)) {
          const own = range(i + 1).map(
            (m) => scores[((2 * block + 1) * count + i) * count + m]! * values[m]![c]!,
          );
          put(first + chunk * count + i, c, times(valueSize + keySize, i, c) + total(own));
        }
      }
      const end = floats(inputs, 'gates')[2 * block * count + count - 1]!;
      const stays = Math.exp(end) * (isSize ? 1 + gates[2 * block * count + count - 1]! : 1);
      range(keySize * valueSize).forEach((at) => {
        const [m, c] = [Math.floor(at / valueSize), at % valueSize];
        const learned = range(count).map(
          (i) => row(valueSize + 2 * keySize + m, i) * values[i]![c]!,
        );
        state[at] = stays * state[at]! + total(learned);
      });
    }
    cache.set(state, found.to);
  }
  return { y, cache };
}

export const deltaScan: Reference = {
  twin: (inputs, params, constants) => scan(inputs, params, constants, false),
  conditions: (inputs, params, constants) => {
    const { y, cache } = scan(inputs, params, constants, true);
    const length =
      (scalar(params, 'key_size') + Number(constants['CHUNK'])) * scalar(params, 'chunks');
    return { y: { length, magnitude: y }, cache: { length, magnitude: cache } };
  },
};

function step(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  isSize: boolean,
): { y: Float64Array; cache: Float64Array } {
  const size = isSize ? Math.abs : (value: number): number => value;
  const sign = isSize ? 1 : -1;
  const [heads, keyHeads] = [scalar(params, 'heads'), scalar(params, 'key_heads')];
  const [keySize, valueSize] = [scalar(params, 'key_size'), scalar(params, 'value_size')];
  const qkv = floats(inputs, 'qkv').map(size);
  const before = floats(inputs, 'cache').map(size);
  const cache = Float64Array.from(before);
  const y = new Float64Array(scalar(params, 'batches') * heads * valueSize);
  const find = statesOf(inputs, params, constants, true);
  for (let group = 0; group < scalar(params, 'batches') * heads; group++) {
    const [batch, head] = [Math.floor(group / heads), group % heads];
    const found = find(batch, head);
    if (found === undefined) continue;
    const token = batch * (2 * keyHeads * keySize + heads * valueSize);
    const shared = Math.floor(head / (heads / keyHeads));
    const unit = (part: number): number[] => {
      const at = token + (part * keyHeads + shared) * keySize;
      const own = Array.from(qkv.subarray(at, at + keySize));
      const length = Math.sqrt(total(own.map((value) => value * value)) + scalar(params, 'eps'));
      return own.map((value) => value / length);
    };
    const query = unit(0).map((value) => value * scalar(params, 'scale'));
    const key = unit(1);
    const { decay, rate, spread } = ratesOf(inputs, params, batch, head);
    const stays = Math.exp(decay) * (isSize ? 1 + spread : 1);
    const learns = rate * (isSize ? 1 + spread : 1);
    const state = (m: number, c: number): number =>
      found.from === undefined ? 0 : stays * before[found.from + m * valueSize + c]!;
    for (const c of range(valueSize)) {
      const known = total(key.map((k, m) => k * state(m, c)));
      const value = qkv[token + 2 * keyHeads * keySize + head * valueSize + c]!;
      const learned = learns * (value + sign * known);
      const now = key.map((k, m) => state(m, c) + k * learned);
      now.forEach((kept, m) => (cache[found.to + m * valueSize + c] = kept));
      y[group * valueSize + c] = total(now.map((own, m) => own * query[m]!));
    }
  }
  return { y, cache };
}

export const deltaStep: Reference = {
  twin: (inputs, params, constants) => step(inputs, params, constants, false),
  conditions: (inputs, params, constants) => {
    const { y, cache } = step(inputs, params, constants, true);
    const length = 2 * scalar(params, 'key_size');
    return { y: { length, magnitude: y }, cache: { length, magnitude: cache } };
  },
};

export const unitHeads: Reference = {
  twin: (inputs, params) => ({ y: unitRows(inputs, params) }),
  conditions: (inputs, params) => ({
    y: { length: scalar(params, 'head_size'), magnitude: unitRows(inputs, params).map(Math.abs) },
  }),
};

function unitRows(inputs: Inputs, params: Params): Float64Array {
  const x = floats(inputs, 'x');
  const [heads, size] = [scalar(params, 'heads'), scalar(params, 'head_size')];
  const rows = range(scalar(params, 'rows')).flatMap((row) => {
    const at = Math.floor(row / (2 * heads)) * scalar(params, 'pitch') + (row % (2 * heads)) * size;
    const own = Array.from(x.subarray(at, at + size));
    const length = Math.sqrt(total(own.map((value) => value * value)) + scalar(params, 'eps'));
    const factor = row % (2 * heads) < heads ? scalar(params, 'scale') : 1;
    return own.map((value) => (factor * value) / length);
  });
  return Float64Array.from(rows);
}

function gatedRows(inputs: Inputs, params: Params, isSize: boolean): Float64Array {
  const [x, z, weight] = [floats(inputs, 'x'), floats(inputs, 'z'), floats(inputs, 'weight')];
  const [heads, columns] = [scalar(params, 'heads'), scalar(params, 'columns')];
  const rows = range(scalar(params, 'rows')).flatMap((row) => {
    const own = Array.from(x.subarray(row * columns, (row + 1) * columns));
    const mean = total(own.map((value) => value * value)) / columns;
    const at =
      Math.floor(row / heads) * scalar(params, 'pitch') +
      scalar(params, 'column') +
      (row % heads) * columns;
    return own.map((value, i) => {
      const gate = z[at + i]!;
      const normed = (weight[i]! * value) / Math.sqrt(mean + scalar(params, 'eps'));
      const open = gate / (1 + Math.exp(-gate));
      return isSize ? Math.abs(normed * open) * (1 + Math.abs(gate)) : normed * open;
    });
  });
  return Float64Array.from(rows);
}

export const gatedNorm: Reference = {
  twin: (inputs, params) => ({ y: gatedRows(inputs, params, false) }),
  conditions: (inputs, params) => ({
    y: { length: scalar(params, 'columns'), magnitude: gatedRows(inputs, params, true) },
  }),
};

export const openHeads: Reference = {
  twin: (inputs, params) => {
    const gate = floats(inputs, 'gate');
    const share = scalar(params, 'share');
    const y = floats(inputs, 'x').map(
      (value, i) => value / (1 + Math.exp(-gate[Math.floor(i / share)]!)),
    );
    return { y };
  },
  conditions: (inputs, params) => {
    const gate = floats(inputs, 'gate');
    const share = scalar(params, 'share');
    const magnitude = floats(inputs, 'x').map(
      (value, i) => Math.abs(value) * (1 + Math.abs(gate[Math.floor(i / share)]!)),
    );
    return { y: { length: 1, magnitude } };
  },
};
