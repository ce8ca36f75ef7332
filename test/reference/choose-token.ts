// The choice of a token: argmax and draws, log softmax, and the warpers of Hugging Face.

import { randomBits } from './dropout.ts';
import { flagsOf, lengthOf, lowest, rowsOf, ruledScores, settingsOf } from './token-rules.ts';
import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

/** -log(-log(u)), u = (bits + ½) / 2³². */
export function gumbel(seed: number, step: number, row: number, column: number): number {
  const bits = randomBits(seed, step, row, column);
  const rest = (2 ** 32 - 0.5 - bits) / 2 ** 32;
  return -Math.log(-Math.log1p(-rest));
}

const matrix = (inputs: Inputs, params: Params): number[][] =>
  rowsOf(floats(inputs, 'x'), scalar(params, 'columns'));

/** index = the first column with the largest value, of those that are not hidden; else 0. */
export const chooseToken: Reference = {
  twin: (inputs, params, constants) => {
    const index = matrix(inputs, params).map((row, i) => {
      let scores = row;
      if (constants['HAS_FLAGS'] === true) {
        const length = lengthOf(inputs, i);
        scores = ruledScores(row, flagsOf(inputs, i, row.length), length, settingsOf(inputs, i));
      }
      if (constants['HAS_NOISE'] === true && settingsOf(inputs, i)('draws') === 1) {
        const [seed, stream] = ['seed', 'stream'].map(settingsOf(inputs, i)) as [number, number];
        const step = lengthOf(inputs, i) - 1;
        scores = scores.map((score, j) =>
          score === lowest ? score : score + gumbel(seed, step, stream, j),
        );
      }
      const best = scores.reduce((a, b) => Math.max(a, b), lowest);
      return best === lowest ? 0 : scores.indexOf(best);
    });
    return { index: Uint32Array.from(index) };
  },
  conditions: () => ({ index: { length: 0, magnitude: 0 } }),
};

/** log softmax of a row, -∞ for what is hidden. */
function logSoftmaxOf(row: readonly number[]): number[] {
  const seen = row.map((value) => (value <= lowest ? -Infinity : value));
  const largest = seen.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = seen.reduce((total, value) => total + Math.exp(value - largest), 0);
  return seen.map((value) => value - largest - Math.log(sum));
}

export const logSoftmax: Reference = {
  twin: (inputs, params) => ({
    x: Float64Array.from(
      matrix(inputs, params).flatMap((row) =>
        logSoftmaxOf(row).map((value) => Math.max(value, lowest)),
      ),
    ),
  }),
  conditions: (inputs, params) => {
    const magnitude = matrix(inputs, params).flatMap((row) => {
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      return row.map((value) =>
        value <= lowest ? 0 : 1 + Math.abs(largest - value) + Math.log(row.length),
      );
    });
    return {
      x: { length: scalar(params, 'columns'), magnitude: Float64Array.from(magnitude) },
    };
  },
};

/** Whether each column stays, by the kinds of warp.wgsl in their order. */
const keepers: readonly ((
  row: readonly number[],
  setting: (name: string) => number,
) => boolean[])[] = [
  (row, setting) => {
    const k = Math.min(Math.max(setting('topK'), setting('kept')), row.length);
    const last = row.toSorted((a, b) => b - a)[k - 1]!;
    return row.map((value) => value >= last);
  },
  (row, setting) => nucleus(row, row, setting('topP'), setting('kept')),
  (row, setting) => {
    const chances = logSoftmaxOf(row).map(Math.exp);
    const least = setting('minP') * Math.max(...chances);
    return aboveCutoff(row, chances, least, setting('kept'));
  },
  (row, setting) => {
    const logs = logSoftmaxOf(row);
    const entropy = entropyOf(logs);
    const typicality = logs.map((log) => -Math.abs(-log - entropy));
    return nucleus(row, typicality, setting('typicalP'), setting('kept'));
  },
  (row, setting) => {
    const chances = logSoftmaxOf(row).map(Math.exp);
    return aboveCutoff(row, chances, setting('epsilonCutoff'), setting('kept'));
  },
  (row, setting) => {
    const logs = logSoftmaxOf(row);
    const epsilon = setting('etaCutoff');
    const eta = Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-entropyOf(logs)));
    return aboveCutoff(row, logs.map(Math.exp), eta, setting('kept'));
  },
];

function entropyOf(logs: readonly number[]): number {
  return logs.reduce((sum, log) => (log === -Infinity ? sum : sum - Math.exp(log) * log), 0);
}

/** The columns of highest rank whose probability comes to `mass`, `kept` of them at least; ties stay. */
function nucleus(
  row: readonly number[],
  ranks: readonly number[],
  mass: number,
  kept: number,
): boolean[] {
  const chances = logSoftmaxOf(row).map(Math.exp);
  const order = row.map((_, j) => j).toSorted((a, b) => ranks[b]! - ranks[a]!);
  let sum = 0;
  let last = order.length - 1;
  for (const [place, column] of order.entries()) {
    sum += chances[column]!;
    if (sum >= mass && place + 1 >= kept) {
      last = place;
      break;
    }
  }
  return ranks.map((rank) => rank >= ranks[order[last]!]!);
}

/** The columns at least that likely, and the `kept` best. */
function aboveCutoff(
  row: readonly number[],
  chances: readonly number[],
  cutoff: number,
  kept: number,
): boolean[] {
  const last = row.toSorted((a, b) => b - a)[Math.min(kept, row.length) - 1]!;
  return row.map((value, j) => chances[j]! >= cutoff || value >= last);
}

export const warp: Reference = {
  twin: (inputs, params, constants) => {
    const x = matrix(inputs, params).flatMap((row, i) => {
      const stays = keepers[Number(constants['KIND'])]!(row, settingsOf(inputs, i));
      return row.map((value, j) => (stays[j]! ? value : lowest));
    });
    return { x: Float64Array.from(x) };
  },
  conditions: () => ({ x: { length: 0, magnitude: 0 } }),
};
