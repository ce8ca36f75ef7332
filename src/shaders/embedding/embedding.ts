// Token embedding plus position.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { partsOf, rowsOf } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import embeddingText from './embedding.wgsl?raw';
import { workgroup } from '../snippets.ts';
import { weightStorage } from '../storage.ts';
import type { Traced } from '../traces.ts';

const embeddingKernel = kernel({
  name: 'embedding',
  code: [workgroup, weightStorage, { file: 'embedding.wgsl', text: embeddingText }],
  bindings: { weight: 'read', ids: 'read', position: 'read', positions: 'read', y: 'write' },
  params: {
    tokens: 'u32',
    columns: 'u32',
    pitch: 'u32',
    first: 'u32',
    last: 'u32',
    words: 'u32',
    start: 'u32',
    offset: 'u32',
    stride: 'u32',
    id_stride: 'u32',
    scale: 'f32',
  },
  constants: { HAS_POSITIONS: [false, true] },
});

export const embeddingKernels: readonly Kernel[] = [embeddingKernel];

export type EmbeddingEntry = Traced<
  'embedding',
  {
    readonly ids: Tensor;
    readonly table: Tensor;
    readonly scale: number;
    /** The row of the table that has no gradient, if there is one. */
    readonly padding: number | undefined;
    readonly beside: NonNullable<EmbeddingOptions['beside']>;
    readonly positions: EmbeddingOptions['positions'];
  }
>;

export interface EmbeddingOptions {
  /** Factor of the token embedding; 1 when absent. */
  scale?: number | undefined;
  /** The row of the table that has no gradient, counted from the end where it is negative; none when absent. */
  padding?: number | undefined;
  /** Where several words stand for an id: how many, of which the first is one, and what is added to it. */
  beside?: { readonly words: number; readonly offset: number } | undefined;
  /**
   * The position of each token, shaped like `ids` (what else stands beside one, its slot say, is
   * passed over), with the table of position vectors.
   */
  positions?:
    | {
        readonly position: Tensor;
        readonly table: Tensor;
        readonly offset?: number;
        readonly padding?: number | undefined;
      }
    | undefined;
}

/**
 * table[id] · scale + positions[position]. ids: (…), or (…, words). table: (V, d_model), or rows numbered through
 * several axes; an id beyond them counts as 0. Result: (…, d_model).
 */
export function embedding(ids: Tensor, table: Tensor, options: EmbeddingOptions = {}): Tensor {
  const { recording } = ids;
  const { scale = 1, padding, beside = { words: 1, offset: 0 }, positions } = options;
  const { words, offset: start } = beside;
  const tokens = elements(ids.shape) / words;
  const columns = table.size(-1);
  const shape = words === 1 ? ids.shape : ids.shape.slice(0, -1);
  const y = recording.transient('embedding', [...shape, columns]);
  const parts = partsOf(table);
  for (const { tensor: weight, first, rows } of parts) {
    recording.dispatch({
      kernel: embeddingKernel,
      bindings: {
        weight,
        ids,
        position: positions?.position,
        positions: positions?.table,
        y,
      },
      params: {
        tokens,
        columns,
        pitch: table.pitch,
        first,
        last: rows - 1,
        words: rowsOf(table),
        start,
        offset: positions?.offset ?? 0,
        id_stride: words,
        stride: positions ? elements(positions.position.shape) / tokens : 1,
        scale,
      },
      constants: { HAS_POSITIONS: positions !== undefined },
      workgroups: Math.ceil((tokens * columns) / 64),
      parts: parts.length > 1 ? ['y'] : [],
    });
  }
  recording.differentiate({
    op: 'embedding',
    output: y,
    inputs: [table, positions?.table],
    trace: {
      ids,
      table,
      scale,
      padding,
      beside,
      positions,
    },
  } satisfies EmbeddingEntry);
  return y;
}
