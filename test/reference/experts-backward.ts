// Gradients of feed-forward networks of experts.

import {
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
  type Twin,
} from './twin.ts';

type Value = (x: number) => number;

const same: Value = (x) => x;

/** The twin of a sum of products, and how large these are together. */
function sums(
  name: string,
  compute: (inputs: Inputs, params: Params, value: Value) => Float64Array,
  lengthOf: (params: Params) => number,
): Reference {
  const twin: Twin = (inputs, params) => ({ [name]: compute(inputs, params, same) });
  return {
    twin,
    conditions: (inputs, params) => ({
      [name]: { length: lengthOf(params), magnitude: compute(inputs, params, Math.abs) },
    }),
  };
}

/** Calls `visit` with each expert's choices, in their order. */
function eachExpert(inputs: Inputs, visit: (expert: number, choices: Uint32Array) => void): void {
  const [starts, order] = [integers(inputs, 'starts'), integers(inputs, 'order')];
  for (let expert = 0; expert + 1 < starts.length; expert++) {
    visit(expert, order.subarray(starts[expert], starts[expert + 1]));
  }
}

export const expertMatmulBackwardX: Reference = sums(
  'dx',
  (inputs, params, value) => {
    const [dy, weight] = [floats(inputs, 'dy'), floats(inputs, 'weight')];
    const [columns, depth] = [scalar(params, 'columns'), scalar(params, 'depth')];
    const [first, part] = [scalar(params, 'first'), scalar(params, 'part')];
    const before = inputs['before'] && floats(inputs, 'before');
    const dx = new Float64Array(scalar(params, 'choices') * depth);
    eachExpert(inputs, (expert, choices) => {
      for (const choice of choices) {
        for (let k = 0; k < depth; k++) {
          let sum = value(before?.[choice * depth + k] ?? 0);
          for (let column = 0; column < columns; column++) {
            const row = expert * columns + column - first;
            if (row < 0 || row >= part) continue;
            const own = weight[row * scalar(params, 'pitch') + k]!;
            sum += value(dy[choice * columns + column]!) * value(own);
          }
          dx[choice * depth + k] = sum;
        }
      }
    });
    return dx;
  },
  (params) => scalar(params, 'columns') + 1,
);

export const expertMatmulBackwardWeight: Reference = sums(
  'dw',
  (inputs, params, value) => {
    const [x, dy] = [floats(inputs, 'x'), floats(inputs, 'dy')];
    const [columns, depth] = [scalar(params, 'columns'), scalar(params, 'depth')];
    const [first, part] = [scalar(params, 'first'), scalar(params, 'part')];
    const dw = new Float64Array(part * depth);
    eachExpert(inputs, (expert, choices) => {
      for (let column = 0; column < columns; column++) {
        const row = expert * columns + column - first;
        if (row < 0 || row >= part) continue;
        for (const choice of choices) {
          const from = Math.floor(choice / scalar(params, 'share')) * scalar(params, 'x_pitch');
          for (let k = 0; k < depth; k++) {
            const [given, own] = [x[from + k]!, dy[choice * columns + column]!];
            dw[row * depth + k]! += value(given) * value(own);
          }
        }
      }
    });
    return dw;
  },
  () => 64,
);

export const expertMatmulBackwardBias: Reference = sums(
  'db',
  (inputs, params, value) => {
    const [dy, columns] = [floats(inputs, 'dy'), scalar(params, 'columns')];
    const db = new Float64Array(scalar(params, 'experts') * columns);
    eachExpert(inputs, (expert, choices) => {
      for (const choice of choices) {
        for (let column = 0; column < columns; column++) {
          db[expert * columns + column]! += value(dy[choice * columns + column]!);
        }
      }
    });
    return db;
  },
  () => 64,
);

/** For each choice and column: where it lies, and what it is of its token. */
function eachChoice(
  params: Params,
  visit: (at: number, choice: number, ofToken: number) => void,
): void {
  const [columns, chosen] = [scalar(params, 'columns'), scalar(params, 'chosen')];
  for (let choice = 0; choice < scalar(params, 'choices'); choice++) {
    const token = Math.floor(choice / chosen);
    for (let column = 0; column < columns; column++) {
      visit(choice * columns + column, choice, token * columns + column);
    }
  }
}

export const mixExpertsBackward: Reference = sums(
  'dx',
  (inputs, params, value) => {
    const [shares, dy] = [floats(inputs, 'shares'), floats(inputs, 'dy')];
    const dx = new Float64Array(scalar(params, 'choices') * scalar(params, 'columns'));
    eachChoice(params, (at, choice, ofToken) => {
      dx[at] = value(shares[choice]!) * value(dy[ofToken]!);
    });
    return dx;
  },
  () => 1,
);

export const mixExpertsBackwardShares: Reference = sums(
  'd_shares',
  (inputs, params, value) => {
    const [x, dy] = [floats(inputs, 'x'), floats(inputs, 'dy')];
    const found = new Float64Array(scalar(params, 'choices'));
    eachChoice(params, (at, choice, ofToken) => {
      found[choice]! += value(x[at]!) * value(dy[ofToken]!);
    });
    return found;
  },
  (params) => scalar(params, 'columns'),
);

/** The softmax of each row, over all its experts or the chosen ones alone: (rows, experts). */
function softmaxOf(inputs: Inputs, params: Params, amongChosen: boolean): Float64Array {
  const [logits, experts] = [floats(inputs, 'logits'), integers(inputs, 'experts')];
  const [count, chosen] = [scalar(params, 'experts'), scalar(params, 'chosen')];
  return Float64Array.from(logits, (logit, i) => {
    const row = Math.floor(i / count);
    const own = experts.subarray(row * chosen, (row + 1) * chosen);
    const all = logits.subarray(row * count, (row + 1) * count);
    if (amongChosen && !own.includes(i % count)) return 0;
    const counted = amongChosen ? Float64Array.from(own, (expert) => all[expert]!) : all;
    return 1 / counted.reduce((sum, other) => sum + Math.exp(other - logit), 0);
  });
}

function routed(
  inputs: Inputs,
  params: Params,
  { amongChosen, value, sign }: { amongChosen: boolean; value: Value; sign: number },
): Float64Array {
  const shares = softmaxOf(inputs, params, amongChosen);
  const [experts, dShares] = [integers(inputs, 'experts'), floats(inputs, 'd_shares')];
  const [count, chosen] = [scalar(params, 'experts'), scalar(params, 'chosen')];
  return shares.map((share, i) => {
    const row = Math.floor(i / count);
    let [own, sum] = [0, 0];
    for (let slot = row * chosen; slot < (row + 1) * chosen; slot++) {
      const expert = experts[slot]!;
      sum += shares[row * count + expert]! * value(dShares[slot]!);
      if (expert === i % count) own = value(dShares[slot]!);
    }
    return share * (own + sign * sum);
  });
}

export const routeTokensBackward: Reference = {
  twin: (inputs, params, constants) => ({
    d_logits: routed(inputs, params, {
      amongChosen: constants['AMONG_CHOSEN'] === true,
      value: same,
      sign: -1,
    }),
  }),
  // The shares that come with it were rounded, and their exponents err by their own size.
  conditions: (inputs, params, constants) => {
    const amongChosen = constants['AMONG_CHOSEN'] === true;
    const found = routed(inputs, params, { amongChosen, value: Math.abs, sign: 1 });
    const logits = floats(inputs, 'logits');
    const largest = logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
    return {
      d_logits: {
        length: scalar(params, 'experts'),
        magnitude: found.map((size) => size * (1 + 2 * largest)),
      },
    };
  },
};

/** Of scores s whose shares are c · s, or c · s / Σ s over the chosen: what each share's gradient says of each score. */
function chosenScores(
  inputs: Inputs,
  params: Params,
  { amongChosen, isSize }: { readonly amongChosen: boolean; readonly isSize: boolean },
): Float64Array {
  const [scores, d_shares] = [floats(inputs, 'scores'), floats(inputs, 'd_shares')];
  const chosenBy = integers(inputs, 'experts');
  const [count, chosen] = [scalar(params, 'experts'), scalar(params, 'chosen')];
  const scale = scalar(params, 'scale');
  const d_scores = new Float64Array(scores.length);
  for (let row = 0; row < scalar(params, 'rows'); row++) {
    const slots = Array.from({ length: chosen }, (_, slot) => row * chosen + slot);
    const places = slots.map((slot) => row * count + chosenBy[slot]!);
    const total = places.reduce((sum, place) => sum + scores[place]!, 1e-6);
    for (const [i, place] of places.entries()) {
      for (const [j, slot] of slots.entries()) {
        const straight = i === j ? scale : 0;
        const slope = amongChosen
          ? [straight / total, (-scale * scores[places[j]!]!) / total ** 2]
          : [straight];
        for (const part of slope) {
          d_scores[place]! += isSize ? Math.abs(part * d_shares[slot]!) : part * d_shares[slot]!;
        }
      }
    }
  }
  return d_scores;
}

export const chooseExpertsBackward: Reference = {
  twin: (inputs, params, constants) => ({
    d_scores: chosenScores(inputs, params, {
      amongChosen: constants['AMONG_CHOSEN'] === true,
      isSize: false,
    }),
  }),
  conditions: (inputs, params, constants) => ({
    d_scores: {
      length: 2 * scalar(params, 'chosen'),
      magnitude: chosenScores(inputs, params, {
        amongChosen: constants['AMONG_CHOSEN'] === true,
        isSize: true,
      }),
    },
  }),
};

function clamped(inputs: Inputs, params: Params, isSize: boolean): Float64Array {
  const [x, dy] = [floats(inputs, 'x'), floats(inputs, 'dy')];
  const [alpha, limit] = [scalar(params, 'alpha'), scalar(params, 'limit')];
  return x.map((given, i) => {
    const at = i - (i % 2);
    const gate = Math.min(x[at]!, limit);
    const value = Math.max(-limit, Math.min(limit, x[at + 1]!));
    const open = 1 / (1 + Math.exp(-alpha * gate));
    // The exponent errs by its own size.
    const error = 1 + Math.abs(alpha * gate);
    if (i % 2 === 0) {
      if (given > limit) return 0;
      if (isSize) return Math.abs(dy[at / 2]!) * (Math.abs(value) + 1) * open * error ** 2;
      return dy[at / 2]! * (value + 1) * open * (1 + alpha * gate * (1 - open));
    }
    if (Math.abs(given) > limit) return 0;
    if (isSize) return Math.abs(dy[at / 2]! * gate) * open * error;
    return dy[at / 2]! * gate * open;
  });
}

export const clampedGateBackward: Reference = {
  twin: (inputs, params) => ({ dx: clamped(inputs, params, false) }),
  conditions: (inputs, params) => ({
    dx: { length: 4, magnitude: clamped(inputs, params, true) },
  }),
};
