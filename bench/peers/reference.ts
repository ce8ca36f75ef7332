// The true results, in float64 and plain loops, of which every library's are compared with samples.

import { type Case, sampled, type Values } from './cases.ts';
import { decoder, embeddingWeights, normEps, type Operations, stackWeights } from './models.ts';
import { embeddingNorm, type Given, idsOf, workOf } from './work.ts';

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array | Float32Array;
}

/** Of a vector: a row. */
function matrix({ shape, data }: Values): Matrix {
  const columns = shape.at(-1) ?? 1;
  return { rows: data.length / columns, columns, data };
}

function values({ rows, columns, data }: Matrix): Values {
  return { shape: [rows, columns], data: Float32Array.from(data) };
}

function mapped({ rows, columns, data }: Matrix, f: (value: number) => number): Matrix {
  return { rows, columns, data: Float64Array.from(data, f) };
}

/** Each row as `f` makes it. */
function byRows(x: Matrix, f: (row: Float64Array) => ArrayLike<number>): Matrix {
  const data = new Float64Array(x.data.length);
  for (let start = 0; start < data.length; start += x.columns) {
    data.set(Array.from(f(Float64Array.from(x.data.subarray(start, start + x.columns)))), start);
  }
  return { ...x, data };
}

function softmaxOf(row: Float64Array): Float64Array {
  const largest = row.reduce((most, value) => Math.max(most, value), -Infinity);
  const weights = row.map((value) => Math.exp(value - largest));
  const total = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => value / total);
}

/** erf by its Taylor series, and by its continued fraction where that converges slowly. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 3) {
    let fraction = 0;
    for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
    return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
  }
  let [sum, term] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export const reference: Operations<Matrix> = {
  matmul(a, b) {
    const depth = a.columns;
    // Four rows at a time, of which there may be some too many: four sums do not wait for each other.
    const rows = Math.ceil(a.rows / 4) * 4;
    const left = new Float64Array(rows * depth);
    left.set(a.data);
    const data = new Float64Array(rows * b.columns);
    const right = new Float64Array(depth);
    for (let column = 0; column < b.columns; column++) {
      for (let k = 0; k < depth; k++) right[k] = b.data[k * b.columns + column] ?? NaN;
      for (let row = 0; row < rows; row += 4) {
        const start = row * depth;
        let [first, second, third, fourth] = [0, 0, 0, 0];
        for (let k = 0; k < depth; k++) {
          const factor = right[k] ?? NaN;
          first += factor * (left[start + k] ?? NaN);
          second += factor * (left[start + depth + k] ?? NaN);
          third += factor * (left[start + 2 * depth + k] ?? NaN);
          fourth += factor * (left[start + 3 * depth + k] ?? NaN);
        }
        [first, second, third, fourth].forEach((sum, i) => {
          data[(row + i) * b.columns + column] = sum;
        });
      }
    }
    return { rows: a.rows, columns: b.columns, data: data.subarray(0, a.rows * b.columns) };
  },
  add: (a, b) => ({
    ...a,
    data: Float64Array.from(a.data, (value, i) => value + (b.data[i % b.data.length] ?? NaN)),
  }),
  gelu: (x, form) =>
    mapped(x, (value) =>
      form === 'erf'
        ? (value / 2) * (1 + erf(value / Math.SQRT2))
        : (value / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3))),
    ),
  layerNorm: (x, weight, bias) =>
    byRows(x, (row) => {
      const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
      const scale = 1 / Math.sqrt(variance + normEps);
      return row.map((value, i) => {
        return (value - mean) * scale * (weight.data[i] ?? NaN) + (bias.data[i] ?? NaN);
      });
    }),
  softmax: (x) => byRows(x, softmaxOf),
  split(x, parts) {
    const columns = x.columns / parts;
    return Array.from({ length: parts }, (_, part) => {
      const data = new Float64Array(x.rows * columns);
      for (let row = 0; row < x.rows; row++) {
        const start = row * x.columns + part * columns;
        data.set(x.data.subarray(start, start + columns), row * columns);
      }
      return { rows: x.rows, columns, data };
    });
  },
  above: (a, b) => ({
    rows: a.rows + b.rows,
    columns: a.columns,
    data: Float64Array.from([...a.data, ...b.data]),
  }),
  attention(q, k, v, { heads, causal }) {
    const size = q.columns / heads;
    const data = new Float64Array(q.data.length);
    for (let row = 0; row < q.rows; row++) {
      for (let head = 0; head < heads; head++) {
        const start = head * size;
        const scores = new Float64Array(causal ? row + 1 : k.rows).map((_, key) => {
          let sum = 0;
          for (let i = start; i < start + size; i++) {
            sum += (q.data[row * q.columns + i] ?? NaN) * (k.data[key * k.columns + i] ?? NaN);
          }
          return sum / Math.sqrt(size);
        });
        softmaxOf(scores).forEach((weight, key) => {
          for (let i = start; i < start + size; i++) {
            const at = row * q.columns + i;
            data[at] = (data[at] ?? NaN) + weight * (v.data[key * v.columns + i] ?? NaN);
          }
        });
      }
    }
    return { ...q, data };
  },
};

/** What a model's case begins with. */
export function givenFor(one: Case): Given {
  if (one.kind !== 'encoder' && one.kind !== 'decoder step') return {};
  const { tokens, positions } = embeddingWeights(one);
  const embedded = embed(idsOf(one), matrix(tokens), matrix(positions));
  if (one.kind === 'encoder') {
    const { weight, bias } = embeddingNorm(one);
    return { x: values(reference.layerNorm(embedded, matrix(weight), matrix(bias))) };
  }
  const weights = byName(stackWeights(one));
  // Nobody looks at the logits of the past.
  const head = { rows: one.width, columns: 1, data: new Float64Array(one.width) };
  const { past } = decoder(reference, rowsOf(embedded, 0, one.past), weights, { size: one, head });
  const given: Record<string, Values> = { x: values(rowsOf(embedded, one.past, one.past + 1)) };
  past.forEach(({ k, v }, layer) => {
    given[`${layer}.k`] = values(k);
    given[`${layer}.v`] = values(v);
  });
  return given;
}

/** The samples of the true result, and where it is largest. */
export function truthOf(one: Case, given: Given): { samples: number[]; largest: number } {
  const { inputs, weights, compute } = workOf(one, given);
  const [result] = compute(reference, byName({ ...inputs, ...weights }));
  if (result === undefined) throw new RangeError(`${one.name} has no result`);
  const { data } = result;
  let largest = 0;
  data.forEach((value, i) => {
    if (value > (data[largest] ?? NaN)) largest = i;
  });
  return { samples: sampled(data), largest };
}

function byName(all: Readonly<Record<string, Values>>): Record<string, Matrix> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, matrix(one)]));
}

function rowsOf(x: Matrix, first: number, end: number): Matrix {
  const data = x.data.subarray(first * x.columns, end * x.columns);
  return { rows: end - first, columns: x.columns, data };
}

function embed(ids: readonly number[], tokens: Matrix, positions: Matrix): Matrix {
  const { columns } = tokens;
  const data = new Float64Array(ids.length * columns);
  ids.forEach((id, place) => {
    for (let i = 0; i < columns; i++) {
      data[place * columns + i] =
        (tokens.data[id * columns + i] ?? NaN) + (positions.data[place * columns + i] ?? NaN);
    }
  });
  return { rows: ids.length, columns, data };
}
