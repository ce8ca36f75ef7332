// Plain float64 arithmetic that the self-test compares with.

/** Σ a[i]·b[i] over `length` elements from two places on; b's lie `step` apart. */
export function dot(
  a: ArrayLike<number>,
  fromA: number,
  b: ArrayLike<number>,
  fromB: number,
  length: number,
  step = 1,
): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a[fromA + i] ?? NaN) * (b[fromB + i * step] ?? NaN);
  return sum;
}

/** exp(x) / Σ exp(x); all zeros where every x is -∞. */
export function softmaxRow(x: readonly number[]): number[] {
  const largest = Math.max(...x);
  if (largest === -Infinity) return x.map(() => 0);
  const exps = x.map((value) => Math.exp(value - largest));
  const total = exps.reduce((sum, value) => sum + value, 0);
  return exps.map((value) => value / total);
}

/** (x - mean) / √(variance + ε) */
export function standardized(x: readonly number[], eps: number): number[] {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return x.map((value) => (value - mean) / Math.sqrt(variance + eps));
}

/** The error function by its Maclaurin series; good to 1e-12 below 4, where it is used. */
export function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** The slope of `loss` along each element of x, by central differences. */
export function slopes(x: ArrayLike<number>, loss: (moved: Float64Array) => number): Float64Array {
  const step = 1e-5;
  const moved = Float64Array.from(x);
  return Float64Array.from(x, (value, i) => {
    moved[i] = value + step;
    const above = loss(moved);
    moved[i] = value - step;
    const below = loss(moved);
    moved[i] = value;
    return (above - below) / (2 * step);
  });
}

/**
 * The bits that decide whether the element at a place is dropped: pcg4d (Jarzynski & Olano, JCGT
 * 9(3), 2020) of seed, step, site and place.
 */
export function randomBits(
  ...given: [seed: number, step: number, site: number, place: number]
): number {
  let [a, b, c, d] = given.map((n) => Math.imul(n, 1664525) + 1013904223) as typeof given;
  for (const shift of [16, 0]) {
    a += Math.imul(b, d);
    b += Math.imul(c, a);
    c += Math.imul(a, b);
    d += Math.imul(b, c);
    if (shift > 0) [a, b, c, d] = [a, b, c, d].map((n) => n ^ (n >>> shift)) as typeof given;
  }
  return d >>> 0;
}

interface AttentionShape {
  readonly batches: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** Columns of a head. */
  readonly size: number;
  readonly sees: (batch: number, query: number, key: number) => boolean;
  /** What dropout multiplies the weight at a place in (batches, heads, queries, keys) by. */
  /** What comes to the product of a query and a key, whose heads begin at these elements. */
  readonly more?: (at: number, keyAt: number, query: number, key: number) => number;
  readonly keep?: (place: number) => number;
}

/** softmax(q·kᵀ/√size)·v. q: (B, T, heads · size); k, v: (B, S, heads · size). */
export function attend(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  { batches, heads, queries, keys, size, sees, keep = () => 1, more = () => 0 }: AttentionShape,
): { output: Float64Array; weights: Float64Array } {
  const width = heads * size;
  const output = new Float64Array(batches * queries * width);
  const weights: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < queries; query++) {
        const at = (batch * queries + query) * width + head * size;
        const keyAt = (key: number): number => (batch * keys + key) * width + head * size;
        const scores = Array.from({ length: keys }, (_, key) =>
          sees(batch, query, key)
            ? (dot(q, at, k, keyAt(key), size) + more(at, keyAt(key), query, key)) / Math.sqrt(size)
            : -Infinity,
        );
        const row = softmaxRow(scores);
        const kept = row.map((weight, key) => weight * keep(weights.length + key));
        weights.push(...row);
        for (let column = 0; column < size; column++) {
          output[at + column] = dot(kept, 0, v, keyAt(0) + column, keys, width);
        }
      }
    }
  }
  return { output, weights: Float64Array.from(weights) };
}

/** Rows of a flat matrix. */
export function rowsOf(data: ArrayLike<number>, columns: number): number[][] {
  return Array.from({ length: data.length / columns }, (_, row) =>
    Array.from({ length: columns }, (__, column) => data[row * columns + column] ?? NaN),
  );
}
