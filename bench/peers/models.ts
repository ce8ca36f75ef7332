// The compared models, written once over the operations that each library has for them: BERT's encoder
// (arXiv 1810.04805) and a step of GPT-2, with drawn weights.

import { draw, type KernelCase, type StackSize, type Values } from './cases.ts';

/** What a library computes with. Matrices are (rows, columns). */
export interface Operations<T> {
  matmul(a: T, b: T): T;
  add(a: T, b: T): T;
  gelu(x: T, form: 'erf' | 'tanh'): T;
  /** Along rows, with an epsilon of `normEps`. */
  layerNorm(x: T, weight: T, bias: T): T;
  softmax(x: T): T;
  /** Columns in so many equal parts. */
  split(x: T, parts: number): T[];
  /** Rows of one above those of the other. */
  above(a: T, b: T): T;
  /** softmax(q·kᵀ/√d)·v. The heads stand side by side, as projections leave them. */
  attention(q: T, k: T, v: T, options: { heads: number; causal: boolean }): T;
}

export type Named<T> = Readonly<Record<string, T>>;

export const normEps = 1e-5;

/** The weights of a stack; those of products are (in, out), queries, keys and values side by side. */
export function stackWeights({ layers, width, inner }: StackSize): Record<string, Values> {
  const weights: Record<string, Values> = {};
  let seed = 1000;
  const linear = (name: string, from: number, to: number): void => {
    weights[`${name}.weight`] = draw([from, to], seed++, { scale: Math.sqrt(3 / from) });
    weights[`${name}.bias`] = draw([to], seed++, { scale: 0.1 });
  };
  const norm = (name: string): void => {
    weights[`${name}.weight`] = draw([width], seed++, { scale: 0.1, bias: 1 });
    weights[`${name}.bias`] = draw([width], seed++, { scale: 0.1 });
  };
  for (let layer = 0; layer < layers; layer++) {
    linear(`${layer}.qkv`, width, 3 * width);
    linear(`${layer}.out`, width, width);
    norm(`${layer}.norm1`);
    linear(`${layer}.up`, width, inner);
    linear(`${layer}.down`, inner, width);
    norm(`${layer}.norm2`);
  }
  norm('norm');
  return weights;
}

/** Embeddings of tokens and positions; GPT-2's output layer is that of its tokens. */
export function embeddingWeights({ vocabulary, width, past, tokens }: StackSize): {
  readonly tokens: Values;
  readonly positions: Values;
} {
  return {
    tokens: draw([vocabulary, width], 900, { scale: 0.1 }),
    positions: draw([past + tokens + 16, width], 901, { scale: 0.1 }),
  };
}

function applied<T>(ops: Operations<T>, x: T, weights: Named<T>, name: string): T {
  return ops.add(ops.matmul(x, of(weights, `${name}.weight`)), of(weights, `${name}.bias`));
}

function normed<T>(ops: Operations<T>, x: T, weights: Named<T>, name: string): T {
  return ops.layerNorm(x, of(weights, `${name}.weight`), of(weights, `${name}.bias`));
}

function of<T>(values: Named<T>, name: string): T {
  const value = values[name];
  if (value === undefined) throw new RangeError(`there is no ${name}`);
  return value;
}

/** x: (tokens, width), what the embeddings give. "LayerNorm(x + Sublayer(x))". */
export function encoder<T>(ops: Operations<T>, x: T, weights: Named<T>, size: StackSize): T {
  let h = x;
  for (let layer = 0; layer < size.layers; layer++) {
    const [q, k, v] = ops.split(applied(ops, h, weights, `${layer}.qkv`), 3);
    if (q === undefined || k === undefined || v === undefined) throw new RangeError('no heads');
    const mixed = ops.attention(q, k, v, { heads: size.heads, causal: false });
    h = ops.add(h, applied(ops, mixed, weights, `${layer}.out`));
    h = normed(ops, h, weights, `${layer}.norm1`);
    const hidden = ops.gelu(applied(ops, h, weights, `${layer}.up`), 'erf');
    h = ops.add(h, applied(ops, hidden, weights, `${layer}.down`));
    h = normed(ops, h, weights, `${layer}.norm2`);
  }
  return h;
}

/** Keys and values of each layer, (tokens, width). */
export type Past<T> = readonly { readonly k: T; readonly v: T }[];

/**
 * Tokens after those whose keys and values are in `past`; without a past, a causal stack. Result: logits,
 * and what the past is for the next step. `head`: (width, vocabulary).
 */
export function decoder<T>(
  ops: Operations<T>,
  x: T,
  weights: Named<T>,
  { size, past, head }: { size: StackSize; past?: Past<T> | undefined; head: T },
): { logits: T; past: Past<T> } {
  let h = x;
  const next: { k: T; v: T }[] = [];
  for (let layer = 0; layer < size.layers; layer++) {
    const input = normed(ops, h, weights, `${layer}.norm1`);
    const [q, k, v] = ops.split(applied(ops, input, weights, `${layer}.qkv`), 3);
    if (q === undefined || k === undefined || v === undefined) throw new RangeError('no heads');
    const before = past?.[layer];
    const all =
      before === undefined ? { k, v } : { k: ops.above(before.k, k), v: ops.above(before.v, v) };
    next.push(all);
    const options = { heads: size.heads, causal: before === undefined };
    const mixed = ops.attention(q, all.k, all.v, options);
    h = ops.add(h, applied(ops, mixed, weights, `${layer}.out`));
    const hidden = applied(ops, normed(ops, h, weights, `${layer}.norm2`), weights, `${layer}.up`);
    h = ops.add(h, applied(ops, ops.gelu(hidden, 'tanh'), weights, `${layer}.down`));
  }
  return { logits: ops.matmul(normed(ops, h, weights, 'norm'), head), past: next };
}

/** A kernel's result of inputs named as `kernelInputs` names them. */
export function kernel<T>(ops: Operations<T>, inputs: Named<T>, one: KernelCase): T {
  const input = (name: string): T => of(inputs, name);
  const { kind, heads = 1, causal = false } = one;
  if (kind === 'matmul') return ops.matmul(input('x'), input('weight'));
  if (kind === 'layer norm') return ops.layerNorm(input('x'), input('weight'), input('bias'));
  if (kind === 'softmax') return ops.softmax(input('x'));
  return ops.attention(input('q'), input('k'), input('v'), { heads, causal });
}
