// The gated delta rule token by token, in float64, and what is drawn for it.

import type { DeltaHeads } from '../../src/shaders/recurrence/gated-delta.ts';
import type { Random } from './random.ts';

export interface Case extends DeltaHeads {
  readonly batches: number;
  readonly tokens: number;
  /** The place of each sequence's first token, and how many tokens it has of the list's. */
  readonly places?: readonly (readonly [first: number, own: number])[];
  /** Whose rows of the cache are whose. */
  readonly states?: readonly (number | null)[];
}

export interface Drawn {
  readonly x: Float32Array<ArrayBuffer>;
  readonly gates: Float32Array<ArrayBuffer>;
  readonly rates: Float32Array<ArrayBuffer>;
}

/** Columns before the gates. */
export const before = 3;

export function drawn(random: Random, { batches, tokens, ...heads }: Case): Drawn {
  const columns = 2 * heads.keyHeads * heads.keySize + heads.heads * heads.valueSize;
  const values = (count: number) => random.values(count, { outliers: 0 });
  return {
    x: values(batches * tokens * columns),
    gates: values(batches * tokens * (before + 2 * heads.heads + 1)),
    // Nothing is forgotten down to numbers that f32 has not.
    rates: values(2 * heads.heads).map((rate, i) => (i < heads.heads ? rate : rate / 4 - 2)),
  };
}

/** S ← α S + β k (v - α Sᵀk)ᵀ, y = Sᵀq, in float64. */
export function recurrence(
  { batches, tokens, ...heads }: Case,
  { x, gates, rates }: Drawn,
): number[] {
  const { heads: count, keyHeads, keySize, valueSize } = heads;
  const columns = x.length / batches / tokens;
  const pitch = gates.length / batches / tokens;
  const y = Array<number>(batches * tokens * count * valueSize).fill(0);
  for (let group = 0; group < batches * count; group++) {
    const [batch, head] = [Math.floor(group / count), group % count];
    const state = Array.from({ length: keySize }, () => new Float64Array(valueSize));
    for (let token = 0; token < tokens; token++) {
      const row = batch * tokens + token;
      const unit = (part: number): number[] => {
        const at =
          row * columns + (part * keyHeads + Math.floor((head * keyHeads) / count)) * keySize;
        const own = Array.from(x.subarray(at, at + keySize));
        const length = Math.sqrt(own.reduce((sum, value) => sum + value * value, 1e-6));
        return own.map((value) => value / length);
      };
      const [query, key] = [unit(0), unit(1)];
      const gate = row * pitch + before + head;
      const rate = 1 / (1 + Math.exp(-gates[gate]!));
      const softplus = Math.log1p(Math.exp(gates[gate + count]! + rates[head]!));
      const stays = Math.exp(-Math.exp(rates[count + head]!) * softplus);
      for (let c = 0; c < valueSize; c++) {
        const value = x[row * columns + 2 * keyHeads * keySize + head * valueSize + c]!;
        const known = key.reduce((sum, k, m) => sum + k * stays * state[m]![c]!, 0);
        let read = 0;
        key.forEach((k, m) => {
          state[m]![c] = stays * state[m]![c]! + k * rate * (value - known);
          read += (query[m]! / Math.sqrt(keySize)) * state[m]![c]!;
        });
        y[(row * count + head) * valueSize + c] = read;
      }
    }
  }
  return y;
}

/** What comes back to the value, and to both gates, of each token of one head, through the recurrence in float64. */
export function slopes(
  { tokens, keySize, valueSize }: Case,
  data: Drawn,
  dy: Float32Array,
): number[][] {
  const { x, gates, rates } = data;
  const columns = 2 * keySize + valueSize;
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const states: number[][][] = [
    Array.from({ length: keySize }, () => Array<number>(valueSize).fill(0)),
  ];
  const all = Array.from({ length: tokens }, (_, token) => {
    const row = Array.from(x.subarray(token * columns, (token + 1) * columns));
    const unit = (part: number[]): number[] =>
      part.map((value) => value / Math.sqrt(dot(part, part) + 1e-6));
    const query = unit(row.slice(0, keySize)).map((value) => value / Math.sqrt(keySize));
    const [key, value] = [unit(row.slice(keySize, 2 * keySize)), row.slice(2 * keySize)];
    const [learned, forgotten] = gates.subarray(token * 6 + before, token * 6 + before + 2);
    const rate = 1 / (1 + Math.exp(-learned!));
    const shifted = forgotten! + rates[0]!;
    const stays = Math.exp(-Math.exp(rates[1]!) * Math.log1p(Math.exp(shifted)));
    const state = states.at(-1)!;
    const error = value.map(
      (v, c) =>
        v -
        stays *
          dot(
            key,
            state.map((own) => own[c]!),
          ),
    );
    states.push(state.map((own, m) => own.map((s, c) => stays * s + rate * key[m]! * error[c]!)));
    return { query, key, error, rate, shifted, stays };
  });
  let slope = states[0]!;
  const found: number[][] = [];
  for (const [token, one] of [...all.entries()].toReversed()) {
    const { query, key, error, rate, shifted, stays } = one;
    const own = slope.map((row, m) =>
      row.map((s, c) => s + query[m]! * dy[token * valueSize + c]!),
    );
    const known = error.map((_, c) =>
      dot(
        key,
        own.map((row) => row[c]!),
      ),
    );
    const ofValue = known.map((value) => rate * value);
    const state = states[token]!;
    const ofStays =
      state.reduce((sum, row, m) => sum + dot(row, own[m]!), 0) -
      state.reduce((sum, row, m) => sum + key[m]! * dot(row, ofValue), 0);
    const decay = -Math.exp(rates[1]!) / (1 + Math.exp(-shifted));
    found.unshift([...ofValue, rate * (1 - rate) * dot(known, error), ofStays * stays * decay]);
    slope = own.map((row, m) => row.map((s, c) => stays * (s - key[m]! * ofValue[c]!)));
  }
  return found;
}
