// Token embedding plus position, and the counters that decoding moves on.

import { kernel, type Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import advanceText from './advance.wgsl?raw';
import backwardText from './embedding-backward.wgsl?raw';
import linksText from './embedding-links.wgsl?raw';
import embeddingText from './embedding.wgsl?raw';
import { weightStorage, workgroup } from './snippets.ts';

const embeddingKernel = kernel({
  name: 'embedding',
  code: [workgroup, weightStorage, { file: 'embedding.wgsl', text: embeddingText }],
  bindings: { weight: 'read', ids: 'read', position: 'read', positions: 'read', y: 'write' },
  params: { tokens: 'u32', columns: 'u32', pitch: 'u32', offset: 'u32', scale: 'f32' },
  constants: { HAS_POSITIONS: [false, true] },
});

const advanceKernel = kernel({
  name: 'advance',
  code: [workgroup, { file: 'advance.wgsl', text: advanceText }],
  bindings: { counter: 'write' },
  params: { counters: 'u32' },
});

const linksKernel = kernel({
  name: 'embedding-links',
  code: [workgroup, { file: 'embedding-links.wgsl', text: linksText }],
  bindings: { ids: 'read', links: 'write' },
  params: { tokens: 'u32', vocabulary: 'u32' },
});

const backwardKernel = kernel({
  name: 'embedding-backward',
  code: [workgroup, { file: 'embedding-backward.wgsl', text: backwardText }],
  bindings: { links: 'read', dy: 'read', dtable: 'write' },
  params: { tokens: 'u32', columns: 'u32', vocabulary: 'u32', scale: 'f32' },
});

export const embeddingKernels: readonly Kernel[] = [
  embeddingKernel,
  linksKernel,
  backwardKernel,
  advanceKernel,
];

export interface EmbeddingOptions {
  /** Factor of the token embedding; 1 when absent. */
  scale?: number;
  /** The position of each token, shaped like `ids`, with the table of position vectors. */
  positions?: { readonly position: Tensor; readonly table: Tensor; readonly offset?: number };
}

/** table[id] · scale + positions[position]. ids: (B, T). table: (V, d_model). Result: (B, T, d_model). */
export function embedding(ids: Tensor, table: Tensor, options: EmbeddingOptions = {}): Tensor {
  const { recording } = ids;
  const { scale = 1, positions } = options;
  const tokens = elements(ids.shape);
  const columns = table.size(-1);
  const y = recording.transient('embedding', [...ids.shape, columns]);
  recording.dispatch({
    kernel: embeddingKernel,
    bindings: {
      weight: table,
      ids,
      position: positions?.position,
      positions: positions?.table,
      y,
    },
    params: { tokens, columns, pitch: table.pitch, offset: positions?.offset ?? 0, scale },
    constants: { HAS_POSITIONS: positions !== undefined },
    workgroups: Math.ceil((tokens * columns) / 64),
  });
  const dTableOf = (dy: Tensor): Tensor => {
    const vocabulary = table.size(0);
    const links = embeddingLinks(ids, vocabulary);
    const dtable = recording.transient(`d ${table.label}`, table.shape);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { links, dy, dtable },
      params: { tokens, columns, vocabulary, scale },
      workgroups: Math.ceil(elements(table.shape) / 64),
    });
    return dtable;
  };
  recording.differentiate({
    output: y,
    inputs: [table],
    backward: (dy) => [[table, () => dTableOf(dy)]],
  });
  return y;
}

/**
 * Chains the tokens of each word: for each token the one before it with the same id, then for each
 * word its last one; 2³² - 1 where there is none. ids: u32. Result: u32 (tokens + vocabulary).
 */
export function embeddingLinks(ids: Tensor, vocabulary: number): Tensor {
  const tokens = elements(ids.shape);
  const links = ids.recording.transient('embedding links', [tokens + vocabulary], 'u32');
  ids.recording.dispatch({
    kernel: linksKernel,
    bindings: { ids, links },
    params: { tokens, vocabulary },
    workgroups: Math.ceil((tokens + vocabulary) / 64),
  });
  return links;
}

/** counter += 1, element by element. */
export function advance(counter: Tensor): void {
  const counters = elements(counter.shape);
  counter.recording.dispatch({
    kernel: advanceKernel,
    bindings: { counter },
    params: { counters },
    workgroups: Math.ceil(counters / 64),
  });
}
