// What rules make of logits before a token is chosen, as Hugging Face's logits processors define it.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

/** What cannot be chosen: f32 has no number below. */
export const lowest = -3.4028234663852886e38;

/** The settings by their place in `rules`. */
const wordNames = [
  'seed promptLength sourceLength minLength beginLength firstLength lastLength decayLength',
  'decay temperature topK topP minP typicalP epsilonCutoff etaCutoff kept penalty presence',
  'frequency ngram sourcePenalty sourceNgram padToken stopsEarly attainableLength maxLength padding',
  'draws stream flagSet sequences targets timestampBegin initialTimestamps endToken',
]
  .join(' ')
  .split(' ');
const numbers = new Set(
  'decay temperature topP minP typicalP epsilonCutoff etaCutoff penalty presence frequency sourcePenalty'.split(
    ' ',
  ),
);

export type Settings = (name: string) => number;

/** The settings of a row. */
export function settingsOf(inputs: Inputs, row: number): Settings {
  const words = integers(inputs, 'rules');
  const asFloats = new Float32Array(words.buffer, words.byteOffset, words.length);
  return (name) => {
    const at = wordNames.indexOf(name);
    if (at < 0) throw new TypeError(`no rule ${name}`);
    const place = row * wordNames.length + at;
    return numbers.has(name) ? asFloats[place]! : words[place]!;
  };
}

/** The flags of tokens that a row goes by. */
export function flagsOf(inputs: Inputs, row: number, columns: number): Uint32Array {
  const first = settingsOf(inputs, row)('flagSet') * columns;
  return integers(inputs, 'flags').subarray(first, first + columns);
}

/** The tokens a row has so far: one more than the slot of the one that was fed. */
export const lengthOf = (inputs: Inputs, row: number): number =>
  integers(inputs, 'place')[2 * row + 1]! + 1;

/** A matrix as rows. */
export function rowsOf(values: Float64Array | Uint32Array, columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, row) => [
    ...values.subarray(row * columns, (row + 1) * columns),
  ]);
}

/** Scores after min length, forced tokens, exponential decay and suppression, in this order. */
export function ruledScores(
  scores: readonly number[],
  flags: Uint32Array,
  length: number,
  setting: Settings,
): number[] {
  const has = (token: number, flag: number): boolean => (flags[token]! & flag) !== 0;
  let result = scores.map((score, token) => (has(token, 1) ? lowest : score));
  if (length < setting('minLength')) {
    result = result.map((score, token) => (has(token, 8) ? lowest : score));
  }
  for (const [at, flag] of [
    ['firstLength', 16],
    ['lastLength', 32],
  ] as const) {
    if (length === setting(at)) result = result.map((_, token) => (has(token, flag) ? 0 : lowest));
  }
  const over = length - setting('decayLength');
  if (over > 0) {
    const growth = Math.min(setting('decay') ** over, 1e18) - 1;
    result = result.map((score, token) =>
      has(token, 8) && score !== lowest ? score + Math.abs(score) * growth : score,
    );
  }
  const begins = length === setting('beginLength');
  return result.map((score, token) =>
    has(token, 2) || (begins && has(token, 4)) ? lowest : score,
  );
}

export const tokenRules: Reference = {
  twin: (inputs, params, constants) => {
    const x = rowsOf(floats(inputs, 'x'), scalar(params, 'columns')).flatMap((row, i) => {
      const setting = settingsOf(inputs, i);
      const ruled =
        constants['HAS_FLAGS'] === true
          ? ruledScores(row, flagsOf(inputs, i, row.length), lengthOf(inputs, i), setting)
          : row;
      if (constants['HAS_TEMPERATURE'] !== true) return ruled;
      return ruled.map((score) => (score === lowest ? score : score / setting('temperature')));
    });
    return { x: Float64Array.from(x) };
  },
  // The power of the decay is squared up: some roundings for every bit of the exponent.
  conditions: (inputs, params, constants) => {
    const { x } = tokenRules.twin(inputs, params, constants);
    const magnitude = floats({ x }, 'x').map((after, i) =>
      after === lowest ? 0 : Math.abs(after) + Math.abs(floats(inputs, 'x')[i]!),
    );
    return { x: { length: 64, magnitude } };
  },
};

/** How often each token stands in a list from a place on. */
function counts(list: readonly number[], from: number): Map<number, number> {
  const found = new Map<number, number>();
  list.slice(from).forEach((token) => found.set(token, (found.get(token) ?? 0) + 1));
  return found;
}

/** The tokens that stand in `list` behind what `tokens` ends with, n - 1 tokens. */
function repeating(list: readonly number[], tokens: readonly number[], n: number): Set<number> {
  const found = new Set<number>();
  if (n === 0 || tokens.length + 1 < n) return found;
  const prefix = tokens.slice(tokens.length + 1 - n);
  for (let at = 0; at + n <= list.length; at++) {
    if (prefix.every((token, i) => list[at + i] === token)) found.add(list[at + n - 1]!);
  }
  return found;
}

export const tokenHistory: Reference = {
  twin: (inputs, params, constants) => {
    const isSource = constants['IS_SOURCE'] === true;
    const histories = rowsOf(integers(inputs, 'history'), scalar(params, 'pitch'));
    const lists = rowsOf(integers(inputs, 'list'), scalar(params, 'listed'));
    const x = rowsOf(floats(inputs, 'x'), scalar(params, 'columns')).flatMap((row, i) => {
      const setting = settingsOf(inputs, i);
      const tokens = histories[i]!.slice(0, lengthOf(inputs, i));
      const list = lists[i]!.slice(0, isSource ? setting('sourceLength') : tokens.length);
      const penalty = setting(isSource ? 'sourcePenalty' : 'penalty');
      const penalized = new Set(isSource ? list : list.slice(setting('padding')));
      const generated = counts(list, isSource ? list.length : setting('promptLength'));
      const banned = repeating(list, tokens, setting(isSource ? 'sourceNgram' : 'ngram'));
      return row.map((score, token) => {
        if (score === lowest || !list.includes(token)) return score;
        if (banned.has(token)) return lowest;
        const count = generated.get(token) ?? 0;
        const presence = count > 0 ? setting('presence') : 0;
        const own = !penalized.has(token) ? score : score < 0 ? score * penalty : score / penalty;
        return own - presence - count * setting('frequency');
      });
    });
    return { x: Float64Array.from(x) };
  },
  conditions: (inputs, params, constants) => {
    const { x } = tokenHistory.twin(inputs, params, constants);
    const magnitude = floats({ x }, 'x').map((after, i) => {
      const setting = settingsOf(inputs, Math.floor(i / scalar(params, 'columns')));
      const penalty = setting(constants['IS_SOURCE'] === true ? 'sourcePenalty' : 'penalty');
      const most = scalar(params, 'listed') * Math.abs(setting('frequency'));
      if (after === lowest) return 0;
      const before = Math.abs(floats(inputs, 'x')[i]!) * Math.max(penalty, 1 / penalty);
      return before + most + Math.abs(setting('presence'));
    });
    return { x: { length: 1, magnitude } };
  },
};

/** The biased sequences that the packed words of a row stand for. */
function sequencesOf(inputs: Inputs, row: number): { tokens: number[]; bias: number }[] {
  const setting = settingsOf(inputs, row);
  const words = integers(inputs, 'sequences').subarray(setting('sequences'));
  const targets = setting('targets');
  const asFloats = new Float32Array(words.slice().buffer);
  const found: { tokens: number[]; bias: number }[] = [];
  for (let target = 0; target < targets; target++) {
    const [token, from, to] = words.subarray(3 * target);
    for (let at = from!; at < to!; at += 3) {
      const tokens = [...words.subarray(words[at], words[at]! + words[at + 1]!)];
      if (tokens.at(-1) !== token) throw new RangeError('a sequence stands under another token');
      found.push({ tokens, bias: asFloats[at + 2]! });
    }
  }
  return found;
}

export const sequenceBias: Reference = {
  twin: (inputs, params) => {
    const pitch = scalar(params, 'pitch');
    const x = rowsOf(floats(inputs, 'x'), scalar(params, 'columns')).flatMap((row, i) => {
      const sequences = sequencesOf(inputs, i);
      const length = lengthOf(inputs, i);
      const history = integers(inputs, 'history').subarray(i * pitch, i * pitch + length);
      for (const { tokens, bias } of sequences) {
        const prefix = tokens.slice(0, -1);
        const applies = prefix.every((token, j) => history[length - prefix.length + j] === token);
        const target = tokens.at(-1)!;
        if (applies && row[target] !== lowest) {
          row[target] = bias <= lowest ? lowest : row[target]! + bias;
        }
      }
      return row;
    });
    return { x: Float64Array.from(x) };
  },
  conditions: (inputs, params, constants) => {
    const { x } = sequenceBias.twin(inputs, params, constants);
    const columns = scalar(params, 'columns');
    const magnitude = floats({ x }, 'x').map((after, i) => {
      if (after === lowest) return 0;
      const sequences = sequencesOf(inputs, Math.floor(i / columns));
      const biases = sequences.filter(
        ({ tokens, bias }) => bias > lowest && tokens.at(-1) === i % columns,
      );
      const size = biases.reduce((sum, { bias }) => sum + Math.abs(bias), 0);
      return size === 0 ? 0 : size + Math.abs(floats(inputs, 'x')[i]!);
    });
    const rows = Array.from({ length: x!.length / columns }, (_, row) => row);
    const length = Math.max(...rows.map((row) => sequencesOf(inputs, row).length));
    return { x: { length, magnitude } };
  },
};

/** Tokens behind what there is, and every place one further. */
export const appendTokens: Reference = {
  twin: (inputs, params: Params, constants) => {
    const place = integers(inputs, 'place').map((value) => value + 1);
    const recent = integers(inputs, 'recent').slice();
    const span = scalar(params, 'span');
    const isLost = constants['HAS_SPILL'] === true && integers(inputs, 'spill')[0] !== 0;
    integers(inputs, 'tokens').forEach((token, row) => {
      recent[row * span + (lengthOf(inputs, row) % span)] = isLost ? 2 ** 32 - 1 : token;
    });
    if (constants['HAS_HISTORY'] !== true) return { place, recent };
    const history = integers(inputs, 'history').slice();
    const pitch = scalar(params, 'pitch');
    integers(inputs, 'tokens').forEach((token, row) => {
      const length = lengthOf(inputs, row);
      if (length < pitch) history[row * pitch + length] = token;
    });
    return { place, history, recent };
  },
  conditions: () => ({
    place: { length: 0, magnitude: 0 },
    history: { length: 0, magnitude: 0 },
    recent: { length: 0, magnitude: 0 },
  }),
};
