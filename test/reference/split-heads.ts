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
  const all = heads + 2 * keyHeads;
  const written: Written = {
    spill,
    q: new Float64Array(count * (isCached ? heads : all) * size),
    // What no token goes to stays as it was.
    kv: Float64Array.from(isCached ? inputs['kv']! : []),
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
    const kinds = [['q', heads] as const, ['k', keyHeads] as const, ['v', keyHeads] as const];
    for (const [kind, [name, n]] of kinds.entries()) {
      // Where the first of its heads begins, and how far it is from one to the next.
      const isMixed = constants['INTERLEAVED'] === true;
      const before = isMixed ? kind : [0, heads, heads + keyHeads][kind]!;
      const shared = constants['KEYS_ARE_VALUES'] === true ? keyHeads : 0;
      const from = before - (name === 'v' ? shared : 0);
      const start = (token * (all - shared) + from) * size;
      const step = (isMixed ? 3 : 1) * size;
      const columns = Array.from({ length: n }, (_, head) =>
        projections.slice(start + head * step, start + head * step + size),
      );
      for (const [head, own] of columns.entries()) {
        let row = own;
        if (magnitudes) row = row.map(Math.abs);
        if (constants['VALUE_NORM'] === true && name === 'v') {
          const mean = own.reduce((sum, x) => sum + x * x, 0) / size;
          row = row.map((x) => x / Math.sqrt(mean + scalar(params, 'eps')));
        }
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
        const firstOf = [0, heads, heads + keyHeads][kind]!;
        if (!isCached) written.q.set(row, (token * all + firstOf + head) * size);
        else if (name === 'q') written.q.set(row, (token * heads + head) * size);
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

/** A head: where it begins in the projections, in the heads taken apart, and among those of its kind. */
interface Head {
  readonly token: number;
  readonly kind: 'q' | 'k' | 'v';
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/** The heads that a norm is of, or single ones. */
function headGroups(params: Params, constants: Constants, count: number): Head[][] {
  const [heads, keyHeads] = [scalar(params, 'heads'), scalar(params, 'key_heads')];
  const size = scalar(params, 'head_size');
  const all = heads + 2 * keyHeads;
  const shared = constants['KEYS_ARE_VALUES'] === true ? keyHeads : 0;
  const groups: Head[][] = [];
  for (let token = 0; token < count; token++) {
    for (const [n, kind] of (['q', 'k', 'v'] as const).entries()) {
      const first = [0, heads, heads + keyHeads][n]!;
      const own = Array.from({ length: kind === 'q' ? heads : keyHeads }, (_, index): Head => {
        const place = constants['INTERLEAVED'] === true ? 3 * index + n : first + index;
        const column = token * (all - shared) + place - (kind === 'v' ? shared : 0);
        const to = token * all + first + index;
        return { token, kind, index, from: column * size, to: to * size };
      });
      if (constants['WIDE_NORM'] === true) groups.push(own);
      else groups.push(...own.map((head) => [head]));
    }
  }
  return groups;
}

/** With `magnitudes`, what flows into each element instead of its value. */
function putTogether(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  magnitudes: boolean,
): Record<'dx' | 'dn', Float64Array> {
  const [x, dy, place] = [
    floats(inputs, 'projections'),
    floats(inputs, 'dy'),
    integers(inputs, 'place'),
  ];
  const [heads, keyHeads] = [scalar(params, 'heads'), scalar(params, 'key_heads')];
  const [size, gap] = [scalar(params, 'head_size'), scalar(params, 'pair_gap')];
  const isWide = constants['WIDE_NORM'] === true;
  const value = (term: number): number => (magnitudes ? Math.abs(term) : term);
  const dx = new Float64Array(x.length);
  const dn =
    constants['HAS_NORM'] === true
      ? new Float64Array(floats(inputs, 'dn').length)
      : new Float64Array(floats(inputs, 'dn'));
  /** The gradient of a head's entries before they were rotated. */
  const turnedBack = ({ token, kind, to }: Head): Float64Array => {
    const own = dy.slice(to, to + size).map(value);
    const position = place[2 * token]!;
    if (constants['HAS_ROTARY'] === true && kind !== 'v') {
      for (let i = 0; i < scalar(params, 'pairs'); i++) {
        const [c, s] = angleOf(integers(inputs, 'turns'), i, position);
        const first = gap === 1 ? 2 * i : i;
        const [a, b] = [own[first]!, own[first + gap]!];
        const scale = scalar(params, 'rotary_scale');
        own[first] = magnitudes ? scale * (a + b) : scale * (a * c + b * s);
        own[first + gap] = magnitudes ? scale * (a + b) : scale * (b * c - a * s);
      }
    }
    if (constants['SHARPENED'] !== true || kind !== 'q') return own;
    const age = Math.floor(position / scalar(params, 'period'));
    return own.map((entry) => entry * (1 + scalar(params, 'beta') * Math.log(1 + age)));
  };
  for (const group of headGroups(params, constants, place.length / 2)) {
    const slopes = group.flatMap((head) => [...turnedBack(head)]);
    const own = group.flatMap(({ from }) => [...x.subarray(from, from + size)]);
    const { token, kind, index } = group[0]!;
    // Heads of keys that are values, too, get both gradients.
    if (constants['HAS_NORM'] !== true || (kind === 'v' && constants['VALUE_NORM'] !== true)) {
      slopes.forEach((slope, i) => (dx[group[Math.floor(i / size)]!.from + (i % size)]! += slope));
      continue;
    }
    const first = kind === 'q' ? 0 : isWide ? heads * size : size;
    const r =
      1 / Math.sqrt(own.reduce((sum, e) => sum + e * e, 0) / own.length + scalar(params, 'eps'));
    const gains = own.map((_, i) => {
      if (kind === 'v') return 1;
      const [offset, weight] = [scalar(params, 'offset'), floats(inputs, 'weight')[first + i]!];
      return magnitudes ? Math.abs(offset) + Math.abs(weight) : offset + weight;
    });
    const n = own.map((e) => value(e * r));
    const mean = slopes.reduce((sum, e, i) => sum + e * gains[i]! * n[i]!, 0) / own.length;
    slopes.forEach((slope, i) => {
      const at = group[Math.floor(i / size)]!.from + (i % size);
      const less = n[i]! * mean;
      dx[at]! += r * (slope * gains[i]! + (magnitudes ? less : -less));
      if (kind === 'v') return;
      const width = isWide ? (heads + keyHeads) * size : 2 * heads * size;
      const inToken = isWide ? first : 2 * index * size + first;
      dn[token * width + inToken + i] = slope * n[i]!;
    });
  }
  return { dx, dn };
}

export const splitHeadsBackward: Reference = {
  twin: (inputs, params, constants) => putTogether(inputs, params, constants, false),
  conditions: (inputs, params, constants) => {
    const { dx, dn } = putTogether(inputs, params, constants, true);
    const heads = constants['WIDE_NORM'] === true ? scalar(params, 'heads') : 1;
    const length = constants['HAS_NORM'] === true ? 2 * heads * scalar(params, 'head_size') : 2;
    return { dx: { length, magnitude: dx }, dn: { length, magnitude: dn } };
  },
};
