// The gradient of the gated delta rule, kernel by kernel: chunks gone through again, the scan backwards, and what comes
// back to each token from there.

import { Reading } from './delta-reading.ts';
import { type Constants, floats, type Inputs, type Reference } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

type Written = Record<string, Float64Array>;

/** A reference by what it writes, and by the longest sum behind it. */
function reference(
  write: (reading: Reading, inputs: Inputs, constants: Constants) => Written,
  length: (reading: Reading) => number,
): Reference {
  return {
    twin: (inputs, params, constants) =>
      write(new Reading(inputs, params, constants, false), inputs, constants),
    conditions: (inputs, params, constants) => {
      const reading = new Reading(inputs, params, constants, true);
      return Object.fromEntries(
        Object.entries(write(reading, inputs, constants)).map(([name, magnitude]) => [
          name,
          { length: length(reading), magnitude },
        ]),
      );
    },
  };
}

const ofScan = (reading: Reading): number =>
  (reading.n('key_size') + reading.size) * reading.n('chunks');

/** What a state is before a scan: kept, or 0. */
function carried(reading: Reading, inputs: Inputs, isNew: boolean): Float64Array {
  const carry = Float64Array.from(floats(inputs, 'carry'));
  if (isNew) return carry.fill(0);
  return reading.isSize ? carry.map(Math.abs) : carry;
}

export const gatedDeltaBackwardStates: Reference = reference((r, inputs, constants) => {
  const [keys, values, chunks] = [r.n('key_size'), r.n('value_size'), r.n('chunks')];
  const carry = carried(r, inputs, constants['BEGINS'] === true);
  const groups = r.n('batches') * r.n('heads');
  const states: number[] = [];
  const learned: number[] = [];
  for (let group = 0; group < groups; group++) {
    const state = carry.subarray(group * keys * values, (group + 1) * keys * values);
    for (let chunk = 0; chunk < chunks; chunk++) {
      const block = group * chunks + chunk;
      states.push(...state);
      const own = range(r.size).map((i) =>
        range(values).map((c) => {
          const known = range(keys).map((m) => state[m * values + c]! * r.term('w', block, m, i));
          return r.term('u', block, c, i) + r.minus(total(known));
        }),
      );
      learned.push(...own.flat());
      for (let at = 0; at < state.length; at++) {
        const [m, c] = [Math.floor(at / values), at % values];
        const added = range(r.size).map((i) => r.term('k', block, m, i) * own[i]![c]!);
        state[at] = r.whole(block) * state[at]! + total(added);
      }
    }
  }
  return { carry, states: Float64Array.from(states), values: Float64Array.from(learned) };
}, ofScan);

export const gatedDeltaBackwardScan: Reference = reference((r, inputs, constants) => {
  const [keys, values, chunks] = [r.n('key_size'), r.n('value_size'), r.n('chunks')];
  const carry = carried(r, inputs, constants['ENDS'] === true);
  const groups = r.n('batches') * r.n('heads');
  const d_states = new Float64Array(groups * chunks * keys * values);
  const d_values = new Float64Array(groups * chunks * r.size * values);
  for (let group = 0; group < groups; group++) {
    const state = carry.subarray(group * keys * values, (group + 1) * keys * values);
    for (let block = (group + 1) * chunks - 1; block >= group * chunks; block--) {
      d_states.set(state, block * keys * values);
      const own = range(r.size).map((i) =>
        range(values).map((c) => {
          const read = range(r.size).map(
            (m) => r.score('scores', 1, block, m, i) * r.dy(block, m, c),
          );
          const kept = range(keys).map((m) => r.term('k', block, m, i) * state[m * values + c]!);
          return total(read) + total(kept);
        }),
      );
      d_values.set(own.flat(), block * r.size * values);
      for (let at = 0; at < state.length; at++) {
        const [m, c] = [Math.floor(at / values), at % values];
        const terms = range(r.size).map(
          (i) =>
            r.term('q', block, m, i) * r.dy(block, i, c) +
            r.minus(r.term('w', block, m, i) * own[i]![c]!),
        );
        state[at] = r.whole(block) * state[at]! + total(terms);
      }
    }
  }
  return { carry, d_states, d_values };
}, ofScan);

export const gatedDeltaBackwardTerms: Reference = reference(
  (r) => {
    const [keys, columns] = [r.n('key_size'), range(r.n('value_size'))];
    const blocks = range(r.n('size') / keys / r.size);
    const each =
      (of: (block: number, m: number, i: number, c: number) => number) => (block: number) =>
        range(keys).flatMap((m) =>
          range(r.size).map((i) => total(columns.map((c) => of(block, m, i, c)))),
        );
    const kinds = [
      each((block, m, i, c) =>
        r.minus(r.value('d_values', block, i, c) * r.state('states', block, m, c)),
      ),
      each((block, m, i, c) => r.dy(block, i, c) * r.state('states', block, m, c)),
      each((block, m, i, c) => r.value('values', block, i, c) * r.state('d_states', block, m, c)),
    ];
    const stays = blocks.flatMap((block) =>
      range(keys).map((m) =>
        total(
          columns.map((c) => r.state('states', block, m, c) * r.state('d_states', block, m, c)),
        ),
      ),
    );
    return {
      d_terms: Float64Array.from(blocks.flatMap((block) => kinds.flatMap((kind) => kind(block)))),
      d_stays: Float64Array.from(stays),
    };
  },
  (r) => r.n('value_size'),
);

export const gatedDeltaBackwardSolve: Reference = reference(
  (r, inputs) => {
    const [keys, values] = [r.n('key_size'), r.n('value_size')];
    const before = floats(inputs, 'dx');
    const dx = r.isSize ? new Float64Array(before.length) : Float64Array.from(before);
    const d_right: number[] = [];
    for (const block of range(r.n('blocks'))) {
      for (const c of range(values + keys)) {
        const solved = Array<number>(r.size).fill(0);
        for (const i of range(r.size).toReversed()) {
          const given =
            c < values ? r.value('d_values', block, i, c) : r.dTerm(0, block, c - values, i);
          const seen = range(r.size - 1 - i).map(
            (k) => r.score('scores', 0, block, i + 1 + k, i) * solved[i + 1 + k]!,
          );
          solved[i] = given + r.minus(total(seen));
          const row = r.row(block, i);
          if (c >= values || row === undefined) continue;
          const to = r.n('column') + r.head(block) * values + c;
          dx[row * r.n('pitch') + to] = r.gate(1, block, i) * solved[i];
        }
        d_right.push(...solved);
      }
    }
    return { d_right: Float64Array.from(d_right), dx };
  },
  (r) => r.size,
);

export const gatedDeltaBackwardScores: Reference = reference(
  (r) => {
    const [keys, values] = [range(r.n('key_size')), range(r.n('value_size'))];
    const blocks = range(r.n('size') / r.size / r.size);
    const pairs = (of: (i: number, m: number) => number): number[] =>
      range(r.size).flatMap((i) => range(r.size).map((m) => of(i, m)));
    const all = blocks.flatMap((block) => [
      ...pairs((i, m) => {
        if (m >= i || r.row(block, i) === undefined) return 0;
        const learned = values.map((c) => r.right(block, c, i) * r.term('u', block, c, m));
        const known = keys.map(
          (c) => r.right(block, values.length + c, i) * r.term('w', block, c, m),
        );
        return r.minus(total(learned) + total(known));
      }),
      ...pairs((i, m) => {
        if (m > i) return 0;
        return total(values.map((c) => r.dy(block, i, c) * r.value('values', block, m, c)));
      }),
    ]);
    return { d_scores: Float64Array.from(all) };
  },
  (r) => r.n('value_size') + r.n('key_size'),
);

export const gatedDeltaBackwardKeys: Reference = reference(
  (r, inputs) => {
    const [keyHeads, keys, values] = [r.n('key_heads'), r.n('key_size'), r.n('value_size')];
    const before = floats(inputs, 'd_qk');
    const d_qk = r.isSize ? new Float64Array(before.length) : Float64Array.from(before);
    const sharing = r.n('heads') / keyHeads;
    for (const block of range(r.n('batches') * r.n('heads') * r.n('chunks'))) {
      const head = r.head(block);
      const add = (row: number, part: 0 | 1, c: number, slope: number): void => {
        const at = ((row * 2 + part) * keyHeads + Math.floor(head / sharing)) * keys + c;
        // The first of the heads that share it replaces what was there.
        d_qk[at] = slope + (head % sharing === 0 && !r.isSize ? 0 : d_qk[at]!);
      };
      for (const i of range(r.size)) {
        const row = r.row(block, i);
        if (row === undefined) continue;
        const gap = (a: number, b: number): number =>
          r.exp(r.gate(0, block, a) - r.gate(0, block, b));
        const [own, left] = [r.exp(r.gate(0, block, i)), gap(r.size - 1, i)];
        for (const c of range(keys)) {
          const seen = range(i + 1).map(
            (m) => r.score('d_scores', 1, block, i, m) * gap(i, m) * r.unit(1, block, m, c),
          );
          add(row, 0, c, own * r.dTerm(1, block, c, i) + total(seen));
          const sees = range(i).map(
            (m) => r.score('d_scores', 0, block, i, m) * gap(i, m) * r.unit(1, block, m, c),
          );
          const behind = range(r.size - i).map((k) => {
            const m = i + k;
            if (r.row(block, m) === undefined) return 0;
            const ofKeys =
              r.gate(1, block, m) * r.score('d_scores', 0, block, m, i) * r.unit(1, block, m, c);
            const ofQueries = r.score('d_scores', 1, block, m, i) * r.unit(0, block, m, c);
            return gap(m, i) * (ofKeys + ofQueries);
          });
          const known = own * r.right(block, values + c, i);
          const learned = r.gate(1, block, i) * (known + total(sees));
          add(row, 1, c, learned + left * r.dTerm(2, block, c, i) + total(behind));
        }
      }
    }
    return { d_qk };
  },
  (r) => (r.n('heads') / r.n('key_heads')) * (r.size + 3),
);

export const gatedDeltaBackwardDecays: Reference = reference(
  (r) => {
    const [keys, values] = [range(r.n('key_size')), range(r.n('value_size'))];
    const all: number[] = [];
    for (const block of range(r.n('rows') / r.size)) {
      const own = range(r.size).map((i) => {
        const row = r.row(block, i);
        if (row === undefined) return { stays: 0, rate: 0, end: 0 };
        const begin = r.exp(r.gate(0, block, i));
        const left = r.exp(r.gate(0, block, r.size - 1) - r.gate(0, block, i));
        const learns = r.gate(1, block, i);
        const known = keys.map(
          (c) => learns * begin * r.unit(1, block, i, c) * r.right(block, values.length + c, i),
        );
        const read = keys.map((c) => begin * r.unit(0, block, i, c) * r.dTerm(1, block, c, i));
        const end = left * total(keys.map((c) => r.unit(1, block, i, c) * r.dTerm(2, block, c, i)));
        const told = values.map((c) => {
          const column = r.n('column') + r.head(block) * values.length + c;
          return learns * r.at('x', [row, 0], [column, r.n('pitch')]) * r.right(block, c, i);
        });
        const pair = (kind: 0 | 1, a: number, b: number): number =>
          r.score('scores', kind, block, a, b) * r.score('d_scores', kind, block, a, b);
        const sees = range(r.size).map((m) => pair(0, i, m));
        const others = range(r.size).map(
          (m) => pair(1, i, m) + r.minus(pair(0, m, i) + pair(1, m, i)),
        );
        return {
          stays: total(known) + total(read) + total(sees) + total(others) + r.minus(end),
          rate: (r.isSize ? 1 : 1 - learns) * (total(known) + total(told) + total(sees)),
          end,
        };
      });
      all.push(...own.map(({ stays }) => stays), ...own.map(({ rate }) => rate));
      all.push(...own.map(({ end }) => end));
    }
    return { d_gates: Float64Array.from(all) };
  },
  (r) => r.n('key_size') + r.n('value_size') + 4 * r.size,
);

export const gatedDeltaBackwardGates: Reference = reference(
  (r, inputs) => {
    const heads = r.n('heads');
    const [dx, d_rates] = ['dx', 'd_rates'].map((name) => {
      const before = floats(inputs, name);
      return r.isSize ? new Float64Array(before.length) : Float64Array.from(before);
    }) as [Float64Array, Float64Array];
    const [x, weight] = [floats(inputs, 'x'), floats(inputs, 'weight')];
    for (const index of range(r.n('batches') * r.n('own'))) {
      const [batch, within] = [Math.floor(index / r.n('own')), index % r.n('own')];
      const row = batch * r.n('tokens') + r.n('first') + within;
      dx.fill(0, row * r.n('pitch'), (row + 1) * r.n('pitch'));
      for (const head of range(heads)) {
        const block = (batch * heads + head) * r.n('chunks') + Math.floor(within / r.size);
        const i = within % r.size;
        const slope = (kind: number, m: number): number =>
          r.at('d_gates', [3 * block + kind, 0], [m, r.size]);
        const at = row * r.n('pitch') + r.n('column') + head;
        dx[at] = slope(1, i);
        const kept = range(r.n('key_size')).map((m) =>
          r.at('d_stays', [block, 0], [m, r.n('key_size')]),
        );
        const behind = range(r.size).map((m) => slope(2, m) + (m >= i ? slope(0, m) : 0));
        const end = r.whole(block) * total(kept) + total(behind);
        const shifted = x[at + heads]! + weight[head]!;
        const factor = -r.exp(weight[heads + head]!);
        const [open, soft] = [1 / (1 + Math.exp(-shifted)), Math.log1p(Math.exp(shifted))];
        const spread = r.isSize ? 1 + Math.abs(x[at + heads]!) + Math.abs(weight[head]!) : 0;
        dx[at + heads] = factor * (open + spread) * end;
        d_rates[row * 2 * heads + head] = dx[at + heads]!;
        d_rates[(row * 2 + 1) * heads + head] = factor * (soft + spread) * end;
      }
    }
    if (!r.isSize) return { dx, d_rates };
    return { dx: dx.map(Math.abs), d_rates: d_rates.map(Math.abs) };
  },
  (r) => r.n('key_size') + 2 * r.size,
);
