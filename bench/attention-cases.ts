// Attention of 12 heads of 64: of whole sequences, and of one new token over a cache.

import { attentionDecode } from '../src/shaders/attention/decode/attention-decode.ts';
import { attention } from '../src/shaders/attention/attention.ts';
import { type Case, input, numbers } from './case.ts';
import { plainAttention } from './plain.ts';

const heads = 12;
const headSize = 64;
const width = heads * headSize;

/** One column of softmax(q·kᵀ/√d)·v for one query of one head, over the first `keys` keys. */
function attend(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  { query, column, keys }: { query: number; column: number; keys: number },
): number {
  const start = column - (column % headSize);
  const scores = Array.from({ length: keys }, (_, key) => {
    let sum = 0;
    for (let i = start; i < start + headSize; i++) {
      sum += (q[query * width + i] ?? NaN) * (k[key * width + i] ?? NaN);
    }
    return Math.exp(sum / Math.sqrt(headSize));
  });
  const total = scores.reduce((sum, score) => sum + score, 0);
  return scores.reduce((sum, score, key) => {
    return sum + (score / total) * (v[key * width + column] ?? NaN);
  }, 0);
}

/** Self-attention of `length` tokens; when causal, only the products that count are counted. */
export function attentionCase(
  length: number,
  { causal, slow = false }: { causal: boolean; slow?: boolean },
): Case {
  const [q, k, v] = [1, 2, 3].map((seed) => numbers(length * width, seed));
  if (q === undefined || k === undefined || v === undefined) throw new RangeError('no inputs');
  const shape = [1, length, width];
  const pairs = causal ? (length * (length + 1)) / 2 : length * length;
  return {
    name: `attention ${heads}×${length}×${headSize}${causal ? ', causal' : ''}`,
    slow,
    work: { flops: 4 * width * pairs },
    inputs: {
      q: { shape, data: q },
      k: { shape, data: k },
      v: { shape, data: v },
      mask: { shape: [1, length], data: new Uint32Array(length).fill(1) },
    },
    ours: (_, tensors) => {
      const columns = (name: string) => ({ tensor: input(tensors, name), start: 0 });
      return attention({
        q: columns('q'),
        k: columns('k'),
        v: columns('v'),
        keyMask: input(tensors, 'mask'),
        heads,
        headSize,
        causal,
      }).output;
    },
    plain: (_, tensors) =>
      plainAttention(input(tensors, 'q'), input(tensors, 'k'), input(tensors, 'v'), {
        heads,
        causal,
      }),
    expected: (index) => {
      const [query, column] = [Math.floor(index / width), index % width];
      return attend(q, k, v, { query, column, keys: causal ? query + 1 : length });
    },
  };
}

/**
 * One new token after `past` others. Ours also appends its key and value to the cache; the plain
 * kernels find them there.
 */
export function decodeCase(past: number): Case {
  const keys = past + 1;
  const q = numbers(width, 1);
  const [k, v] = [numbers(keys * width, 2), numbers(keys * width, 3)];
  const projections = new Float32Array(3 * width);
  projections.set(q);
  projections.set(k.subarray(past * width), width);
  projections.set(v.subarray(past * width), 2 * width);
  const shape = [1, keys, width];
  const cache = Float32Array.from({ length: 2 * keys * width }, (_, i) => {
    const at = Math.floor(i / width / 2) * width + (i % width);
    return (Math.floor(i / width) % 2 === 0 ? k[at] : v[at]) ?? 0;
  });
  return {
    name: `attention, 1 token past ${past}, ${heads} heads`,
    work: { flops: 4 * width * keys },
    inputs: {
      projections: { shape: [1, 1, 3 * width], data: projections },
      q: { shape: [1, 1, width], data: q },
      k: { shape, data: k },
      v: { shape, data: v },
      cache: { shape: [keys, 2 * width], data: cache },
      place: { shape: [1, 1, 2], data: Uint32Array.of(past, past) },
      table: { shape: [1, keys], data: Uint32Array.from({ length: keys }, (_, slot) => slot) },
    },
    ours: (_, tensors) =>
      attentionDecode({
        projections: input(tensors, 'projections'),
        starts: { q: 0, k: width, v: 2 * width },
        cache: input(tensors, 'cache'),
        place: input(tensors, 'place'),
        table: input(tensors, 'table'),
        heads,
        headSize,
      }),
    plain: (_, tensors) =>
      plainAttention(input(tensors, 'q'), input(tensors, 'k'), input(tensors, 'v'), {
        heads,
        causal: false,
      }),
    expected: (column) => attend(q, k, v, { query: 0, column, keys }),
  };
}
