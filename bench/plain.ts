// Plain reference kernels: the usual forms with workgroup memory, as one finds them in tutorials and
// in general WebGPU libraries. They go through the same runtime, so only the kernels differ.

import { kernel, type Kernel } from '../src/runtime/kernel.ts';
import { elements, type Tensor } from '../src/runtime/tensor.ts';
import { workgroup } from '../src/shaders/snippets.ts';
import { weightStorage } from '../src/shaders/storage.ts';
import argmaxText from './plain/argmax.wgsl?raw';
import embeddingText from './plain/embedding.wgsl?raw';
import layerNormText from './plain/layer-norm.wgsl?raw';
import matmulText from './plain/matmul.wgsl?raw';
import matvecText from './plain/matvec.wgsl?raw';
import productsText from './plain/products.wgsl?raw';
import softmaxText from './plain/softmax.wgsl?raw';
import treeText from './plain/tree.wgsl?raw';

const tree = { file: 'tree.wgsl', text: treeText };

function productKernel(name: string, text: string): Kernel {
  const common = { file: 'products.wgsl', text: productsText };
  return kernel({
    name: `plain-${name}`,
    code: [workgroup, weightStorage, common, { file: `${name}.wgsl`, text }],
    bindings: { weight: 'read', x: 'read', y: 'write' },
    params: {
      batches: 'u32',
      rows: 'u32',
      columns: 'u32',
      depth: 'u32',
      x_batch: 'u32',
      x_row: 'u32',
      w_batch: 'u32',
      w_column: 'u32',
      w_depth: 'u32',
      y_batch: 'u32',
      y_row: 'u32',
      scale: 'f32',
    },
  });
}

const matmulKernel = productKernel('matmul', matmulText);
const matvecKernel = productKernel('matvec', matvecText);

const softmaxKernel = kernel({
  name: 'plain-softmax',
  code: [workgroup, tree, { file: 'softmax.wgsl', text: softmaxText }],
  bindings: { x: 'read', y: 'write' },
  params: { rows: 'u32', columns: 'u32' },
  constants: { CAUSAL: [false, true] },
});

const layerNormKernel = kernel({
  name: 'plain-layer-norm',
  code: [workgroup, tree, { file: 'layer-norm.wgsl', text: layerNormText }],
  bindings: { x: 'read', weight: 'read', bias: 'read', y: 'write' },
  params: { rows: 'u32', columns: 'u32', eps: 'f32' },
});

const argmaxKernel = kernel({
  name: 'plain-argmax',
  code: [workgroup, { file: 'argmax.wgsl', text: argmaxText }],
  bindings: { x: 'read', index: 'write' },
  params: { rows: 'u32', columns: 'u32' },
});

const embeddingKernel = kernel({
  name: 'plain-embedding',
  code: [workgroup, { file: 'embedding.wgsl', text: embeddingText }],
  bindings: { table: 'read', ids: 'read', y: 'write' },
  params: { tokens: 'u32', columns: 'u32' },
});

/** y[b, r, c] = scale · Σ_d x[b, r, d] · w[b, c, d]: sizes and strides in elements, in that order. */
interface Product {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly xStrides: readonly [batch: number, row: number];
  readonly wStrides: readonly [batch: number, column: number, depth: number];
  readonly yStrides: readonly [batch: number, row: number];
  readonly scale: number;
}

function product(x: Tensor, weight: Tensor, shape: readonly number[], wanted: Product): Tensor {
  const y = x.recording.transient('product', shape);
  const { batches, rows, columns, depth, xStrides, wStrides, yStrides, scale } = wanted;
  const [x_batch, x_row] = xStrides;
  const [w_batch, w_column, w_depth] = wStrides;
  const [y_batch, y_row] = yStrides;
  const sizes = { batches, rows, columns, depth };
  const few = rows <= 4;
  x.recording.dispatch({
    kernel: few ? matvecKernel : matmulKernel,
    bindings: { weight, x, y },
    params: { ...sizes, x_batch, x_row, w_batch, w_column, w_depth, y_batch, y_row, scale },
    workgroups: few
      ? batches * rows * columns
      : batches * Math.ceil(rows / 32) * Math.ceil(columns / 32),
  });
  return y;
}

/** x·Wᵀ. x: (rows, depth), W: (columns, depth). */
export function plainMatmul(x: Tensor, weight: Tensor): Tensor {
  const [rows, depth, columns] = [x.size(0), x.size(1), weight.size(0)];
  return product(x, weight, [rows, columns], {
    batches: 1,
    rows,
    columns,
    depth,
    xStrides: [0, depth],
    wStrides: [0, weight.pitch, 1],
    yStrides: [0, columns],
    scale: 1,
  });
}

/** Attention in three steps. q: (1, T, heads · d), k and v: (1, S, heads · d). */
export function plainAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { heads, causal }: { heads: number; causal: boolean },
): Tensor {
  const [queries, keys, width] = [q.size(1), k.size(1), v.size(2)];
  const d = width / heads;
  const scores = product(q, k, [heads, queries, keys], {
    batches: heads,
    rows: queries,
    columns: keys,
    depth: d,
    xStrides: [d, width],
    wStrides: [d, width, 1],
    yStrides: [queries * keys, keys],
    scale: d ** -0.5,
  });
  return product(plainSoftmax(scores, causal), v, [1, queries, width], {
    batches: heads,
    rows: queries,
    columns: d,
    depth: keys,
    xStrides: [queries * keys, keys],
    wStrides: [d, 1, width],
    yStrides: [d, width],
    scale: 1,
  });
}

export function plainSoftmax(x: Tensor, causal = false): Tensor {
  const y = x.recording.transient('softmax', x.shape);
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  x.recording.dispatch({
    kernel: softmaxKernel,
    bindings: { x, y },
    params: { rows, columns },
    constants: { CAUSAL: causal },
    workgroups: rows,
  });
  return y;
}

export function plainLayerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const y = x.recording.transient('layer norm', x.shape);
  const [rows, columns] = [x.size(0), x.size(1)];
  x.recording.dispatch({
    kernel: layerNormKernel,
    bindings: { x, weight, bias, y },
    params: { rows, columns, eps },
    workgroups: rows,
  });
  return y;
}

export function plainArgmax(x: Tensor, index: Tensor): void {
  const [rows, columns] = [x.size(0), x.size(1)];
  const params = { rows, columns };
  x.recording.dispatch({
    kernel: argmaxKernel,
    bindings: { x, index },
    params,
    workgroups: rows,
  });
}

export function plainEmbedding(ids: Tensor, table: Tensor): Tensor {
  const columns = table.size(-1);
  const tokens = elements(ids.shape);
  const y = ids.recording.transient('embedding', [...ids.shape, columns]);
  ids.recording.dispatch({
    kernel: embeddingKernel,
    bindings: { table, ids, y },
    params: { tokens, columns },
    workgroups: Math.ceil((tokens * columns) / 64),
  });
  return y;
}
