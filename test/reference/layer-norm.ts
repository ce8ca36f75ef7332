// y = (s - mean) / √(variance + ε) · weight + bias for each row of s = x + residual
// (arXiv 1607.06450, eq. 3 and 4; the variance is the biased one, as in PyTorch), and its gradient.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

interface Row {
  readonly sums: Float64Array;
  readonly mean: number;
  /** 1 / √(variance + ε) */
  readonly inverse: number;
  /** Mean of |x| + |residual|. */
  readonly magnitude: number;
}

function rowOf(inputs: Inputs, params: Params, row: number): Row {
  const x = floats(inputs, 'x');
  const residual = inputs['residual'] && floats(inputs, 'residual');
  const columns = scalar(params, 'columns');
  const sums = new Float64Array(columns);
  let mean = 0;
  let magnitude = 0;
  for (let j = 0; j < columns; j++) {
    const at = row * columns + j;
    sums[j] = x[at]! + (residual?.[at] ?? 0);
    mean += sums[j]! / columns;
    magnitude += (Math.abs(x[at]!) + Math.abs(residual?.[at] ?? 0)) / columns;
  }
  let variance = 0;
  for (const sum of sums) variance += (sum - mean) ** 2 / columns;
  return { sums, mean, inverse: 1 / Math.sqrt(variance + scalar(params, 'eps')), magnitude };
}

export const layerNorm: Reference = {
  twin: (inputs, params) => {
    const [weight, bias] = [floats(inputs, 'weight'), floats(inputs, 'bias')];
    const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
    const sum = new Float64Array(rows * columns);
    const y = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      const { sums, mean, inverse } = rowOf(inputs, params, i);
      sum.set(sums, i * columns);
      for (let j = 0; j < columns; j++) {
        y[i * columns + j] = (sums[j]! - mean) * inverse * weight[j]! + bias[j]!;
      }
    }
    return { sum, y };
  },
  // An error of the sums and of their mean is magnified by 1/σ, once directly and once through the
  // variance; a large mean with a small variance is where f32 loses digits.
  conditions: (inputs, params) => {
    const [weight, bias] = [floats(inputs, 'weight'), floats(inputs, 'bias')];
    const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
    const sum = new Float64Array(rows * columns);
    const y = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      const { sums, mean, inverse, magnitude } = rowOf(inputs, params, i);
      for (let j = 0; j < columns; j++) {
        const normal = Math.abs((sums[j]! - mean) * inverse);
        const shift = (Math.abs(sums[j]!) + magnitude) * inverse * (1 + normal);
        sum[i * columns + j] = Math.abs(sums[j]!);
        y[i * columns + j] = Math.abs(weight[j]!) * (normal + shift) + Math.abs(bias[j]!);
      }
    }
    return { sum: { length: 1, magnitude: sum }, y: { length: columns, magnitude: y } };
  },
};

/** Along a row, with n = (s - mean) · inverse and g = dy · weight. */
interface BackwardRow {
  readonly inverse: number;
  /** `inverse`, and how large an error of it can be, in roundoffs. */
  readonly inverseSpread: number;
  readonly n: Float64Array;
  readonly g: Float64Array;
  readonly dy: Float64Array;
  /** How large an error of each n can be, in roundoffs, as in `layerNorm`. */
  readonly spread: Float64Array;
}

function backwardRows(inputs: Inputs, params: Params): BackwardRow[] {
  const [weight, dys] = [floats(inputs, 'weight'), floats(inputs, 'dy')];
  const columns = scalar(params, 'columns');
  return Array.from({ length: scalar(params, 'rows') }, (_, i) => {
    const { sums, mean, inverse, magnitude } = rowOf({ x: inputs['s'] }, params, i);
    const dy = dys.subarray(i * columns, (i + 1) * columns);
    const n = sums.map((value) => (value - mean) * inverse);
    const g = dy.map((value, j) => value * weight[j]!);
    const shift = sums.map((value) => (Math.abs(value) + magnitude) * inverse);
    // What errors of the row do to the variance, as a part of it.
    const ratio = 1 + meanOf(shift.map((value, j) => value * Math.abs(n[j]!)));
    const spread = n.map((value, j) => Math.abs(value) * ratio + shift[j]!);
    return { inverse, inverseSpread: inverse * ratio, n, g, dy, spread };
  });
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** dn = dy · n, and dx: what reaches s through the row itself, its mean and its variance. */
export const layerNormBackward: Reference = {
  twin: (inputs, params) => {
    const columns = scalar(params, 'columns');
    const dx = new Float64Array(scalar(params, 'rows') * columns);
    const dn = new Float64Array(dx.length);
    backwardRows(inputs, params).forEach(({ inverse, n, g, dy }, i) => {
      const [direct, along] = [meanOf(g), meanOf(g.map((value, j) => value * n[j]!))];
      dx.set(
        g.map((value, j) => inverse * (value - direct - n[j]! * along)),
        i * columns,
      );
      dn.set(
        dy.map((value, j) => value * n[j]!),
        i * columns,
      );
    });
    return { dx, dn };
  },
  conditions: (inputs, params) => {
    const columns = scalar(params, 'columns');
    const dx = new Float64Array(scalar(params, 'rows') * columns);
    const dn = new Float64Array(dx.length);
    backwardRows(inputs, params).forEach(({ inverseSpread, n, g, dy, spread }, i) => {
      const size = g.map(Math.abs);
      const along = meanOf(size.map((value, j) => value * Math.abs(n[j]!)));
      const alongSpread = meanOf(size.map((value, j) => value * spread[j]!));
      const direct = meanOf(size);
      size.forEach((value, j) => {
        const through = spread[j]! * along + Math.abs(n[j]!) * alongSpread;
        dx[i * columns + j] = inverseSpread * (value + direct + through);
        dn[i * columns + j] = Math.abs(dy[j]!) * spread[j]!;
      });
    });
    return { dx: { length: columns, magnitude: dx }, dn: { length: columns, magnitude: dn } };
  },
};
