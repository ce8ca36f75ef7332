// The gated delta rule of one head in chunks, in float64, stage by stage.

import { dot } from './math.ts';

/** A chunk, and two tokens of another one. */
export const keySize = 3;
export const valueSize = 2;
export const tokens = 34;
export const chunk = 32;
export const blocks = 2;
export const columns: number = 2 * keySize + valueSize;

/** What a pass goes through, one after the other. */
export interface Stages {
  /** (tokens, columns), and (tokens, 2) */
  readonly x: ArrayLike<number>;
  readonly given: ArrayLike<number>;
  /** (tokens, 2, keySize) */
  readonly qk: ArrayLike<number>;
  /** (blocks, 2, chunk), and the last of the former of each block */
  readonly gates: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
  /** (blocks, 2, chunk, chunk) */
  readonly scores: ArrayLike<number>;
  /** (blocks, valueSize + keySize, chunk) */
  readonly right: ArrayLike<number>;
  /** (blocks, valueSize + 3 · keySize, chunk) */
  readonly terms: ArrayLike<number>;
  /** (blocks + 1, keySize, valueSize) */
  readonly states: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

/** Tokens of a block. */
const countOf = (block: number): number => Math.min(chunk, tokens - block * chunk);

/** Where a row of a block begins that has `rows` of `size`. */
const rowAt = (block: number, rows: number, row: number, size: number = chunk): number =>
  (block * rows + row) * size;

/** One head in chunks, in float64; what is given is not computed. */
export function pass(
  { x, given, weight }: Pick<Stages, 'x' | 'given'> & { readonly weight: ArrayLike<number> },
  known: Partial<Stages> = {},
): Stages {
  const qk = known.qk ?? unitRows(x);
  const gates = known.gates ?? gatesOf(given, weight);
  const ends =
    known.ends ??
    Array.from({ length: blocks }, (_, block) => gates[rowAt(block, 2, 1) - 1] ?? NaN);
  const scores = known.scores ?? scoresOf(qk, gates);
  const right = known.right ?? rightOf(x, qk, gates);
  const terms = known.terms ?? termsOf({ qk, gates, ends, scores, right });
  const { states, y } = scanOf({ ends, scores, terms }, known.states);
  return { x, given, qk, gates, ends, scores, right, terms, states, y };
}

function unitRows(x: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: tokens * 2 * keySize }, (_, i) => {
    const row = Math.floor(i / keySize);
    const at = (row >> 1) * columns + (row % 2) * keySize;
    const length = Math.sqrt(dot(x, at, x, at, keySize) + 1e-6);
    return ((row % 2 === 0 ? keySize ** -0.5 : 1) * (x[at + (i % keySize)] ?? NaN)) / length;
  });
}

function gatesOf(given: ArrayLike<number>, weight: ArrayLike<number>): Float64Array {
  const gates = new Float64Array(blocks * 2 * chunk);
  const [shift = NaN, factor = NaN] = Array.from(weight);
  for (let block = 0; block < blocks; block++) {
    let all = 0;
    for (let i = 0; i < chunk; i++) {
      const at = 2 * (block * chunk + i);
      if (i < countOf(block)) {
        all -= Math.exp(factor) * Math.log1p(Math.exp((given[at + 1] ?? NaN) + shift));
        gates[rowAt(block, 2, 1) + i] = 1 / (1 + Math.exp(-(given[at] ?? NaN)));
      }
      gates[rowAt(block, 2, 0) + i] = all;
    }
  }
  return gates;
}

/** Where a query, part 0, or a key, part 1, begins. */
const unitAt = (part: number, block: number, i: number): number =>
  ((block * chunk + i) * 2 + part) * keySize;

function scoresOf(qk: ArrayLike<number>, gates: ArrayLike<number>): Float64Array {
  const scores = new Float64Array(blocks * 2 * chunk * chunk);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < countOf(block); i++) {
      for (let m = 0; m <= i; m++) {
        const stays = rowAt(block, 2, 0);
        const gap = Math.exp((gates[stays + i] ?? NaN) - (gates[stays + m] ?? NaN));
        const seen = (part: number): number =>
          gap * dot(qk, unitAt(part, block, i), qk, unitAt(1, block, m), keySize);
        const at = rowAt(block, 2 * chunk, i) + m;
        if (m < i) scores[at] = (gates[rowAt(block, 2, 1) + i] ?? NaN) * seen(1);
        scores[at + chunk * chunk] = seen(0);
      }
    }
  }
  return scores;
}

const rightRows = valueSize + keySize;

function rightOf(
  x: ArrayLike<number>,
  qk: ArrayLike<number>,
  gates: ArrayLike<number>,
): Float64Array {
  const right = new Float64Array(blocks * rightRows * chunk);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < countOf(block); i++) {
      const rate = gates[rowAt(block, 2, 1) + i] ?? NaN;
      const stays = Math.exp(gates[rowAt(block, 2, 0) + i] ?? NaN);
      for (let c = 0; c < rightRows; c++) {
        const value = x[(block * chunk + i) * columns + 2 * keySize + c] ?? NaN;
        const key = stays * (qk[unitAt(1, block, i) + c - valueSize] ?? NaN);
        right[rowAt(block, rightRows, c) + i] = rate * (c < valueSize ? value : key);
      }
    }
  }
  return right;
}

const termRows = valueSize + 3 * keySize;

function termsOf({
  qk,
  gates,
  ends,
  scores,
  right,
}: Pick<Stages, 'qk' | 'gates' | 'ends' | 'scores' | 'right'>): Float64Array {
  const terms = new Float64Array(blocks * termRows * chunk);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < countOf(block); i++) {
      for (let c = 0; c < rightRows; c++) {
        const to = rowAt(block, termRows, c);
        const seen = dot(scores, rowAt(block, 2 * chunk, i), terms, to, i);
        terms[to + i] = (right[rowAt(block, rightRows, c) + i] ?? NaN) - seen;
      }
      const stays = gates[rowAt(block, 2, 0) + i] ?? NaN;
      for (let c = 0; c < keySize; c++) {
        const [query, key] = [qk[unitAt(0, block, i) + c], qk[unitAt(1, block, i) + c]];
        const to = rowAt(block, termRows, rightRows + c) + i;
        terms[to] = Math.exp(stays) * (query ?? NaN);
        terms[to + keySize * chunk] = Math.exp((ends[block] ?? NaN) - stays) * (key ?? NaN);
      }
    }
  }
  return terms;
}

const stateSize = keySize * valueSize;

function scanOf(
  { ends, scores, terms }: Pick<Stages, 'ends' | 'scores' | 'terms'>,
  known: ArrayLike<number> | undefined,
): Pick<Stages, 'states' | 'y'> {
  const made = new Float64Array((blocks + 1) * stateSize);
  const states = known ?? made;
  const y = new Float64Array(tokens * valueSize);
  for (let block = 0; block < blocks; block++) {
    for (let c = 0; c < valueSize; c++) {
      const column = Float64Array.from(
        { length: keySize },
        (_, m) => states[block * stateSize + m * valueSize + c] ?? NaN,
      );
      /** A token's row of a term, times the state. */
      const times = (first: number, i: number): number =>
        dot(column, 0, terms, rowAt(block, termRows, first) + i, keySize, chunk);
      const learned = new Float64Array(chunk);
      for (let i = 0; i < countOf(block); i++) {
        learned[i] = (terms[rowAt(block, termRows, c) + i] ?? NaN) - times(valueSize, i);
        const seen = dot(scores, rowAt(block, 2 * chunk, chunk + i), learned, 0, i + 1);
        y[(block * chunk + i) * valueSize + c] = times(rightRows, i) + seen;
      }
      for (const [m, value] of column.entries()) {
        const added = dot(
          terms,
          rowAt(block, termRows, rightRows + keySize + m),
          learned,
          0,
          chunk,
        );
        made[(block + 1) * stateSize + m * valueSize + c] =
          Math.exp(ends[block] ?? NaN) * value + added;
      }
    }
  }
  return { states, y };
}
