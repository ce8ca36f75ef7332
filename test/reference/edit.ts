// Activations that are edited by a rule, and attention step by step, from scores that somebody has changed.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

/** keep · x, and factor · value, of each element; the element alone where the rule does not act. */
function terms(
  inputs: Inputs,
  params: Params,
  constants: Readonly<Record<string, number | boolean>>,
): [number, number][] {
  const [x, value, rule] = [floats(inputs, 'x'), floats(inputs, 'value'), floats(inputs, 'rule')];
  const [keep = NaN, factor = NaN] = rule;
  const [sequences, positions] = [scalar(params, 'sequences'), scalar(params, 'positions')];
  const [columns, tokens] = [scalar(params, 'columns'), scalar(params, 'tokens')];
  const [heads, size] = [scalar(params, 'heads'), scalar(params, 'head_size')];
  const acts = (sequence: number, position: number, head: number): boolean =>
    position < positions &&
    rule[2 + sequence] === 1 &&
    rule[2 + sequences + position] === 1 &&
    rule[2 + sequences + positions + head] === 1;
  return Array.from(x, (own, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const isHeadsFirst = constants['HEADS_FIRST'] === true;
    const inside = column - scalar(params, 'first');
    const head = isHeadsFirst ? Math.floor(row / tokens) % heads : Math.floor(inside / size);
    if (inside < 0 || head >= heads) return [own, 0];
    const sequence = Math.floor(row / tokens / (isHeadsFirst ? heads : 1));
    const token = row % tokens;
    const position =
      constants['PLACED'] === true
        ? integers(inputs, 'place')[2 * (sequence * tokens + token) + 1]!
        : token;
    if (!acts(sequence, position, head)) return [own, 0];
    const inner = inside % size;
    const outer = isHeadsFirst
      ? (sequence * heads + head) * positions + position
      : (sequence * positions + position) * heads + head;
    return [keep * own, factor * value[(constants['EACH'] === true ? outer * size : 0) + inner]!];
  });
}

export const edit: Reference = {
  twin: (inputs, params, constants) => ({
    y: Float64Array.from(terms(inputs, params, constants), ([a, b]) => a + b),
  }),
  conditions: (inputs, params, constants) => ({
    y: {
      length: 2,
      magnitude: Float64Array.from(
        terms(inputs, params, constants),
        ([a, b]) => Math.abs(a) + Math.abs(b),
      ),
    },
  }),
};

/** What stands for no score. */
const lowest = -3.4028234663852886e38;

/** The softmax of each row, beside a sink, over the scores that there are, and how far these lie below the largest. */
function sharesOf(
  inputs: Inputs,
  params: Params,
  constants: Readonly<Record<string, number | boolean>>,
): { shares: Float64Array; depths: Float64Array } {
  const scores = floats(inputs, 'scores');
  const [keys, queries] = [scalar(params, 'keys'), scalar(params, 'queries')];
  const shares = new Float64Array(scores.length);
  const depths = new Float64Array(scores.length);
  for (let row = 0; row < scores.length / keys; row++) {
    const own = scores.subarray(row * keys, (row + 1) * keys);
    const head = Math.floor(row / queries) % scalar(params, 'heads');
    const sink = constants['HAS_SINK'] === true ? floats(inputs, 'sinks')[head]! : -Infinity;
    const seen = own.map((score) => (score > lowest ? score : -Infinity));
    const largest = seen.reduce((most, score) => Math.max(most, score), sink);
    if (largest === -Infinity) continue;
    const parts = seen.map((score) => Math.exp(score - largest));
    const total = parts.reduce((sum, part) => sum + part, Math.exp(sink - largest));
    parts.forEach((part, key) => {
      shares[row * keys + key] = part / total;
      depths[row * keys + key] = part > 0 ? largest - seen[key]! : 0;
    });
  }
  return { shares, depths };
}

export const attentionShares: Reference = {
  twin: (inputs, params, constants) => ({ weights: sharesOf(inputs, params, constants).shares }),
  // Rounding a difference of scores, and exp's own error, grow with the difference.
  conditions: (inputs, params, constants) => {
    const { shares, depths } = sharesOf(inputs, params, constants);
    const most = depths.reduce((largest, depth) => Math.max(largest, depth), 0);
    return {
      weights: { length: scalar(params, 'keys'), magnitude: shares.map((one) => one * (1 + most)) },
    };
  },
};

/** Σ weight · value of each element of the heads; of their absolute values where asked. */
function mixed(inputs: Inputs, params: Params, isAbsolute: boolean): Float64Array {
  const [weights, v] = [floats(inputs, 'weights'), floats(inputs, 'v')];
  const [heads, size] = [scalar(params, 'heads'), scalar(params, 'head_size')];
  const [queries, keys] = [scalar(params, 'queries'), scalar(params, 'keys')];
  return Float64Array.from({ length: scalar(params, 'size') }, (_, i) => {
    const column = i % size;
    const head = Math.floor(i / size) % heads;
    const query = Math.floor(i / size / heads) % queries;
    const batch = Math.floor(i / size / heads / queries);
    const start = scalar(params, 'v_start') + Math.floor(head / scalar(params, 'group')) * size;
    let sum = 0;
    for (let key = 0; key < keys; key++) {
      const term =
        weights[((batch * heads + head) * queries + query) * keys + key]! *
        v[(batch * keys + key) * scalar(params, 'v_pitch') + start + column]!;
      sum += isAbsolute ? Math.abs(term) : term;
    }
    return sum;
  });
}

export const attentionMix: Reference = {
  twin: (inputs, params) => ({ y: mixed(inputs, params, false) }),
  conditions: (inputs, params) => ({
    y: { length: scalar(params, 'keys'), magnitude: mixed(inputs, params, true) },
  }),
};
