// What adaptive ranks ask of a step: how important parameters are, and how far vectors are from orthonormal.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

/** Ī ← β₁ Ī + (1 - β₁) |p g|, then Ū ← β₂ Ū + (1 - β₂) ||p g| - Ī|. */
export const importance: Reference = {
  twin: (inputs, params) => {
    const [settings, status] = [floats(inputs, 'settings'), floats(inputs, 'status')];
    const [parameter, gradient] = [floats(inputs, 'parameter'), floats(inputs, 'gradient')];
    const [sensitivity, uncertainty] = [
      floats(inputs, 'sensitivity').slice(),
      floats(inputs, 'uncertainty').slice(),
    ];
    if (settings[2] === 0 || status[2] === 0) return { sensitivity, uncertainty };
    const [beta1, beta2] = [scalar(params, 'beta1'), scalar(params, 'beta2')];
    parameter.forEach((p, e) => {
      const own = Math.abs(p * gradient[e]! * status[1]!);
      sensitivity[e] = beta1 * sensitivity[e]! + (1 - beta1) * own;
      uncertainty[e] = beta2 * uncertainty[e]! + (1 - beta2) * Math.abs(own - sensitivity[e]);
    });
    return { sensitivity, uncertainty };
  },
  conditions: (inputs) => {
    const [status, gradient] = [floats(inputs, 'status'), floats(inputs, 'gradient')];
    const before = floats(inputs, 'sensitivity');
    const own = Float64Array.from(
      floats(inputs, 'parameter'),
      (p, e) => Math.abs(p * gradient[e]! * status[1]!) + Math.abs(before[e]!),
    );
    const magnitude = own.map((value, e) => value + Math.abs(floats(inputs, 'uncertainty')[e]!));
    return {
      sensitivity: { length: 3, magnitude: own },
      uncertainty: { length: 6, magnitude },
    };
  },
};

/** Element `i` of vector `v`. */
function vectorsIn(inputs: Inputs, params: Params): (v: number, i: number) => number {
  const parameter = floats(inputs, 'parameter');
  const [pitch, step] = [scalar(params, 'pitch'), scalar(params, 'step')];
  return (v, i) => parameter[v * pitch + i * step]!;
}

function gram(inputs: Inputs, params: Params, of: (product: number) => number): Float64Array {
  const at = vectorsIn(inputs, params);
  const [vectors, length] = [scalar(params, 'vectors'), scalar(params, 'length')];
  return Float64Array.from({ length: vectors ** 2 }, (_, element) => {
    const [one, other] = [Math.floor(element / vectors), element % vectors];
    let sum = one === other ? of(-1) : 0;
    for (let i = 0; i < length; i++) sum += of(at(one, i) * at(other, i));
    return sum;
  });
}

/** PPᵀ - I. */
export const gramResidual: Reference = {
  twin: (inputs, params) => ({ residual: gram(inputs, params, (product) => product) }),
  conditions: (inputs, params) => ({
    residual: {
      length: scalar(params, 'length') + 1,
      magnitude: gram(inputs, params, Math.abs),
    },
  }),
};

/** g + 2 w (PPᵀ - I) P / ‖PPᵀ - I‖. */
export const orthogonality: Reference = {
  twin: (inputs, params) => slopes(inputs, params, (value) => value),
  conditions: (inputs, params) => {
    const { gradient: magnitude } = slopes(inputs, params, Math.abs);
    return { gradient: { length: 2 * scalar(params, 'vectors') ** 2 + 4, magnitude } };
  },
};

function slopes(
  inputs: Inputs,
  params: Params,
  of: (value: number) => number,
): { gradient: Float64Array } {
  const residual = floats(inputs, 'residual');
  const gradient = floats(inputs, 'gradient').map(of);
  const norm = Math.sqrt(residual.reduce((sum, value) => sum + value ** 2, 0));
  if (norm === 0) return { gradient };
  const at = vectorsIn(inputs, params);
  const [vectors, length] = [scalar(params, 'vectors'), scalar(params, 'length')];
  const [pitch, step] = [scalar(params, 'pitch'), scalar(params, 'step')];
  for (let v = 0; v < vectors; v++) {
    for (let i = 0; i < length; i++) {
      let slope = 0;
      for (let k = 0; k < vectors; k++) slope += of(residual[v * vectors + k]! * at(k, i));
      gradient[v * pitch + i * step]! += (2 * scalar(params, 'weight') * slope) / norm;
    }
  }
  return { gradient };
}
