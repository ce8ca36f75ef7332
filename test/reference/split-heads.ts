// Projections taken apart into heads (arXiv 2104.09864, eq. 34, with its pairs or those of `rotate half`).

import { floats, heldIn, type Inputs, integers, type Reference, scalar, spillOf } from './twin.ts';
import type { Constants, Params } from './twin.ts';

type Written = Record<'q' | 'kv', Float64Array> & { readonly spill: Uint32Array };

/** Cosine and sine of an angle of position · turns / 2⁶⁴ turns. */
function angleOf(turns: Uint32Array, pair: number, position: number): [number, number] {
  const turn = (BigInt(turns[2 * pair]!) << 32n) | BigInt(turns[2 * pair + 1]!);
  const angle = (2 * Math.PI * Number(BigInt.asIntN(64, BigInt(position) * turn))) / 2 ** 64;
  return [Math.cos(angle), Math.sin(angle)];
}

/** With `magnitudes`, what flows into each element instead of its value. */
function takeApart(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  magnitudes: boolean,
): Written {
  const [projections, place] = [floats(inputs, 'projections'), integers(inputs, 'place')];
  const [tokens, size] = [scalar(params, 'tokens'), scalar(params, 'head_size')];
  const [heads, keyHeads] = [scalar(params, 'heads'), scalar(params, 'key_heads')];
  const [capacity, pairs] = [scalar(params, 'capacity'), scalar(params, 'pairs')];
  const gap = scalar(params, 'pair_gap');
  const count = place.length / 2;
  const isCached = constants['HAS_CACHE'] === true;
  const hidden = 2 ** 32 - 1;
  const spill = spillOf(inputs);
  const held = heldIn(inputs, spill);
  const written: Written = {
    spill,
    q: new Float64Array(count * heads * size),
    // What no token goes to stays as it was.
    kv: isCached ? new Float64Array(inputs['kv']!) : new Float64Array(2 * count * keyHeads * size),
  };
  if (magnitudes) written.kv.fill(0);
  for (let token = 0; token < count; token++) {
    const position = place[2 * token]!;
    const at = place[2 * token + 1]!;
    const known = (): number =>
      at < capacity
        ? integers(inputs, 'table')[Math.floor(token / tokens) * capacity + at]!
        : hidden;
    const slot = isCached ? known() : token;
    const all = heads + 2 * keyHeads;
    const kinds = [['q', heads] as const, ['k', keyHeads] as const, ['v', keyHeads] as const];
    for (const [kind, [name, n]] of kinds.entries()) {
      // Where the first of its heads begins, and how far it is from one to the next.
      const isMixed = constants['INTERLEAVED'] === true;
      const before = isMixed ? kind : [0, heads, heads + keyHeads][kind]!;
      const start = (token * all + before) * size;
      const step = (isMixed ? 3 : 1) * size;
      const columns = Array.from({ length: n }, (_, head) =>
        projections.slice(start + head * step, start + head * step + size),
      );
      for (const [head, own] of columns.entries()) {
        let row = own;
        if (magnitudes) row = row.map(Math.abs);
        if (constants['HAS_NORM'] === true && name !== 'v') {
          const isWide = constants['WIDE_NORM'] === true;
          const gain = isWide ? before + head : kind;
          const weight = floats(inputs, 'weight').subarray(gain * size);
          const meant = isWide ? columns.flatMap((one) => [...one]) : [...own];
          const mean = meant.reduce((sum, x) => sum + x * x, 0) / meant.length;
          const inverse = 1 / Math.sqrt(mean + scalar(params, 'eps'));
          const offset = scalar(params, 'offset');
          row = row.map((x, i) =>
            magnitudes
              ? x * inverse * (Math.abs(offset) + Math.abs(weight[i]!))
              : x * inverse * (offset + weight[i]!),
          );
        }
        if (constants['HAS_ROTARY'] === true && name !== 'v') {
          for (let i = 0; i < pairs; i++) {
            const [c, s] = angleOf(integers(inputs, 'turns'), i, position);
            const first = gap === 1 ? 2 * i : i;
            const second = first + gap;
            const [a, b] = [row[first]!, row[second]!];
            const scale = scalar(params, 'rotary_scale');
            row[first] = magnitudes ? scale * (a + b) : scale * (a * c - b * s);
            row[second] = magnitudes ? scale * (a + b) : scale * (b * c + a * s);
          }
        }
        if (constants['SHARPENED'] === true && name === 'q') {
          const age = Math.floor(position / scalar(params, 'period'));
          const factor = 1 + scalar(params, 'beta') * Math.log(1 + age);
          row = row.map((value) => value * factor);
        }
        if (name === 'q') written.q.set(row, (token * heads + head) * size);
        else if (slot !== hidden) {
          const first = 2 * slot * keyHeads + (name === 'k' ? 0 : keyHeads);
          written.kv.set(held(row), (first + head) * size);
        }
      }
    }
  }
  return written;
}

export const splitHeads: Reference = {
  twin: (inputs, params, constants) => takeApart(inputs, params, constants, false),
  conditions: (inputs, params, constants) => {
    const { q, kv } = takeApart(inputs, params, constants, true);
    const heads = constants['WIDE_NORM'] === true ? scalar(params, 'heads') : 1;
    const length = constants['HAS_NORM'] === true ? heads * scalar(params, 'head_size') : 2;
    return {
      q: { length, magnitude: q },
      kv: { length, magnitude: kv },
      spill: { length: 0, magnitude: 0 },
    };
  },
};
