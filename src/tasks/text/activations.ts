// Activations as sentence-transformers names them in its files: classes of torch.nn.

import { torchClass } from '../../model/sentence-modules.ts';

type Activation = (x: number) => number;

const sigmoid: Activation = (x) => 1 / (1 + Math.exp(-x));
const softplus: Activation = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const known: Readonly<Record<string, Activation>> = {
  ELU: (x) => (x > 0 ? x : Math.expm1(x)),
  GELU: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  Identity: (x) => x,
  LeakyReLU: (x) => (x > 0 ? x : 0.01 * x),
  Mish: (x) => x * Math.tanh(softplus(x)),
  ReLU: (x) => Math.max(x, 0),
  SiLU: (x) => x * sigmoid(x),
  Sigmoid: sigmoid,
  Softplus: softplus,
  Tanh: Math.tanh,
};

/** The function of a class of torch.nn; undefined for one that is not known. */
export function activationOf(name: unknown): Activation | undefined {
  const own = torchClass(name) ?? '';
  return Object.hasOwn(known, own) ? known[own] : undefined;
}

/** Those that are known. */
export const activationNames: readonly string[] = Object.keys(known);

/** The error function: its series near 0, beyond that the continued fraction of its complement. */
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 60; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  const complement = Math.exp(-size * size) / (Math.sqrt(Math.PI) * (size + fraction));
  return Math.sign(x) * (1 - complement);
}
