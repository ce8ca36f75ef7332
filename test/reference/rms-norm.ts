// y = s / √(mean(s²) + ε) · (offset + weight) for each row of s = x + residual (arXiv 1910.07467,
// eq. 4), and its gradient.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

interface Row {
  readonly at: number;
  readonly s: Float64Array;
  /** 1 / √(mean(s²) + ε) */
  readonly inverse: number;
  /** offset + weight */
  readonly gain: Float64Array;
}

function rowsOf(inputs: Inputs, params: Params, x: Float64Array): Row[] {
  const residual = inputs['residual'] && floats(inputs, 'residual');
  const columns = scalar(params, 'columns');
  const gain = floats(inputs, 'weight').map((w) => scalar(params, 'offset') + w);
  return Array.from({ length: scalar(params, 'rows') }, (_, i) => {
    const at = i * columns;
    const s = x.slice(at, at + columns).map((value, j) => value + (residual?.[at + j] ?? 0));
    const inverse = 1 / Math.sqrt(meanOf(s.map((value) => value * value)) + scalar(params, 'eps'));
    return { at, s, inverse, gain };
  });
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export const rmsNorm: Reference = {
  twin: (inputs, params) => {
    const x = floats(inputs, 'x');
    const [sum, y] = [new Float64Array(x.length), new Float64Array(x.length)];
    for (const { at, s, inverse, gain } of rowsOf(inputs, params, x)) {
      sum.set(s, at);
      y.set(
        s.map((value, j) => value * inverse * gain[j]!),
        at,
      );
    }
    return { sum, y };
  },
  // The sum of squares does not cancel, so that each element is off by its share of roundoffs; where
  // x and the residual cancel, the error of their sum is that of a single rounding.
  conditions: (inputs, params) => {
    const x = floats(inputs, 'x');
    const size = floats(inputs, 'weight').map(Math.abs);
    const [sum, y] = [new Float64Array(x.length), new Float64Array(x.length)];
    for (const { at, s, inverse } of rowsOf(inputs, params, x)) {
      sum.set(s.map(Math.abs), at);
      y.set(
        s.map((value, j) => Math.abs(value) * inverse * (scalar(params, 'offset') + size[j]!)),
        at,
      );
    }
    const length = scalar(params, 'columns');
    return { sum: { length: 1, magnitude: sum }, y: { length, magnitude: y } };
  },
};

/** dn = dy · n, and dx: what reaches s through the row itself and its mean square. */
function backward(
  inputs: Inputs,
  params: Params,
  magnitudes: boolean,
): Record<string, Float64Array> {
  const size = (value: number): number => (magnitudes ? Math.abs(value) : value);
  const dys = floats(inputs, 'dy');
  const [dx, dn] = [new Float64Array(dys.length), new Float64Array(dys.length)];
  for (const { at, s, inverse, gain } of rowsOf(inputs, params, floats(inputs, 's'))) {
    const weight = floats(inputs, 'weight');
    const offset = Math.abs(scalar(params, 'offset'));
    const n = s.map((value) => size(value) * inverse);
    const g = n.map((_, j) =>
      magnitudes
        ? Math.abs(dys[at + j]!) * (offset + Math.abs(weight[j]!))
        : dys[at + j]! * gain[j]!,
    );
    const along = meanOf(g.map((value, j) => value * n[j]!));
    for (const j of n.keys()) {
      const through = n[j]! * along;
      dx[at + j] = inverse * (magnitudes ? g[j]! + through : g[j]! - through);
      dn[at + j] = size(dys[at + j]!) * n[j]!;
    }
  }
  return { dx, dn };
}

export const rmsNormBackward: Reference = {
  twin: (inputs, params) => backward(inputs, params, false),
  conditions: (inputs, params) => {
    const { dx = 0, dn = 0 } = backward(inputs, params, true);
    const length = scalar(params, 'columns');
    return { dx: { length, magnitude: dx }, dn: { length, magnitude: dn } };
  },
};
